"""From another program's file to a network of this one: read, sorted by the table, built, and loaded strictly."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from timm.models.resnet import ResNet
from timm.models.vision_transformer import VisionTransformer

from crt.checkpoint.backbone_weights import fit_to, load_exactly
from crt.checkpoint.foreign import read_state_dict
from crt.checkpoint.formats import Family, guess_name, input_size, sort_tensors
from crt.errors import InvalidCheckpoint
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit

PART = "the convolution for class maps"


@dataclass(frozen=True)
class Converted:
    """A network from another program's file.

    Attributes:
        family: ViT or ResNet.
        backbone: its timm name.
        network: a branch with its head where the file has a convolution for class maps, else the backbone alone.
        tile: pixels of the side of a ViT's input.
        classes: of the head; None without one.
        used: name of a tensor in the file -> its name in the network.
        left_out: name in the file -> why.
        resampled: pixels of the input that the file's position embedding was for, where it is another one.
    """

    family: Family
    backbone: str
    network: TransformerBranch | CnnBranch | VisionTransformer | ResNet
    tile: int
    classes: int | None
    used: dict[str, str] = field(repr=False)
    left_out: dict[str, str] = field(repr=False)
    resampled: int | None = None


def convert(
    path: Path,
    *,
    backbone: dict[Family, str] | None = None,
    tile: int | None = None,
    head: bool = True,
    averaged: bool = False,
) -> Converted:
    """Read a file of DeiT, TS-CAM, the authors' CRT, IRN, torchvision or timm into a network, in eval mode.

    Args:
        path: a `.pth` file, or any that `torch.save` wrote, or safetensors.
        backbone: timm's name for a ViT and for a ResNet; by default found from the shapes, a DeiT or a plain ResNet.
        tile: pixels of the side of the ViT's input; by default that of the file. The position embedding is resampled.
        head: False leaves a convolution for class maps out.
        averaged: whether the moving average of the weights is taken where the file has one beside them.

    Returns:
        The network, and what became of every tensor.

    Raises:
        InvalidCheckpoint: the file cannot be read or does not fit.
        InvalidSetting: the shapes fit no known model, or the model does not exist.
    """
    state = read_state_dict(path, averaged=averaged)
    found = sort_tensors(state.tensors, path.name, head=head)
    name = (backbone or {}).get(found.family) or guess_name(found, path.name)
    classes = found.head["classifier.weight"].shape[0] if found.head else None
    resampled, size = None, tile or 224
    if found.family == "vit":
        own = tile if tile and "reg_token" in found.backbone else input_size(found.backbone, path.name)
        size = tile or own
        resampled = own if own != size else None
        vit = build_vit(name, tile=size).eval()
        load_exactly(vit, fit_to(vit, found.backbone, path.name), path.name)
        network = vit if classes is None else TransformerBranch(vit, classes)
    else:
        resnet = build_resnet(name)
        load_exactly(resnet, found.backbone, path.name)
        network = resnet if classes is None else CnnBranch(resnet, classes)
    part = "vit" if found.family == "vit" else "resnet"
    target = {key: new for key, new in found.used.items() if new in found.backbone}
    if isinstance(network, TransformerBranch | CnnBranch):
        convolution = network.head.classifier if isinstance(network, TransformerBranch) else network.classifier
        load_exactly(
            convolution, {key.removeprefix("classifier."): t for key, t in found.head.items()}, path.name, PART
        )
        before = "head." if isinstance(network, TransformerBranch) else ""
        target = {key: f"{part}.{new}" for key, new in target.items()}
        target |= {key: f"{before}{new}" for key, new in found.used.items() if new in found.head}
    if set(target) | set(found.left_out) != set(state.tensors):
        raise InvalidCheckpoint(f"{path.name}: not every tensor is accounted for.")
    left_out = {**state.left_out, **found.left_out}
    return Converted(found.family, name, network.eval(), size, classes, target, left_out, resampled)
