"""A complete checkpoint folder so small that a test can afford one: random weights, seeded, no downloads.

from tests.helpers.tiny import tiny_checkpoint
"""

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, cast

import torch
from timm.models.resnet import BasicBlock, ResNet

from crt.checkpoint import (
    METHODS,
    CheckpointConfig,
    Defaults,
    Method,
    NetworkSpec,
    RelationSpec,
    SegmentationSpec,
    build_network,
    write_config,
)
from crt.checkpoint.weights import save_network
from crt.models.cnn import CnnBranch
from crt.models.deeplab import build_deeplab
from crt.models.irn import IRN
from crt.models.vit import TransformerBranch
from tests.helpers.narrow import present

TILE = 64
VIT, RESNET = "test_vit", "test_resnet"  # timm's own test models: 0.4 and 0.5 million weights
CLASSES = ("cat", "dog", "person")


def tiny_checkpoint(
    folder: Path,
    *,
    name: str = "tiny",
    classes: tuple[str, ...] = CLASSES,
    seed: int = 0,
    methods: tuple[Method, ...] = METHODS,
    deconvolution: bool = False,
    single_label: bool = False,
    masks: bool = False,
) -> Path:
    """Write a checkpoint of `methods` (all four by default) into `folder`, made if need be -> `folder`.

    ViT: `test_vit` (6 blocks, 2 heads, D = 64) on tiles of 64 pixels, so 4 × 4 patches. CNN: `test_resnet`. The heads
    are spread so that the raw maps of each class have both signs in most images. `masks`: with an IRN on
    `crt_cnn`, the last of METHODS, and a segmentation network. The same arguments copy files that were made once.
    """
    source = made(name, classes, seed, methods, deconvolution, single_label, masks)
    shutil.copytree(source, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
    return folder


@cache
def _store() -> TemporaryDirectory[str]:
    """What this process has made; it goes when the process ends."""
    return TemporaryDirectory(prefix="crt-tiny-")


@cache
def made(
    name: str,
    classes: tuple[str, ...],
    seed: int,
    methods: tuple[Method, ...],
    deconvolution: bool,
    single_label: bool,
    masks: bool,
) -> Path:
    """A folder with such a checkpoint, to copy."""
    folder = Path(mkdtemp(dir=_store().name))
    networks: dict[Method, NetworkSpec] = {}
    cnn: CnnBranch | None = None
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for method in METHODS:
            if method not in methods:
                continue
            vit = method in ("crt", "tscam")
            spec = NetworkSpec(
                type="vit" if vit else "resnet",
                backbone=VIT if vit else RESNET,
                file=f"{method}.safetensors",
                tile=TILE,
                deconvolution=deconvolution and vit,
                trained_loops=(0, 1, 2, 3) if method == "crt" else (),
            )
            network = build_network(spec, len(classes))
            _spread(network)
            cnn = network if isinstance(network, CnnBranch) else cnn
            networks[method] = _signed(spec, save_network(network, folder / spec.file))
        relation, segmentation = _mask_networks(folder, present(cnn), len(classes)) if masks else (None, None)
    config = CheckpointConfig(
        name,
        classes,
        networks,
        single_label=single_label,
        defaults=Defaults(size=96, loops=2, refined=True, threshold=0.15),
        relation=relation,
        segmentation=segmentation,
    )
    write_config(folder, config)
    return folder


def resnet_of_stride_8() -> ResNet:
    """A ResNet of one block a stage, whose cells are too small for a `CnnBranch` or an `IRN`."""
    block = cast("Any", BasicBlock)  # timm's annotation asks for a block where it takes the class of one
    return ResNet(block, (1, 1, 1, 1), channels=(8, 8, 8, 8), output_stride=8, num_classes=0)


def _mask_networks(folder: Path, cnn: CnnBranch, classes: int) -> tuple[RelationSpec, SegmentationSpec]:
    """Random ones. The branches' classifiers are wide, so that edges and labels differ from place to place."""
    relation = IRN(cnn.resnet)
    deeplab = build_deeplab(RESNET, classes + 1, stride=16)
    with torch.no_grad():
        edges = relation(torch.randn(1, 3, 128, 128))[0]
        relation.edge.last.weight.mul_(2 / edges.std())
        present(relation.edge.last.bias).sub_(edges.mean()).mul_(2 / edges.std())
        for branch in deeplab.aspp.parameters():
            branch.normal_(std=0.5)
    edge_file, label_file = "relation.safetensors", "segmentation.safetensors"
    return (
        RelationSpec(edge_file, save_network(relation, folder / edge_file, without="resnet"), threshold=0.3),
        SegmentationSpec(RESNET, label_file, save_network(deeplab, folder / label_file), stride=16),
    )


def _spread(network: TransformerBranch | CnnBranch) -> None:
    """Wide random weights in the classifier; the CNN's at right angles to its mean feature, which is not negative."""
    with torch.no_grad():
        if isinstance(network, TransformerBranch):
            network.head.classifier.weight.normal_(std=0.2)
            present(network.head.classifier.bias).zero_()
            return
        mean = network.eval().features(torch.randn(1, 3, 128, 128)).mean((0, 2, 3))
        weight = torch.randn_like(network.classifier.weight[:, :, 0, 0])
        weight -= torch.outer(weight @ mean, mean) / mean.square().sum()
        network.classifier.weight.copy_(10 * weight[:, :, None, None])


def _signed(spec: NetworkSpec, sha256: str) -> NetworkSpec:
    return NetworkSpec(**{**vars(spec), "sha256": sha256})
