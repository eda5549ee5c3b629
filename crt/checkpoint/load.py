"""From a checkpoint to its networks: every tensor accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from crt.checkpoint.config_file import read_config
from crt.checkpoint.schema import (
    CONFIG_FILE,
    CheckpointConfig,
    NetworkSpec,
    RelationSpec,
    SegmentationSpec,
    weights_sha256,
)
from crt.checkpoint.sources import locate
from crt.checkpoint.weights import file_sha256, load_strict
from crt.errors import CrtError, InvalidCheckpoint, InvalidSetting, reason_of
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.deeplab import DeepLab, build_deeplab
from crt.models.irn import IRN
from crt.models.normalization import set_normalization
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit
from crt.types import Method, Normalization


@dataclass
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        config: of `config.json`.
        networks: by method, in eval form.
        sha256: one hash over the weights that make the maps.
        relation: the IRN, where there is one.
        segmentation: the segmentation network, where there is one.
    """

    config: CheckpointConfig
    networks: dict[Method, TransformerBranch | CnnBranch]
    sha256: str
    relation: IRN | None = None
    segmentation: DeepLab | None = None

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """Every network: those that make maps, and those for masks where there are any."""
        for_masks = (network for network in (self.relation, self.segmentation) if network is not None)
        return (*self.networks.values(), *for_masks)

    @property
    def device(self) -> torch.device:
        """Where the networks are; the CPU if there is none. Raises InvalidSetting if they are on several devices."""
        found = {tensor.device for module in self.modules for tensor in (*module.parameters(), *module.buffers())}
        if len(found) > 1:
            raise InvalidSetting(f"The networks of {self.config.name} are on several devices: call its to() with one.")
        return found.pop() if found else torch.device("cpu")

    def to(self, device: torch.device | str) -> Checkpoint:
        """Move every network.

        Args:
            device: as torch takes it.

        Returns:
            This same checkpoint.
        """
        for module in self.modules:
            module.to(device)
        return self


def load_checkpoint(source: str | Path, *, device: torch.device | str = "cpu") -> Checkpoint:
    """Load a checkpoint, every tensor as its file has it.

    Args:
        source: what `locate` takes: a folder, the name of a bundled checkpoint, or a Hub id `user/name`.
        device: where its networks are put.

    Returns:
        The checkpoint, its networks in eval mode.

    Raises:
        InvalidCheckpoint: something is missing, damaged, out of range or of the wrong shape.
    """
    folder = locate(source)
    config = read_config(folder)
    networks: dict[Method, TransformerBranch | CnnBranch] = {
        method: _load_network(folder, config, method) for method in config.networks
    }
    relation = None if config.relation is None else _load_relation(folder, config.relation, networks)
    segmentation = None if config.segmentation is None else _load_segmentation(folder, config, config.segmentation)
    _check_transformers(folder, config, networks)
    checkpoint = Checkpoint(config, networks, weights_sha256(config), relation, segmentation)
    for network in checkpoint.modules:
        network.eval().requires_grad_(False)
    return checkpoint.to(device)


def build_network(spec: NetworkSpec, classes: int) -> TransformerBranch | CnnBranch:
    """Build the untrained network that a spec describes, for images normalised by the spec's mean and std.

    Args:
        spec: of the config.
        classes: number of class maps.

    Returns:
        The network in eval form.

    Raises:
        InvalidSetting: timm has no such backbone.
        InvalidCheckpoint: the backbone does not fit the method.
    """
    if spec.type == "vit":
        vit = build_vit(spec.backbone, tile=spec.tile)
        network = TransformerBranch(vit, classes, deconvolution=spec.deconvolution)
    else:
        network = CnnBranch(build_resnet(spec.backbone), classes)
    set_normalization(network, Normalization(spec.mean, spec.std))
    return network


def _load_network(folder: Path, config: CheckpointConfig, method: Method) -> TransformerBranch | CnnBranch:
    spec = config.networks[method]
    path = _whole_file(folder, spec.file, spec.sha256)
    try:
        network = build_network(spec, len(config.classes))
    except CrtError as error:
        raise InvalidCheckpoint(f"{method} of {folder}: {reason_of(error)}.") from error
    load_strict(network, path)
    return network


def _load_relation(folder: Path, spec: RelationSpec, networks: dict[Method, Any]) -> IRN:
    path = _whole_file(folder, spec.file, spec.sha256)
    network = IRN(networks[spec.cnn].resnet)
    load_strict(network, path, without="resnet")
    return network


def _load_segmentation(folder: Path, config: CheckpointConfig, spec: SegmentationSpec) -> DeepLab:
    path = _whole_file(folder, spec.file, spec.sha256)
    try:
        network = build_deeplab(spec.backbone, len(config.classes) + 1, stride=spec.stride)
    except CrtError as error:
        raise InvalidCheckpoint(f"The segmentation network of {folder}: {reason_of(error)}.") from error
    set_normalization(network, Normalization(spec.mean, spec.std))
    load_strict(network, path)
    return network


def _check_transformers(folder: Path, config: CheckpointConfig, networks: Mapping[Method, nn.Module]) -> None:
    """What depends on the networks: all transformers cut an image alike, and each has the default blocks."""
    vits = {name: network for name, network in networks.items() if isinstance(network, TransformerBranch)}
    patches = {name: vit.patch for name, vit in vits.items()}
    if len(set(patches.values())) > 1:
        sizes = ", ".join(f"{name} {patch}" for name, patch in patches.items())
        raise InvalidCheckpoint(
            f"{folder / CONFIG_FILE}: all transformers must have patches of the same number of pixels, not {sizes}."
        )
    blocks = config.defaults.blocks
    for name, vit in vits.items():
        if blocks is not None and blocks[1] >= vit.depth:
            raise InvalidCheckpoint(
                f"{folder / CONFIG_FILE}: defaults.blocks, counted from 0, must lie within 0 to {vit.depth - 1}, "
                f"the blocks of {name}, not {list(blocks)}."
            )


def _whole_file(folder: Path, file: str, sha256: str) -> Path:
    """The path of a weights file. Raises InvalidCheckpoint if it is not there or not the one the config is about."""
    path = folder / file
    if not path.is_file():
        raise InvalidCheckpoint(f"{folder} names {file}, which is not there.")
    if file_sha256(path) != sha256:
        raise InvalidCheckpoint(f"{path} is damaged: its sha256 is not the one in {CONFIG_FILE}.")
    return path
