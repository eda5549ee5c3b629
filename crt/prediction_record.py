"""The arrays and numbers of a Prediction, and what is read off them without arithmetic on maps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from crt.cam_spec import CamSpec
from crt.checkpoint import METHODS, Method
from crt.errors import InvalidSetting
from crt.inference_config import is_whole
from crt.models.outputs import STRIDE, CnnOutputs, VitOutputs
from crt.models.tiles import TileGrid
from crt.postprocess import CAM_THRESHOLD, class_probabilities


@dataclass(frozen=True, eq=False)
class PredictionRecord:
    """What the networks left of one image at one input size and mode. Each is equal to itself alone.

    Attributes:
        source: height and width of the image in pixels.
        grid: tiles at the input size.
        classes: names, in the order of the CAMs.
        records: what each method left.
        timings: milliseconds of each stage.
        provenance: checkpoint hash and networks, settings, versions.
        default_spec: what the checkpoint recommends: the settings of a CAM where none are given, and those that the app
            shows first.
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
    default_threshold: float = CAM_THRESHOLD
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
            InvalidSetting: the method is not in this Prediction; the message has the reason.
        """
        try:
            return self.records[method]
        except KeyError:
            raise InvalidSetting(self._without(method)) from None

    def _without(self, method: str) -> str:
        """Why there is no record of a method: it was not requested, or the checkpoint does not have it."""
        have, networks = ", ".join(self.methods), self.provenance.get("networks")
        if method not in METHODS:
            return f"There is no {method} network: choose among {have}."
        if not isinstance(networks, list | tuple):  # an old file has no list
            return (
                f"This Prediction holds no {method}: choose among {have}, or record it anew if the checkpoint has "
                f"{method}."
            )
        if method in networks:
            return (
                f"This Prediction was recorded without {method}, which its checkpoint has: run the image again with "
                f'"{method}" among the methods of InferenceConfig, or choose among {have}.'
            )
        return f"This checkpoint has no {method} network: choose among {have}."

    def clamp(self, method: Method, loops: int) -> int:
        """The recorded loop count of a method that is nearest below another.

        Args:
            method: the network; a CNN and TS-CAM have no loops.
            loops: the requested count.

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
            spec: the requested one; None is the checkpoint's default, cut to the loop counts that are recorded.

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
            loops: passes of CRT's loop; the checkpoint's default if none is given. Other methods have none and ignore
                it.

        Returns:
            (C,) float32 logits.

        Raises:
            InvalidSetting: a method or loop count that is not recorded.
        """
        record = self.record(method)
        if isinstance(record, CnnOutputs):
            return record.scores
        count = self._checked_loops(method, record, self.spec_of(method).loops if loops is None else loops)
        return record.scores[count]

    def probabilities(self, method: Method, loops: int | None = None, *, single_label: bool = False) -> np.ndarray:
        """Class probabilities of a method, from its `scores`.

        Args:
            method: the network.
            loops: as in `scores`.
            single_label: whether exactly one class is right: softmax, else sigmoid.

        Returns:
            (C,) float32, 0 … 1.

        Raises:
            InvalidSetting: a method or loop count that is not recorded.
        """
        return class_probabilities(self.scores(method, loops), single_label=single_label).astype(np.float32)

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

    @staticmethod
    def _checked_loops(method: Method, record: VitOutputs, loops: int) -> int:
        """The loop count as it is, 0 for a method without loops. Raises InvalidSetting for one that is not recorded."""
        if method != "crt" and record.loops == 0:
            return 0
        if not is_whole(loops) or not 0 <= loops <= record.loops:
            raise InvalidSetting(f"This Prediction holds loops 0 to {record.loops}, not {loops}.")
        return loops
