"""Training of the segmentation network on masks made from seeds (DeepLab-V2; METHOD 8), over `Trainer`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crt.checkpoint import CONFIG_FILE, SegmentationSpec, load_checkpoint, locate, read_config
from crt.checkpoint.weights import save_network
from crt.data import ImageDataset
from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.deeplab import DeepLab
from crt.models.normalization import normalization_of
from crt.train.export import add_to_checkpoint
from crt.train.mask_configs import DeepLabConfig
from crt.train.masks_data import MaskCrops
from crt.train.optim import ParamGroup, trained
from crt.train.start_from import start_from
from crt.train.trainer import Trainer
from crt.types import IGNORE

DEEPLAB_FILE = "segmentation.safetensors"


def train_deeplab(config: DeepLabConfig, images: ImageDataset, *, record: Mapping[str, Any] | None = None) -> bool:
    """Train a segmentation network on images and their masks. Goes on from the state in `config.out` with
    `config.resume`.

    Args:
        config: of the run.
        images: with masks.
        record: how the run was started, for its card.

    Returns:
        Whether the schedule is finished.

    Raises:
        InvalidSetting: the classes of the images are not those of the checkpoint.
        CrtError: as `Trainer.run` does.
    """
    if read_config(locate(config.checkpoint)).classes != tuple(images.classes):
        raise InvalidSetting(
            f"The classes of the data are not those of {config.checkpoint}: name a checkpoint of these classes, in "
            "their order."
        )
    trainer = Trainer.prepare(config, record)
    network = build(config, len(images.classes) + 1).to(trainer.accelerator.device)
    normalization = normalization_of(network)
    plan = MaskCrops(images, config, normalization=normalization)
    network.to(memory_format=torch.channels_last)
    parts = {"deeplab": ParamGroup(trained(network.resnet), trained(network.aspp), config.optimizer)}
    step = trainer.run(
        network,
        parts,
        plan,
        lambda wrapped, batch, _: {"total": mask_loss(wrapped, batch, config.stride)},
        fingerprint=trainer.fingerprint(config.deciding(), images),
    )
    finished = step >= plan.steps
    if finished and trainer.accelerator.is_main_process and not (config.out / CONFIG_FILE).exists():
        digest = save_network(network, config.out / DEEPLAB_FILE)
        spec = SegmentationSpec(config.cnn, DEEPLAB_FILE, digest, config.stride, *normalization)
        entry = {**trainer.record, "precision": trainer.precision}
        add_to_checkpoint(config, "segmentation", spec, images=len(images), record=entry)
    trainer.end()
    return finished


def build(config: DeepLabConfig, labels: int) -> DeepLab:
    """The network of a config on its starting weights; same seed, same classifiers.

    Args:
        config: of the run.
        labels: classes with background.

    Returns:
        The network.

    Raises:
        InvalidSetting: the checkpoint has no such ResNet, or an option is out of range.
        InvalidCheckpoint: the file of weights does not fit.
    """
    check_weights(config)
    torch.manual_seed(config.seed)
    if config.weights in ("crt_cnn", "resnet"):
        resnet = cast("CnnBranch", load_checkpoint(config.checkpoint).networks[config.weights]).resnet
    else:
        resnet = build_resnet(config.cnn, pretrained=config.weights == "timm")
        start_from(resnet, config.weights, ("fc.",))
    return DeepLab(resnet, labels, stride=config.stride)


def check_weights(config: DeepLabConfig) -> None:
    """Refuse starting weights that are not there, before anything is loaded.

    Args:
        config: of the run.

    Raises:
        InvalidSetting: the checkpoint has no such ResNet.
        InvalidCheckpoint: there is no such file or checkpoint.
    """
    if config.weights in ("crt_cnn", "resnet"):
        spec = read_config(locate(config.checkpoint)).networks.get(config.weights)
        if spec is None or spec.type != "resnet" or spec.backbone != config.cnn:
            raise InvalidSetting(f"{config.checkpoint} has no {config.weights} that is a {config.cnn}: choose others.")
    elif config.weights not in ("timm", "random") and not Path(config.weights).expanduser().is_file():
        raise InvalidCheckpoint(f"There is no file {config.weights}: give a safetensors file of a timm state dict.")


def mask_loss(network: nn.Module, batch: list[Tensor], stride: int) -> Tensor:
    """Mean cross entropy of the cells against the labels of the pixels in their middle; 255 does not count.

    Args:
        network: DeepLab.
        batch: (B, 3, h, w) normalised, and (B, h, w) int64 labels.
        stride: pixels per cell.

    Returns:
        A scalar.
    """
    crops, labels = batch
    logits = network(crops.contiguous(memory_format=torch.channels_last)).float()
    wanted = labels[:, ::stride, ::stride]
    # A batch of crops that are all unsure has no mean: its sum, zero, has no gradient but is a number.
    counted = (wanted != IGNORE).sum().clamp(min=1)
    return F.cross_entropy(logits, wanted, ignore_index=IGNORE, reduction="sum") / counted
