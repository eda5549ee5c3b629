"""Training of the IRN on confident labels (IRNet, section 4; METHOD section 8), over `Trainer`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from crt.checkpoint import CONFIG_FILE, RelationSpec, load_checkpoint
from crt.checkpoint.weights import save_network
from crt.data import ImageDataset
from crt.errors import InvalidSetting
from crt.models.cnn import CnnBranch
from crt.models.irn import IRN
from crt.models.normalization import normalization_of
from crt.pseudo_labels.affinity import Pairs, find_pairs, irn_losses, reduce_labels
from crt.resample import WALK_STRIDE
from crt.train.export import add_to_checkpoint
from crt.train.mask_configs import RelationConfig
from crt.train.masks_data import MaskCrops
from crt.train.optim import ParamGroup, trained
from crt.train.trainer import Trainer

IRN_FILE = "relation.safetensors"


def train_relation(config: RelationConfig, images: ImageDataset, *, record: Mapping[str, Any] | None = None) -> bool:
    """Train an IRN on confident labels (METHOD section 8). Goes on from the state in `config.out` with
    `config.resume`.

    Args:
        config: of the run.
        images: whose masks are the confident labels.
        record: how the run was started, for its card.

    Returns:
        Whether the schedule is finished.

    Raises:
        InvalidSetting: the checkpoint has no such ResNet.
        CrtError: as `Trainer.run` does.
    """
    checkpoint = load_checkpoint(config.checkpoint)
    branch = checkpoint.networks.get(config.cnn)
    if not isinstance(branch, CnnBranch):
        raise InvalidSetting(f"{config.checkpoint} has no ResNet {config.cnn}: name one of its CNNs.")
    trainer = Trainer.prepare(config, record)
    device = trainer.accelerator.device
    plan = MaskCrops(images, config, reduce_labels, normalization_of(branch))
    torch.manual_seed(config.seed)
    network = IRN(branch.resnet).to(device)
    network.resnet.to(memory_format=torch.channels_last)
    cells = round(config.crop / WALK_STRIDE)
    pairs = find_pairs((cells, cells), config.radius, device)
    step = trainer.run(
        network,
        {"irn": ParamGroup(trained(network.edge), trained(network.displacement), config.optimizer)},
        plan,
        lambda wrapped, batch, _: _losses(wrapped, batch, pairs),
        fingerprint=trainer.fingerprint({**config.deciding(), "checkpoint": checkpoint.sha256}, images),
    )
    finished = step >= plan.steps
    if finished and not (config.out / CONFIG_FILE).exists():
        with torch.autocast(device.type, torch.bfloat16, enabled=trainer.precision == "bf16"):
            network.fit_mean(_some(plan, device))
        if trainer.accelerator.is_main_process:
            spec = RelationSpec(IRN_FILE, save_network(network, config.out / IRN_FILE, without="resnet"), config.cnn)
            entry = {**trainer.record, "precision": trainer.precision}
            add_to_checkpoint(config, "relation", spec, images=len(images), record=entry)
    trainer.end()
    return finished


def _losses(network: nn.Module, batch: list[Tensor], pairs: Pairs) -> dict[str, Tensor]:
    """Forward and IRNet's losses of one step, in float32."""
    crops, labels = batch
    edge, displacement = network(crops.contiguous(memory_format=torch.channels_last))
    with torch.autocast(crops.device.type, enabled=False):
        losses = irn_losses(edge.float(), displacement.float(), labels, pairs)
    return {
        "total": losses.total,
        "pos_aff": losses.pos_aff,
        "neg_aff": losses.neg_aff,
        "dp_fg": losses.dp_fg,
        "dp_bg": losses.dp_bg,
    }


def _some(plan: MaskCrops, device: torch.device) -> Iterator[Tensor]:
    """The images of the last epoch's batches, for the mean displacement."""
    for crops, _ in plan.loader(plan.steps - plan.steps_per_epoch):
        yield crops.to(device, memory_format=torch.channels_last)
