"""Training of the pair, or of one branch of it as a baseline: METHOD section 6 by `Trainer`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from timm.models.resnet import ResNet
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn

from crt.data import ImageDataset
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.dual import DualBranch, SecondCnn
from crt.models.normalization import normalization_of
from crt.models.outputs import STRIDE
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit
from crt.train.config import ModelConfig
from crt.train.data import CropPlan
from crt.train.export import export, portable
from crt.train.fast_layers import compile_layers, write_attention_out
from crt.train.losses import Losses, dual_loss
from crt.train.optim import ParamGroup, trained
from crt.train.run_config import RUN_ONLY, TrainConfig
from crt.train.start_from import start_from
from crt.train.trainer import Trainer

Preview = Callable[[DualBranch, int], object]


@dataclass
class Trained:
    """What a run gives back.

    Attributes:
        model: the pair as the last step left it.
        step: steps done.
        finished: whether the schedule is finished.
        average: the pair with the moving average of the weights, if the config has one.
    """

    model: DualBranch
    step: int
    finished: bool
    average: DualBranch | None = None


def build_model(config: TrainConfig, classes: int) -> DualBranch:
    """The networks of a config on their starting weights. Same seed, same classifier weights.

    Args:
        config: of the run.
        classes: number of class maps.

    Returns:
        The pair, on the CPU.

    Raises:
        CrtError: a network or its weights cannot be had.
    """
    torch.manual_seed(config.seed)
    model, branches = config.model, config.model.branches
    cnn = vit = None
    if branches != "vit":
        cnn = CnnBranch(_resnet(model), classes)
    if branches != "cnn" and model.second_cnn:
        vit = SecondCnn(_resnet(model), classes)
    elif branches != "cnn":
        backbone = build_vit(model.vit, tile=model.tile, pretrained=model.vit_weights == "timm")
        start_from(backbone, model.vit_weights, ("head.", "head_dist.", "fc_norm."))
        vit = TransformerBranch(backbone, classes, deconvolution=model.deconvolution)
    return DualBranch(cnn, vit)


def _resnet(model: ModelConfig) -> ResNet:
    resnet = build_resnet(model.cnn, pretrained=model.cnn_weights == "timm")
    start_from(resnet, model.cnn_weights, ("fc.",))
    return resnet


def train(
    config: TrainConfig,
    images: ImageDataset,
    *,
    preview: Preview | None = None,
    record: Mapping[str, Any] | None = None,
) -> Trained:
    """Run a schedule, going on from the state in `config.out` with `config.resume`.

    Writes what `Trainer.run` writes, and at the end the trained weights as a checkpoint.

    Args:
        config: of the run.
        images: with labels.
        preview: `preview(model, epoch)` is called on the main process after each epoch.
        record: how the run was started, for its card.

    Returns:
        The networks and how far the run came.

    Raises:
        CrtError: as `Trainer.run` does.
    """
    trainer = Trainer.prepare(config, record)
    model = build_model(config, len(images.classes)).to(trainer.accelerator.device)
    wanted = {name: normalization_of(branch) for name, branch in model.named_children()}
    plan = CropPlan(images, config, tuple(dict.fromkeys(wanted.values())))
    views = [plan.normalizations.index(wanted[name]) if name in wanted else None for name in ("cnn", "vit")]
    if model.cnn is not None:
        model.cnn.to(memory_format=torch.channels_last)
    if trainer.accelerator.device.type == "cpu" and trainer.precision == "bf16":
        write_attention_out(model)
    if config.compile:
        compile_layers(model)
    average = None if config.ema_decay is None else ModelEmaV3(model, decay=config.ema_decay, use_warmup=True)

    def loss(wrapped: nn.Module, batch: list[Tensor], step: int) -> dict[str, Tensor | None]:
        crops, labels = batch
        cnn_images, vit_images = (None if view is None else crops[:, view] for view in views)
        return _losses(
            wrapped,
            cnn_images,
            vit_images,
            labels,
            config,
            epoch=step // plan.steps_per_epoch,
            loops=plan.loops(step),
            patch=model.vit.patch if isinstance(model.vit, TransformerBranch) else STRIDE,
            single_label=images.single_label,
        )._asdict()

    step = trainer.run(
        model,
        _param_groups(model, config),
        plan,
        loss,
        fingerprint=trainer.fingerprint(_deciding(config), images),
        extra_scalars=lambda step: {"loops": plan.loops(step)},
        after_epoch=None if preview is None else lambda network, epoch: preview(cast("DualBranch", network), epoch),
        graph_key=partial(_graph_key, config, plan) if config.compile else None,
        average=average,
    )
    finished = step >= plan.steps
    averaged = None if average is None else cast("DualBranch", average.module)
    if finished and trainer.accelerator.is_main_process:
        entry = {**trainer.record, "precision": trainer.precision}
        if averaged is not None:
            export(model, config, images, config.out / "last", entry)
        export(averaged or model, config, images, config.out, entry)
    trainer.end()
    return Trained(model, step, finished, averaged)


def _graph_key(config: TrainConfig, plan: CropPlan, step: int) -> tuple[object, ...]:
    """What beside the crops and their labels decides the operations of a step."""
    epoch = step // plan.steps_per_epoch
    return config.phase_of(epoch), plan.loops(step), config.lambda_cam_at(epoch)


def _losses(
    model: nn.Module,
    cnn_images: Tensor | None,
    vit_images: Tensor | None,
    labels: Tensor,
    config: TrainConfig,
    *,
    epoch: int,
    loops: int,
    patch: int,
    single_label: bool,
) -> Losses:
    """Forward and loss of one global step on this process's share; under autocast, losses in float32.

    `cnn_images`, `vit_images`: (B, 3, crop, crop), each normalised for its branch; None for one that is not trained.
    """
    phase = config.phase_of(epoch)
    if cnn_images is not None:
        if phase.cnn_size is not None and phase.cnn_size != phase.crop:
            size = (phase.cnn_size, phase.cnn_size)
            cnn_images = F.interpolate(cnn_images, size, mode="bilinear", align_corners=False, antialias=True)
        cnn_images = cnn_images.contiguous(memory_format=torch.channels_last)
    grid = TileGrid(phase.crop, phase.crop, config.model.tile, patch, config.model.crop_mode)
    maps = model(cnn_images, vit_images, loops, grid)
    size = config.consistency_size or phase.crop
    return dual_loss(maps, labels, config.lambda_cam_at(epoch), size, single_label=single_label, grid=grid)


def _param_groups(model: DualBranch, config: TrainConfig) -> dict[str, ParamGroup]:
    groups = {}
    for name, branch in (("cnn", model.cnn), ("second_cnn", model.vit)):
        if isinstance(branch, CnnBranch):
            groups[name] = ParamGroup(trained(branch.resnet), trained(branch.classifier), config.cnn_optimizer)
    if isinstance(model.vit, TransformerBranch):
        groups["vit"] = ParamGroup(trained(model.vit.vit), trained(model.vit.head), config.vit_optimizer)
    return groups


def _deciding(config: TrainConfig) -> dict[str, Any]:
    """The settings that decide the weights, without the folders of one machine."""
    values = portable(config)
    for name in (*RUN_ONLY, "preview", "preview_split"):
        values.pop(name)
    values["data"].pop("workers")
    return values
