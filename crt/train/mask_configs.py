"""Options of the trainings on masks made from CAMs: the IRN and the segmentation network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crt.train.config import RELEASED_SGD, OptimizerConfig
from crt.train.run_config import MaskRunConfig
from crt.types import IRN_CROP, IRN_RADIUS, Method, Stride

DEEPLAB_SGD = OptimizerConfig("sgd", lr=2.5e-4, weight_decay=5e-4)


@dataclass(frozen=True)
class RelationConfig(MaskRunConfig):
    """One training of an IRN.

    Attributes:
        out: The folder that becomes the checkpoint with the IRN added.
        crop: Pixels of the square crop.
    """

    out: Path = Path("runs/irn")
    cnn: Method = "crt_cnn"
    """The ResNet of that checkpoint whose features it reads; IRNet's is trained on ImageNet alone."""
    crop: int = IRN_CROP
    radius: int = IRN_RADIUS
    """Pairs of cells closer than this are compared."""
    optimizer: OptimizerConfig = RELEASED_SGD
    """Of the edge branch; the displacement branch has `head_factor` times its rate."""


@dataclass(frozen=True)
class DeepLabConfig(MaskRunConfig):
    """One training of a segmentation network.

    Attributes:
        out: The folder that becomes the checkpoint with the segmentation network added.
        crop: Pixels of the square crop.
        batch: Images of a step over all processes.
    """

    out: Path = Path("runs/deeplab")
    cnn: str = "resnet101"
    """timm's name of the backbone."""
    weights: str = "timm"
    """Where it starts: `timm`'s pretrained weights, `random`, a safetensors file of a timm state dict, or `crt_cnn` or
    `resnet` for that network of the checkpoint, which has learned from the same image labels."""
    stride: Stride = 8
    """Pixels a cell; 16 is quicker and coarser."""
    crop: int = 321
    batch: int = 10
    epochs: int = 19
    """With the 10,582 images of `train_aug` and batches of 10 these are the 20,000 iterations of METHOD section 8."""
    optimizer: OptimizerConfig = DEEPLAB_SGD
    """Of the backbone; the classifiers have `head_factor` times its rate."""


DEEPLAB_PRESETS: dict[str, tuple[str, DeepLabConfig]] = {
    "full": ("DeepLab-V2 with ResNet-101, stride 8, 321 crops, 19 epochs: for a GPU", DeepLabConfig()),
    "two-cores": (
        "the checkpoint's own ResNet, stride 16, 257 crops, 8 epochs at a higher rate: for a CPU",
        DeepLabConfig(
            cnn="resnet50",
            weights="crt_cnn",
            stride=16,
            crop=257,
            epochs=8,
            optimizer=OptimizerConfig("sgd", lr=1e-3, weight_decay=5e-4, warmup_steps=20),
        ),
    ),
}
