"""The training loop: any number of processes, resumable at any step, with the same result as an uninterrupted run."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor
from torch.optim import Optimizer
from tqdm import tqdm

from crt.checkpoint import read_tensors
from crt.cnn import CnnBranch, build_resnet
from crt.datasets import ImageSet
from crt.dual import DualBranch
from crt.errors import CrtError, InvalidCheckpoint
from crt.tiles import TileGrid
from crt.train.config import OptimizerConfig, TrainConfig
from crt.train.data import CropPlan
from crt.train.export import export, portable
from crt.train.log import TrainLog
from crt.train.loss import Losses, dual_loss
from crt.train.optim import PolySchedule, build_optimizer
from crt.train.precision import resolve
from crt.train.state import STATE_FILE, load_state, save_state
from crt.transformer import TransformerBranch, build_vit

Preview = Callable[[DualBranch, int], object]


class TrainingDiverged(CrtError):
    """The loss is no longer a number."""


@dataclass
class Trained:
    """What a run gives back: the trained pair, the steps done, and whether the schedule is finished."""

    model: DualBranch
    step: int
    finished: bool


def build_model(config: TrainConfig, classes: int) -> DualBranch:
    """The networks of a config on their starting weights. Same seed, same classifier weights."""
    torch.manual_seed(config.seed)
    model, branches = config.model, config.model.branches
    cnn = vit = None
    if branches != "vit":
        resnet = build_resnet(model.cnn, pretrained=model.cnn_weights == "timm")
        _start_from(resnet, model.cnn_weights, ("fc.",))
        cnn = CnnBranch(resnet, classes)
    if branches != "cnn":
        backbone = build_vit(model.vit, tile=model.tile, pretrained=model.vit_weights == "timm")
        _start_from(backbone, model.vit_weights, ("head.", "head_dist.", "fc_norm."))
        vit = TransformerBranch(backbone, classes, deconvolution=model.deconvolution)
    return DualBranch(cnn, vit)


def train(config: TrainConfig, images: ImageSet, *, preview: Preview | None = None) -> Trained:
    """Run the schedule of `config` on `images`, going on from the state in `config.out` with `config.resume`.

    Writes `config.json`, `log.csv`, TensorBoard events, the resumable state, and at the end the trained weights.
    `preview(model, epoch)` is called on the main process after each epoch. Raises TrainingDiverged on a loss that is
    not finite, InvalidCheckpoint when `out` holds another run's state.
    """
    device_type = "cuda" if torch.cuda.is_available() else "cpu"
    accelerator = Accelerator(
        mixed_precision=resolve(config.precision, device_type),
        cpu=device_type == "cpu",
        kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
    )
    plan = CropPlan(images, config)
    model = build_model(config, len(images.classes)).to(accelerator.device)
    if model.cnn is not None:
        model.cnn.to(memory_format=torch.channels_last)
    optimizers, schedules = _optimizers(model, config, plan.steps)
    fingerprint = _fingerprint(config, images)
    out = config.out
    start = _open_run(out, config, model, optimizers, fingerprint, accelerator)
    wrapped = accelerator.prepare(model)
    prepared = {name: accelerator.prepare(optimizer) for name, optimizer in optimizers.items()}
    model.train()

    log = TrainLog(out, start) if accelerator.is_main_process else None
    bar = tqdm(total=plan.steps, initial=start, unit="step", disable=log is None, mininterval=5.0, dynamic_ncols=True)
    saved = time.monotonic()
    step = start
    last = plan.steps if config.stop_after is None else min(plan.steps, config.stop_after)
    loader = plan.loader(start, rank=accelerator.process_index, processes=accelerator.num_processes)
    began = time.perf_counter()
    for crops, labels in loader if start < last else ():
        epoch, loops = step // plan.steps_per_epoch, plan.loops(step)
        for schedule in schedules.values():
            schedule.set(step)
        losses = _step(
            wrapped, crops.to(accelerator.device), labels.to(accelerator.device), config, epoch, loops, images
        )
        accelerator.backward(losses.total)
        _clip(accelerator, model, config)
        for optimizer in prepared.values():
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        values = _reduced(losses, accelerator)
        if not math.isfinite(values["total"]):
            raise TrainingDiverged(
                f"The loss is {values['total']} at step {step}: lower the learning rate; {STATE_FILE} is still good."
            )
        step += 1
        if log is not None:
            values["images_per_second"] = config.batch / (time.perf_counter() - began)
            began = time.perf_counter()
            log.write(step - 1, epoch, loops, values)
            bar.set_postfix({k: f"{v:.3g}" for k, v in values.items()}, refresh=False)
            bar.update()
        ended = step % plan.steps_per_epoch == 0
        if accelerator.is_main_process and (
            ended or step == last or time.monotonic() - saved > 60 * config.save_minutes
        ):
            save_state(out, model, optimizers, step, fingerprint)
            saved = time.monotonic()
        if ended and preview is not None and accelerator.is_main_process:
            model.eval()
            preview(model, epoch)
            model.train()
        if step >= last:
            break
    bar.close()
    if log is not None:
        log.close()
    finished = step >= plan.steps
    if finished and accelerator.is_main_process:
        export(model, config, images, precision=accelerator.mixed_precision)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return Trained(model, step, finished)


def _step(
    model, crops: Tensor, labels: Tensor, config: TrainConfig, epoch: int, loops: int, images: ImageSet
) -> Losses:
    """Forward and loss of one global step on this process's share; under autocast, losses in float32."""
    phase = config.phase_of(epoch)
    cnn_images = crops
    if config.model.branches != "vit":
        if phase.cnn_size is not None and phase.cnn_size != phase.crop:
            size = (phase.cnn_size, phase.cnn_size)
            cnn_images = F.interpolate(crops, size, mode="bilinear", align_corners=False, antialias=True)
        cnn_images = cnn_images.contiguous(memory_format=torch.channels_last)
    mode = "deconvolution" if config.model.deconvolution else "overlap"
    patch = 16 if config.model.branches == "cnn" else _unwrap(model).vit.patch
    grid = TileGrid(phase.crop, phase.crop, config.model.tile, patch, mode)
    maps = model(cnn_images, crops, loops, grid)
    size = config.coupling_size or phase.crop
    return dual_loss(maps, labels, config.coupling_at(epoch), size, single_label=images.single_label)


