"""The schema of a checkpoint's `config.json`: its networks, classes and defaults, with their ranges. Needs no torch.

The records are frozen dataclasses. pydantic holds a file against their annotations when it is read and before it is
written; a record made in a program is checked when it is written.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    InstanceOf,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from crt.pass_reductions import DEFAULT_REDUCTION, Attention, PassReduction, blocks_between
from crt.types import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    MAX_LOOPS,
    MAX_SIZE,
    MIN_SIZE,
    MODES,
    BackboneType,
    Method,
    Mode,
    Stride,
)

FORMAT = 1
CONFIG_FILE = "config.json"
_KNOWN_FIELDS = ConfigDict(extra="forbid")


def shortened(value: Any) -> str:
    """A value of a config as JSON writes it, short enough for a sentence.

    Args:
        value: any that JSON or `repr` can write.

    Returns:
        At most 61 characters.
    """
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _wanted(range_: str) -> WrapValidator:
    """What a field must be, in words: the message for every wrong value."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            context = {"wanted": range_, "given": shortened(value)}
            raise PydanticCustomError("wanted", "must be {wanted}, not {given}", context) from error

    return WrapValidator(check)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("blank")
    return text


# Instances of str, where pydantic's own type takes no lone surrogate: a name may hold what JSON can.
_Text = Annotated[InstanceOf[str], _wanted("text")]
_Name = Annotated[InstanceOf[str], AfterValidator(_not_blank), _wanted("text that is not empty")]
_Flag = Annotated[StrictBool, _wanted("true or false")]
_File = Annotated[
    StrictStr,
    StringConstraints(pattern=r"^[^/\\\x00-\x1f]+\.safetensors$"),
    _wanted("the name of a .safetensors file beside the config"),
]
_Sha256 = Annotated[
    StrictStr, StringConstraints(pattern=r"^[0-9a-f]{64}$"), _wanted("64 hexadecimal digits, in small letters")
]
_Loops = Annotated[StrictInt, Field(ge=0, le=MAX_LOOPS)]
_Block = Annotated[StrictInt, Field(ge=0)]
_Share = Annotated[StrictFloat, Field(ge=0, le=1, allow_inf_nan=False)]
_Mean = Annotated[tuple[_Share, _Share, _Share], _wanted("three numbers from 0 to 1, for red, green and blue")]
_Deviation = Annotated[StrictFloat, Field(gt=0, le=1, allow_inf_nan=False)]
_Std = Annotated[
    tuple[_Deviation, _Deviation, _Deviation],
    _wanted("three numbers above 0 and at most 1, for red, green and blue"),
]


@dataclass(frozen=True)
class NetworkSpec:
    """One network of a checkpoint.

    Attributes:
        type: transformer or CNN.
        backbone: its timm name.
        file: its weights, beside the config.
        sha256: their hash, which a file needs.
        tile: pixels of the side of a transformer's tiles.
        deconvolution: whether a transformer's head has a learned deconvolution.
        trained_loops: loop counts in training.
        mean: of the red, green and blue of the images that it was trained on, by which each image is normalised (values
            0 … 1); ImageNet's for a network made in a program, stated for every network of a file.
        std: their deviation.
    """

    __pydantic_config__ = _KNOWN_FIELDS

    type: Annotated[BackboneType, _wanted(" or ".join(get_args(BackboneType)))]
    backbone: _Name
    file: _File
    sha256: _Sha256 = ""
    tile: Annotated[
        StrictInt, Field(ge=2, le=MAX_SIZE, multiple_of=2), _wanted(f"an even number of pixels from 2 to {MAX_SIZE}")
    ] = 224
    deconvolution: _Flag = False
    trained_loops: Annotated[tuple[_Loops, ...], _wanted(f"whole numbers from 0 to {MAX_LOOPS}")] = ()
    mean: _Mean = IMAGENET_MEAN
    std: _Std = IMAGENET_STD


