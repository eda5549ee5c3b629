"""The Prediction: the outputs of the networks for one image, from which every CAM is arithmetic.

It holds raw class maps of every tile, loop count and class, and the class token's attention of every block and pass.
Loops, refinement, classes, blocks and thresholds can then change without another forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

import numpy as np
import torch

from crt.cam_spec import CamSpec, ClassLike, class_ids, one_class_id
from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.models.loop import passes
from crt.models.outputs import CnnOutputs, VitOutputs, merge_patches
from crt.pass_reductions import PassReduction
from crt.postprocess import max_normalize
from crt.prediction_io import read_fields, write_fields
from crt.prediction_record import PredictionRecord
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


@dataclass(frozen=True, eq=False)
class Prediction(PredictionRecord):
    """The record of one image at one input size and mode, from which every CAM is arithmetic.

    Its fields, and what is read off them, are those of `PredictionRecord`.
    """

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
            loops: passes of CRT's loop in the place of the spec's; other methods have none and ignore it.
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
            count = self._checked_loops(method, record, base.loops if loops is None else loops)
            if not chosen:  # torch merges no maps of no class
                return np.zeros((0, *self.grid.cells), dtype=np.float32)
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
            loops: passes of CRT's loop in the place of the spec's; other methods have none and ignore it.
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
            loops: passes of CRT's loop in the place of the spec's; other methods have none and ignore it.
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
        from crt.viz.notebook import cam_figure  # noqa: PLC0415 - colour maps are loaded for the first figure

        names = self.methods if methods is None else [methods] if isinstance(methods, str) else methods
        shown = cast("list[Method]", list(names))
        best = int(self.scores(self.default_method).argmax()) if class_ is None else class_
        index = one_class_id(best, self.classes)
        cams: dict[Method, np.ndarray] = {
            method: self.cams(method, classes=index, spec=self.spec_of(method, spec)) for method in shown
        }
        return cam_figure(self, index, cams, image=image, spec=spec)

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
        count = self._checked_loops(method, record, base.loops if loops is None else loops)
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