def _unwrap(model):
    return getattr(model, "module", model)


def _optimizers(
    model: DualBranch, config: TrainConfig, steps: int
) -> tuple[dict[str, Optimizer], dict[str, PolySchedule]]:
    optimizers: dict[str, Optimizer] = {}
    schedules: dict[str, PolySchedule] = {}

    def add(name: str, body, head, settings: OptimizerConfig) -> None:
        optimizers[name] = build_optimizer(body, head, settings)
        schedules[name] = PolySchedule(optimizers[name], steps, power=settings.power, warmup=settings.warmup_steps)

    if model.cnn is not None:
        add("cnn", model.cnn.resnet.parameters(), model.cnn.classifier.parameters(), config.cnn_optimizer)
    if model.vit is not None:
        add("vit", model.vit.vit.parameters(), model.vit.head.parameters(), config.vit_optimizer)
    return optimizers, schedules


def _clip(accelerator: Accelerator, model: DualBranch, config: TrainConfig) -> None:
    for branch, settings in ((model.cnn, config.cnn_optimizer), (model.vit, config.vit_optimizer)):
        if branch is not None and settings.clip is not None:
            accelerator.clip_grad_norm_(branch.parameters(), settings.clip)


def _reduced(losses: Losses, accelerator: Accelerator) -> dict[str, float]:
    """The terms averaged over processes, in one message; NaN for a term that does not exist."""
    terms = [torch.full_like(losses.total, math.nan) if t is None else t.detach() for t in losses]
    stacked = cast("Tensor", accelerator.reduce(torch.stack([t.float() for t in terms]), reduction="mean"))
    return dict(zip(Losses._fields, stacked.tolist(), strict=True))


def _start_from(backbone: torch.nn.Module, weights: str, classifier: tuple[str, ...]) -> None:
    """Load a timm state dict into a backbone; only its classifier may be left over."""
    if weights in ("timm", "random"):
        return
    path = Path(weights)
    found = {name: value for name, value in read_tensors(path).items() if not name.startswith(classifier)}
    missing, unexpected = backbone.load_state_dict(found, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked") and not name.startswith(classifier)]
    if missing or unexpected:
        raise InvalidCheckpoint(f"{path} does not fit the backbone: it lacks {missing[:3]} and has {unexpected[:3]}.")


def _fingerprint(config: TrainConfig, images: ImageSet) -> str:
    """A hash of everything that decides the weights, and of nothing else."""
    values = portable(config)
    for name in ("out", "resume", "stop_after", "save_minutes", "preview", "preview_split"):
        values.pop(name)
    values["data"].pop("workers")
    values["ids"] = hashlib.sha256("\n".join(sample.id for sample in images.samples).encode()).hexdigest()
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _open_run(
    out: Path,
    config: TrainConfig,
    model: DualBranch,
    optimizers: dict[str, Optimizer],
    fingerprint: str,
    accelerator: Accelerator,
) -> int:
    """Prepare the output folder -> the step to start from."""
    if (out / STATE_FILE).exists():
        if not config.resume:
            raise InvalidCheckpoint(f"{out} already holds a run: add --resume to go on, or choose another --out.")
        return load_state(out, model, optimizers, fingerprint)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        out.mkdir(parents=True, exist_ok=True)
        (out / "train.json").write_text(json.dumps(config.to_json(), indent=1) + "\n", encoding="utf-8")
    return 0