@dataclass(frozen=True)
class RelationSpec:
    """The branches of the IRN, which read the features of another network here. Images are normalised as
    for that.

    Attributes:
        file: their weights, beside the config.
        sha256: their hash, which a file needs.
        cnn: the ResNet whose features they read.
        threshold: the background constant against random-walk pseudo labels that measured best.
    """

    __pydantic_config__ = _KNOWN_FIELDS

    file: _File
    sha256: _Sha256 = ""
    cnn: Annotated[Method, _wanted("the name of a ResNet of this checkpoint")] = "crt_cnn"
    threshold: Annotated[
        StrictFloat, Field(gt=0, le=1, allow_inf_nan=False), _wanted("a number above 0 and at most 1")
    ] = 0.25


@dataclass(frozen=True)
class SegmentationSpec:
    """A DeepLab-V2 that learned from this checkpoint's masks.

    Attributes:
        backbone: timm name of its backbone.
        file: its weights, beside the config.
        sha256: their hash, which a file needs.
        stride: pixels per cell.
        mean: as in `NetworkSpec`.
        std: as in `NetworkSpec`.
    """

    __pydantic_config__ = _KNOWN_FIELDS

    backbone: _Name
    file: _File
    sha256: _Sha256 = ""
    stride: Annotated[Stride, _wanted("8 or 16")] = 8
    mean: _Mean = IMAGENET_MEAN
    std: _Std = IMAGENET_STD


@dataclass(frozen=True)
class Defaults:
    """The settings that the app and the scripts start from, chosen by measurement.

    Attributes:
        size: pixels of the long side of the networks' input.
        loops: loop count of CRT.
        refined: whether attention multiplies the transformers' CAMs.
        pass_reduction: which passes' attention refines the maps, and how.
        blocks: the first and the last of the blocks whose attention it is, counted from 0; None for all.
        threshold: background constant, a share of a map's largest value.
    """

    __pydantic_config__ = _KNOWN_FIELDS

    size: Annotated[
        StrictInt, Field(ge=MIN_SIZE, le=MAX_SIZE), _wanted(f"a whole number from {MIN_SIZE} to {MAX_SIZE}")
    ] = 336
    loops: Annotated[_Loops, _wanted(f"a whole number from 0 to {MAX_LOOPS}")] = 3
    refined: _Flag = True
    pass_reduction: Annotated[PassReduction, _wanted(f"one of {', '.join(get_args(PassReduction))}")] = (
        DEFAULT_REDUCTION
    )
    blocks: Annotated[
        tuple[_Block, _Block] | None,
        _wanted("the first and the last block, counted from 0 and in this order, or null for all"),
    ] = None
    threshold: Annotated[_Share, _wanted("a number from 0 to 1")] = 0.15

    @property
    def attention(self) -> Attention:
        """Keywords of `Prediction.cams` for a refined map."""
        return {"pass_reduction": self.pass_reduction, "blocks": blocks_between(self.blocks)}


@dataclass(frozen=True)
class CheckpointConfig:
    """What `config.json` holds.

    Attributes:
        name: as pages and figures call the checkpoint.
        classes: names in the order of the maps' channels.
        networks: that make maps, by method.
        single_label: whether every image shows exactly one class.
        defaults: recommended settings.
        relation: steers the random walk from seeds to masks, where there is one.
        segmentation: labels an image by itself, where there is one.
        training: records of how the networks were trained.
        format: version of this file.
    """

    __pydantic_config__ = _KNOWN_FIELDS

    name: _Text
    classes: Annotated[tuple[_Name, ...], _wanted("a list of the class names, each once, as text that is not empty")]
    networks: dict[Method, NetworkSpec]
    single_label: _Flag = False
    defaults: Defaults = field(default_factory=Defaults)
    relation: RelationSpec | None = None
    segmentation: SegmentationSpec | None = None
    training: dict[StrictStr, Any] = field(default_factory=dict)
    format: StrictInt = FORMAT

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The cut-merge modes that all transformers can do: one with a learned deconvolution does that mode alone."""
        learned = {spec.deconvolution for spec in self.networks.values() if spec.type == "vit"}
        return tuple(mode for mode in MODES if learned <= {mode == "deconvolution"})


def weights_sha256(config: CheckpointConfig) -> str:
    """One hash over the weights that a config names, known before they are read.

    Args:
        config: of a checkpoint.

    Returns:
        64 hexadecimal digits.
    """
    return hashlib.sha256("".join(spec.sha256 for spec in config.networks.values()).encode()).hexdigest()
