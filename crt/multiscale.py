"""Class maps of one image summed over scales and flips: the seeds of METHOD section 7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crt.cam_spec import CamSpec
from crt.checkpoint import Method
from crt.data.images import resize_long_side, resize_scale
from crt.errors import InvalidSetting
from crt.pass_reductions import DEFAULT_REDUCTION, PassReduction
from crt.postprocess import SCALES
from crt.prediction import Prediction
from crt.predictor import MAX_SIZE, InferenceConfig, Predictor
from crt.resample import upsample_cam
from crt.types import Mode


@dataclass(frozen=True)
class MapRequest:
    """One kind of map to take from every Prediction. `blocks`: first and last whose attention refines, None for all."""

    method: Method
    loops: int = 0
    refined: bool = True
    pass_reduction: PassReduction = DEFAULT_REDUCTION
    blocks: tuple[int, int] | None = None

    def cams(self, prediction: Prediction, keys: Sequence[int]) -> np.ndarray:
        """The maps of the 0-based classes `keys`, as `Prediction.cams` gives them."""
        return prediction.cams(self.method, classes=keys, spec=self.spec)

    @property
    def spec(self) -> CamSpec:
        """What `Prediction.cams` calls it."""
        return CamSpec(self.loops, self.refined, self.pass_reduction, self.blocks)


@dataclass(frozen=True)
class TTAConfig:
    """Which views of an image are summed. `scales`: of the original image. `flip`: each with its mirror image.

    `size`: pixels of the long side that the image is brought to first; None for its own.
    """

    scales: tuple[float, ...] = SCALES
    flip: bool = True
    mode: Mode = "overlap"
    size: int | None = None


def requests_for(
    predictor: Predictor, loops: int, pass_reduction: Sequence[PassReduction] = ()
) -> dict[str, MapRequest]:
    """The rows of an evaluation table: each network, and CRT at every loop count up to `loops`, refined and not.

    Refined rows are the paper's, by the sum over passes of all blocks' attention; those in `…_default` by the
    checkpoint's own defaults, where they differ. `crt` and `crt_unrefined` are at its default loop count.
    `pass_reduction`: further ways to put the attention of several passes together, at every loop count that has several
    (`crt_loops_2_first` …).
    """
    config = predictor.checkpoint.config
    defaults = config.defaults
    shown = MapRequest("crt", pass_reduction=defaults.pass_reduction, blocks=defaults.blocks)
    paper = (defaults.pass_reduction, defaults.blocks) == ("sum", None)
    requests: dict[str, MapRequest] = {}
    if "crt" in config.networks:
        best = min(defaults.loops, loops)
        requests["crt"] = replace(shown, loops=best, refined=defaults.refined)
        requests["crt_unrefined"] = MapRequest("crt", best, refined=False)
        for count in range(loops + 1):
            requests[f"crt_loops_{count}"] = MapRequest("crt", count, refined=True)
            requests[f"crt_loops_{count}_unrefined"] = MapRequest("crt", count, refined=False)
            if not paper:
                requests[f"crt_loops_{count}_default"] = replace(shown, loops=count)
        for count in range(2, loops + 1):
            requests |= {
                f"crt_loops_{count}_{way}": MapRequest("crt", count, pass_reduction=way) for way in pass_reduction
            }
    if "tscam" in config.networks:
        requests["tscam"] = MapRequest("tscam")
        requests["tscam_unrefined"] = MapRequest("tscam", refined=False)
        if not paper:
            requests["tscam_default"] = replace(shown, method="tscam")
    for method in ("resnet", "crt_cnn"):
        if method in config.networks:
            requests[method] = MapRequest(method)
    return requests


def multi_scale_maps(
    predictor: Predictor,
    image: np.ndarray,
    keys: Sequence[int],
    requests: Mapping[str, MapRequest],
    views: TTAConfig,
) -> tuple[dict[str, np.ndarray], Prediction]:
    """(H, W, 3) uint8 and 0-based classes -> per request the sum over views, (K, H, W) float32 >= 0, not normalised.

    Also gives the Prediction of the image as it is, for its scores. Each view's map is put on the pixel grid before
    it is turned back, so that flips do not shift it. Raises InvalidSetting for an image whose largest view is larger
    than `MAX_SIZE`.
    """
    size = (image.shape[0], image.shape[1])
    loops = max((request.loops for request in requests.values()), default=0)
    methods: tuple[Method, ...] = tuple({request.method for request in requests.values()})
    settings = InferenceConfig(size=None, mode=views.mode, loops=loops, methods=methods)
    sums = {name: np.zeros((len(keys), *size), dtype=np.float32) for name in requests}
    base = _base(image, views)
    plain: Prediction | None = None
    for scale in views.scales:
        scaled = resize_scale(base, scale)
        for flipped in (False, True) if views.flip else (False,):
            prediction = predictor.predict(np.ascontiguousarray(scaled[:, ::-1]) if flipped else scaled, settings)
            if scale == 1.0 and not flipped:
                plain = prediction
            for name, want in requests.items() if len(keys) else ():  # an image without classes has its trace only
                sums[name] += upsample_cam(
                    want.cams(prediction, keys), prediction.content_size(want.method), size, flipped=flipped
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
