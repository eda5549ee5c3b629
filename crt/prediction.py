"""The Prediction: all that the networks saw in one image, from which every map is arithmetic.

It holds raw class maps of every tile, loop count and class, and the class token's attention of every block and pass.
Loops, refinement, classes, blocks and thresholds can then change without another look at the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
import torch

from crt.cam_spec import CamSpec, ClassLike, class_ids, one_class_id
from crt.checkpoint import METHODS, Method
from crt.errors import InvalidSetting
from crt.models.cnn import STRIDE
from crt.models.loop import passes
from crt.models.outputs import CnnOutputs, VitOutputs, merge_patches
from crt.models.tiles import TileGrid
from crt.pass_reductions import PassReduction
from crt.postprocess import THRESHOLD, max_normalize
from crt.prediction_io import read_fields, write_fields
from crt.refine import attention_map, refine
from crt.resample import upsample_cam
from crt.threshold import above_threshold

if TYPE_CHECKING:
    from crt.data.images import Source
    from crt.viz.notebook import Figure


class Unset(Enum):
    """An argument that was not given, where None means something."""

    UNSET = "unset"


UNSET: Literal[Unset.UNSET] = Unset.UNSET


@dataclass(frozen=True)
class Prediction:
    """The record of one image at one input size and mode, from which every CAM is arithmetic.

    Attributes:
        source: height and width of the image in pixels.
        grid: tiles at the input size.
        classes: names, in the order of the CAMs.
        records: what each method left.
        timings: milliseconds of each stage.
        provenance: checkpoint hash and networks, settings, versions.
        default_spec: what the checkpoint recommends, which every CAM has that is asked for without more: the one that
            the app shows first.
        default_threshold: the same of masks, a share of a CAM's largest value.
        image: (H, W, 3) uint8, the image in its own pixels, where it was kept; files do not hold it.
    """

    source: tuple[int, int]
    grid: TileGrid
    classes: tuple[str, ...]
    records: dict[Method, VitOutputs | CnnOutputs]
    timings: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    default_spec: CamSpec = field(default_factory=CamSpec)
    default_threshold: float = THRESHOLD
    image: np.ndarray | None = field(default=None, repr=False)

    @property
    def default_method(self) -> Method:
        """The method whose CAMs are given where none is named: CRT if it was recorded, else the first."""
        return "crt" if "crt" in self.records else self.methods[0]

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods recorded, in the order of `METHODS`."""
        return tuple(method for method in METHODS if method in self.records)

    @property
    def passes(self) -> int:
        """Passes through the CRT encoder that this Prediction cost."""
        record = self.records.get("crt")
        return record.cls_attn.shape[0] if isinstance(record, VitOutputs) else 0

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for record in self.records.values() for array in vars(record).values())

    def record(self, method: Method) -> VitOutputs | CnnOutputs:
        """The record of a method.

        Args:
            method: the network.

        Returns:
            What it left of the image.

        Raises:
            InvalidSetting: the method is not in this Prediction; the message says why.
        """
        try:
            return self.records[method]
        except KeyError:
            raise InvalidSetting(self._without(method)) from None

    def _without(self, method: str) -> str:
        """Why there is no record of a method: nobody asked for it, or the checkpoint does not have it."""
        have, networks = ", ".join(self.methods), self.provenance.get("networks")
        if method not in METHODS:
            return f"There is no {method} network: choose among {have}."
        if not isinstance(networks, list | tuple):  # an old file does not say
            return (
                f"This Prediction holds no {method}: choose among {have}, or record it anew if the checkpoint has "
                f"{method}."
            )
        if method in networks:
            return (
                f"This Prediction was recorded without {method}, which its checkpoint has: trace the image again with "
                f'"{method}" among the methods of Settings, or choose among {have}.'
            )
        return f"This checkpoint has no {method} network: choose among {have}."

    def clamp(self, method: Method, loops: int) -> int:
        """The loop count of a method where another is asked for.

        Args:
            method: the network; a CNN and TS-CAM have no loops.
            loops: the count asked for.

        Returns:
            At most the count that is recorded.

        Raises:
            InvalidSetting: the method is not recorded.
        """
        record = self.record(method)
        return min(loops, record.loops) if isinstance(record, VitOutputs) else 0

    def spec_of(self, method: Method, spec: CamSpec | None = None) -> CamSpec:
        """The spec that a method's CAMs have.

        Args:
            method: the network; one without loops gets none.
            spec: what is asked for; None is the checkpoint's default, cut to the loop counts that are recorded.

        Returns:
            The spec.

        Raises:
            InvalidSetting: the method is not recorded.
        """
        record = self.record(method)
        if not isinstance(record, VitOutputs) or record.loops == 0:
            return replace(spec or self.default_spec, loops=0)
        return replace(self.default_spec, loops=min(self.default_spec.loops, record.loops)) if spec is None else spec

    def scores(self, method: Method, loops: int | None = None) -> np.ndarray:
        """The logits of a method: the maps' mean over the grid, before ReLU and refinement.

        Args:
            method: the network.
            loops: passes of CRT's loop; the checkpoint's default if none is given.

        Returns:
            (C,) float32 logits.

        Raises:
            InvalidSetting: a method or loop count that is not recorded.
        """
        record = self.record(method)
        if isinstance(record, CnnOutputs):
            return record.scores
        return record.scores[_checked_loops(record, self.spec_of(method).loops if loops is None else loops)]

    def content_size(self, method: Method) -> tuple[float, float]:
        """The size of the image in cells of a method's map; what lies beyond is padding.

        Args:
            method: the network.

        Returns:
            Height and width in cells, with fractions.

        Raises:
            InvalidSetting: the method is not recorded.
        """
        if isinstance(self.record(method), CnnOutputs):
            return self.grid.height / STRIDE, self.grid.width / STRIDE
        return self.grid.content_size

    def cams(
        self,
        method: Method | None = None,
        *,
        classes: Sequence[ClassLike] | ClassLike | None = None,
        spec: CamSpec | None = None,
        loops: int | None = None,
        refined: bool | None = None,
        blocks: Sequence[int] | Unset | None = UNSET,
        pass_reduction: PassReduction | None = None,
        relu: bool = True,
    ) -> np.ndarray:
        """Class activation maps on the cell grid, raw: METHOD section 4.

        Args:
            method: whose CAMs; `default_method` if none is given.
            classes: numbers from 0 or names, one or several; all by default.
            spec: loop count and refinement; the checkpoint's default if none is given.
            loops: passes of CRT's loop in the place of the spec's; other methods have none.
            refined: whether attention multiplies a transformer's CAM, in the place of the spec's.
            blocks: indices from 0 of the blocks whose attention refines, None for all, in the place of the spec's.
            pass_reduction: how the attention of the passes becomes one, in the place of the spec's.
            relu: whether negative values become 0.

        Returns:
            (K, h, w) float32 in the order of `classes`, in arbitrary units: logits, times attention where refined.

        Raises:
            InvalidSetting: a method, class, loop count or block that is not recorded.
        """
        method = self.default_method if method is None else method
        record = self.record(method)
        chosen = list(range(len(self.classes))) if classes is None else class_ids(classes, self.classes)
        if isinstance(record, CnnOutputs):
            maps = torch.from_numpy(record.cams[chosen])
        else:
            base = self.spec_of(method, spec)
            count = _checked_loops(record, base.loops if loops is None else loops)
            tiles = torch.from_numpy(record.cams[count][:, chosen])
            if base.refined if refined is None else refined:
                tiles = refine(tiles, self._attention(record, base, count, blocks, pass_reduction))
            maps = self.grid.crop(self.grid.merge(tiles))[0]
        return (maps.relu() if relu else maps).numpy()

    def cam(
        self,
        class_: ClassLike,
        *,
        method: Method | None = None,
        spec: CamSpec | None = None,
        loops: int | None = None,
        refined: bool | None = None,
        blocks: Sequence[int] | Unset | None = UNSET,
        pass_reduction: PassReduction | None = None,
        normalize: bool = True,
    ) -> np.ndarray:
        """The CAM of one class on the pixels of the image; without settings the one that the app shows first.

        Args:
            class_: a number from 0, or a name.
            method: whose CAM; `default_method` if none is given.
            spec: loop count and refinement; the checkpoint's default if none is given.
            loops: passes of CRT's loop in the place of the spec's; other methods have none.
            refined: whether attention multiplies a transformer's CAM, in the place of the spec's.
            blocks: indices from 0 of the blocks whose attention refines, None for all, in the place of the spec's.
            pass_reduction: how the attention of the passes becomes one, in the place of the spec's.
            normalize: whether the CAM is divided by its largest value (METHOD section 7). Else it keeps the arbitrary
                units of `cams`, in which CAMs of one method can be compared.

        Returns:
            (H, W) float32, H and W those of the image: 0 … 1 where normalized, else 0 and above. Bilinear.

        Raises:
            InvalidSetting: a method, class, loop count or block that is not recorded.
        """
        method = self.default_method if method is None else method
        index = one_class_id(class_, self.classes)
        cells = self.cams(
            method,
            classes=index,
            spec=spec,
            loops=loops,
            refined=refined,
            blocks=blocks,
            pass_reduction=pass_reduction,
        )
        pixels = upsample_cam(cells, self.content_size(method), self.source)
        return (max_normalize(pixels) if normalize else pixels)[0]

    def mask(
        self,
        class_: ClassLike,
        *,
        method: Method | None = None,
        threshold: float | None = None,
        spec: CamSpec | None = None,
        loops: int | None = None,
        refined: bool | None = None,
        blocks: Sequence[int] | Unset | None = UNSET,
        pass_reduction: PassReduction | None = None,
    ) -> np.ndarray:
        """The pixels of one class: where its normalized CAM lies above a threshold (METHOD section 7).

        Args:
            class_: a number from 0, or a name.
            method: whose CAM; `default_method` if none is given.
            threshold: share of the CAM's largest value, 0 … 1; the checkpoint's default if none is given.
            spec: loop count and refinement; the checkpoint's default if none is given.
            loops: passes of CRT's loop in the place of the spec's; other methods have none.
            refined: whether attention multiplies a transformer's CAM, in the place of the spec's.
            blocks: indices from 0 of the blocks whose attention refines, None for all, in the place of the spec's.
            pass_reduction: how the attention of the passes becomes one, in the place of the spec's.

        Returns:
            (H, W) bool, H and W those of the image.

        Raises:
            InvalidSetting: a method, class, loop count or block that is not recorded, or a threshold out of range.
        """
        level = self.default_threshold if threshold is None else threshold
        if not 0 <= level <= 1:  # NaN fails too
            raise InvalidSetting(f"The threshold is {level}: choose 0 to 1.")
        cam = self.cam(
            class_,
            method=method,
            spec=spec,
            loops=loops,
            refined=refined,
            blocks=blocks,
            pass_reduction=pass_reduction,
        )
        return above_threshold(cam, level)

    def figure(
        self,
        class_: ClassLike | None = None,
        methods: Sequence[Method] | Method | None = None,
        *,
        image: Source | None = None,
        spec: CamSpec | None = None,
    ) -> Figure:
        """A Plotly figure for notebooks: the image, and each method's CAM over it with its raw values at the pointer.

        Args:
            class_: a number from 0, or a name; the class with the highest score of `default_method` by default.
            methods: whose CAMs, from left to right; all that are recorded by default.
            image: the image that was run, as `load_image` takes it; needed where the Prediction does not keep it,
                such as one that was read from a file.
            spec: loop count and refinement; the checkpoint's default if none is given.

        Returns:
            A `plotly.graph_objects.Figure`. Each CAM has a colour bar of its own, in arbitrary units.

        Raises:
            InvalidSetting: a method or class that is not recorded, no image, one of another size, or no Plotly.
            InvalidImage: the image cannot be read.
        """
        from crt.viz.notebook import cam_figure  # noqa: PLC0415 - Plotly is loaded where a figure is asked for

        return cam_figure(self, class_, methods, image=image, spec=spec)

    def attention(
        self,
        method: Method,
        *,
        spec: CamSpec | None = None,
        loops: int | None = None,
        blocks: Sequence[int] | Unset | None = UNSET,
        pass_reduction: PassReduction | None = None,
    ) -> np.ndarray:
        """The class-token attention that refines a transformer's CAMs, merged: METHOD section 4.

        Args:
            method: a transformer.
            spec: loop count and refinement; the checkpoint's default if none is given.
            loops: passes of CRT's loop in the place of the spec's.
            blocks: indices from 0 of the blocks whose attention refines, None for all, in the place of the spec's.
            pass_reduction: how the attention of the passes becomes one, in the place of the spec's.

        Returns:
            (h, w) float32 on the patches of the image.

        Raises:
            InvalidSetting: a CNN, or a method, loop count or block that is not recorded.
        """
        record = self.record(method)
        if isinstance(record, CnnOutputs):
            raise InvalidSetting(f"{method} is a CNN and has no attention.")
        base = self.spec_of(method, spec)
        count = _checked_loops(record, base.loops if loops is None else loops)
        return merge_patches(self.grid, self._attention(record, base, count, blocks, pass_reduction).flatten(1).numpy())

    @staticmethod
    def _attention(
        record: VitOutputs,
        base: CamSpec,
        loops: int,
        blocks: Sequence[int] | Unset | None,
        pass_reduction: PassReduction | None,
    ) -> torch.Tensor:
        """(n, 1, s, s): what refines the tiles, by a spec and what takes the place of its parts."""
        cls_attn = torch.from_numpy(np.ascontiguousarray(record.mean_cls_attn[: passes(loops)]))
        chosen = base.block_indices(cls_attn.shape[1]) if isinstance(blocks, Unset) else blocks
        return attention_map(
            cls_attn,
            loops,
            blocks=chosen,
            pass_reduction=base.pass_reduction if pass_reduction is None else pass_reduction,
        )

    def save(self, path: str | Path | BinaryIO) -> None:
        """Write one npz without the image: `crt.prediction_io.write_fields`.

        Args:
            path: the file, or an open binary one. To a name without it NumPy adds `.npz`.

        Raises:
            OSError: for instance when the disk is full.
        """
        write_fields(path, vars(self))

    @classmethod
    def load(cls, path: str | Path | BinaryIO) -> Prediction:
        """Read what `save` wrote: `crt.prediction_io.read_fields`.

        Args:
            path: the file, or an open binary one.

        Returns:
            The Prediction, without an image.

        Raises:
            InvalidPrediction: the file is anything else.
        """
        return cls(**read_fields(path))


def class_probabilities(scores: np.ndarray, *, single_label: bool = False) -> np.ndarray:
    """Turn logits into probabilities.

    Args:
        scores: (…, C) logits.
        single_label: whether one label is right, so that a softmax is taken; else a sigmoid of each.

    Returns:
        (…, C) float64, 0 … 1.
    """
    scores = scores.astype(np.float64)
    if single_label:
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        return weights / weights.sum(-1, keepdims=True)
    return 0.5 * (1 + np.tanh(scores / 2))  # a sigmoid that cannot overflow


def _checked_loops(record: VitOutputs, loops: int) -> int:
    if not 0 <= loops <= record.loops:
        raise InvalidSetting(f"This Prediction holds loops 0 to {record.loops}, not {loops}.")
    return loops
