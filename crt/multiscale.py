"""Class maps of one image summed over scales and flips: the seeds of METHOD section 7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crt.cam_spec import CamSpec, ClassLike
from crt.cam_spec import class_ids as ids_of
from crt.checkpoint import Method
from crt.data.resizing import resize_long_side, resize_scale
from crt.errors import InvalidSetting
from crt.pass_reductions import PassReduction
from crt.prediction import Prediction
from crt.predictor import InferenceConfig, Predictor
from crt.resample import upsample_cam
from crt.types import MAX_SIZE, SEED_SCALES, Mode

MAX_SCALE = 16.0
"""The largest scale of an image; its size in pixels is bounded apart from this, by `MAX_SIZE`."""


@dataclass(frozen=True)
class MethodSpec:
    """One kind of CAM to take from every Prediction: of which network, and how.

    Attributes:
        method: the network.
        spec: loop count and refinement.
    """

    method: Method
    spec: CamSpec

    def cams(self, prediction: Prediction, class_ids: Sequence[int]) -> np.ndarray:
        """Take the CAMs from a Prediction.

        Args:
            prediction: which recorded the method.
            class_ids: from 0.

        Returns:
            (K, h, w) float32, as `Prediction.cams` gives them.

        Raises:
            InvalidSetting: something of this is not recorded.
        """
        return prediction.cams(self.method, classes=class_ids, spec=self.spec)


@dataclass(frozen=True)
class TTAConfig:
    """Which views of an image are summed (METHOD section 7).

    Attributes:
        scales: of the image's sides, above 0 and up to `MAX_SCALE`.
        flip: whether each is taken with its mirror image.
        mode: how a larger image goes through the transformer.
        size: pixels of the long side that the image is brought to first; None for its own.

    Raises:
        InvalidSetting: there is no scale, or one out of range, or the size is.
    """

    scales: tuple[float, ...] = SEED_SCALES
    flip: bool = True
    mode: Mode = "overlap"
    size: int | None = None

    def __post_init__(self) -> None:
        if not self.scales or not all(0 < scale <= MAX_SCALE for scale in self.scales):  # NaN fails too
            given = ", ".join(map(str, self.scales)) or "none"
            raise InvalidSetting(f"The scales are {given}: give one or more above 0 and up to {MAX_SCALE:g}.")
        InferenceConfig(self.size)  # refuses a size out of range


def default_specs(
    predictor: Predictor, loops: int, pass_reduction: Sequence[PassReduction] = ()
) -> dict[str, MethodSpec]:
    """The rows of an evaluation table: each network, and CRT at every loop count, refined and not.

    Refined rows are the paper's, by the sum over passes of all blocks' attention; those in `…_default` by the
    checkpoint's own defaults, where they differ. `crt` and `crt_unrefined` are at its default loop count.

    Args:
        predictor: whose networks and defaults are taken.
        loops: CRT has rows for every loop count up to this one.
        pass_reduction: further ways to put the attention of several passes together, at every loop count that has
            several (`crt_loops_2_first` …).

    Returns:
        By name, in the order of the table.
    """
    config = predictor.checkpoint.config
    defaults = config.defaults
    shown = CamSpec(0, pass_reduction=defaults.pass_reduction, blocks=defaults.blocks)
    paper = (defaults.pass_reduction, defaults.blocks) == ("sum", None)
    specs: dict[str, MethodSpec] = {}
    if "crt" in config.networks:
        best = min(defaults.loops, loops)
        specs["crt"] = MethodSpec("crt", replace(shown, loops=best, refined=defaults.refined))
        specs["crt_unrefined"] = MethodSpec("crt", CamSpec(best, refined=False))
        for count in range(loops + 1):
            specs[f"crt_loops_{count}"] = MethodSpec("crt", CamSpec(count, refined=True))
            specs[f"crt_loops_{count}_unrefined"] = MethodSpec("crt", CamSpec(count, refined=False))
            if not paper:
                specs[f"crt_loops_{count}_default"] = MethodSpec("crt", replace(shown, loops=count))
        for count in range(2, loops + 1):
            specs |= {
                f"crt_loops_{count}_{way}": MethodSpec("crt", CamSpec(count, pass_reduction=way))
                for way in pass_reduction
            }
    if "tscam" in config.networks:
        specs["tscam"] = MethodSpec("tscam", CamSpec(0))
        specs["tscam_unrefined"] = MethodSpec("tscam", CamSpec(0, refined=False))
        if not paper:
            specs["tscam_default"] = MethodSpec("tscam", shown)
    for method in ("resnet", "crt_cnn"):
        if method in config.networks:
            specs[method] = MethodSpec(method, CamSpec(0))
    return specs


def multi_scale_maps(
    predictor: Predictor,
    image: np.ndarray,
    class_ids: Sequence[ClassLike] | ClassLike,
    specs: Mapping[str, MethodSpec],
    views: TTAConfig,
) -> tuple[dict[str, np.ndarray], Prediction]:
    """Sum the CAMs of an image over scales and mirror images.

    Each view's map is put on the pixel grid before it is turned back, so that flips do not shift it.

    Args:
        predictor: that runs the views.
        image: (H, W, 3) uint8 RGB.
        class_ids: K classes, by number from 0 or by name.
        specs: which CAMs, by name.
        views: scales, mirror images, mode.

    Returns:
        By the names of `specs` the sums (K, H, W) float32, 0 and above and not normalised; and the Prediction of the
        image as it is, for its scores.

    Raises:
        InvalidSetting: an unknown class, or the largest view would be larger than `MAX_SIZE`.
    """
    chosen = ids_of(class_ids, predictor.checkpoint.config.classes)
    size = (image.shape[0], image.shape[1])
    loops = max((one.spec.loops for one in specs.values()), default=0)
    methods: tuple[Method, ...] = tuple({one.method for one in specs.values()})
    settings = InferenceConfig(size=None, mode=views.mode, loops=loops, methods=methods)
    sums = {name: np.zeros((len(chosen), *size), dtype=np.float32) for name in specs}
    base = _base(image, views)
    plain: Prediction | None = None
    for scale in views.scales:
        scaled = resize_scale(base, scale)
        for flipped in (False, True) if views.flip else (False,):
            prediction = predictor.predict(np.ascontiguousarray(scaled[:, ::-1]) if flipped else scaled, settings)
            if scale == 1.0 and not flipped:
                plain = prediction
            for name, want in specs.items() if chosen else ():  # an image without classes has its Prediction only
                sums[name] += upsample_cam(
                    want.cams(prediction, chosen), prediction.content_size(want.method), size, flipped=flipped
                )
    return sums, plain or predictor.predict(base, settings)


def _base(image: np.ndarray, views: TTAConfig) -> np.ndarray:
    """The image that the scales start from. Raises InvalidSetting before any network runs if a view is too large."""
    largest = max(*views.scales, 1.0)
    side = max(image.shape[:2]) if views.size is None else views.size
    if round(side * largest) > MAX_SIZE:
        height, width = image.shape[:2]
        raise InvalidSetting(
            f"This image of {width} × {height} pixels has a longer side of {round(side * largest)} at scale "
            f"{largest:g}, and the limit is {MAX_SIZE}: bring it to a size up to {int(MAX_SIZE / largest)} first."
        )
    return image if views.size is None else resize_long_side(image, views.size)
