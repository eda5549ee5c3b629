"""How faithful a CAM is to its network: the image is changed by the CAM's order, and the class scored again.

The score is the class probability that the network itself gives at the Prediction's input size. No mask is needed. A
CAM of one uniform value is the random baseline: its pixels are ranked by chance.

    scored = scored_class(predictor, image, settings, method="crt", index=3, loops=3)
    result = measure(scored, cam)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from crt.errors import CrtError, InvalidSetting
from crt.metrics.faithfulness_results import Confidence, Curve, Faithfulness, Road
from crt.metrics.perturb import blurred, fitted, imputed, mixed, ranks, shown
from crt.metrics.scored_class import ScoredClass

if TYPE_CHECKING:
    from crt.predictor import Progress

Measure = Literal["confidence", "deletion", "insertion", "road"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
MAX_ROAD_PIXELS = 672 * 672
"""ROAD solves equations for all pixels it removes at once: that takes seconds and gigabytes already at this size."""


class Stopped(CrtError):
    """The measurement ended early, because `should_stop` returned True."""


@dataclass(frozen=True)
class FaithfulnessConfig:
    """What is measured and how finely.

    The cost is 1 run for the image, 1 more for `confidence`, `steps` for each curve and 2 per share of `removed`.

    Attributes:
        measures: which.
        steps: parts in which pixels are deleted or inserted.
        removed: shares of pixels that ROAD replaces, each once from the map's top and once from its bottom.
        noise: deviation of ROAD's noise, in normalised pixel values.
        blur: side of the Gaussian window that insertion starts from (odd pixels) and its deviation, as published.
        seed: of the order among equal values and of the noise.

    Raises:
        InvalidSetting: an unknown measure, or a number out of range.
    """

    measures: tuple[Measure, ...] = MEASURES
    steps: int = 20
    removed: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    noise: float = 0.01
    blur: tuple[int, float] = (11, 5.0)
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [name for name in self.measures if name not in MEASURES]
        if unknown or not self.measures:
            wrong = f"There is no measure {', '.join(unknown)}" if unknown else "There is no measure to take"
            raise InvalidSetting(f"{wrong}: choose among {', '.join(MEASURES)}.")
        if self.steps < 1 or self.noise < 0 or self.blur[0] < 1 or self.blur[0] % 2 == 0 or self.blur[1] <= 0:
            raise InvalidSetting("Give at least one step, no negative noise, and an odd window with a positive blur.")
        if self.seed < 0:
            raise InvalidSetting(f"The seed is {self.seed}: give 0 or more.")
        if not self.removed or any(not 0 < share < 1 for share in self.removed):
            raise InvalidSetting(f"ROAD removes shares between 0 and 1 of the pixels, not {self.removed}.")

    @property
    def runs(self) -> int:
        """Forward passes that the measures take."""
        cost = {"confidence": 1, "deletion": self.steps, "insertion": self.steps, "road": 2 * len(self.removed)}
        return 1 + sum(cost[name] for name in dict.fromkeys(self.measures))


def measure(
    scored: ScoredClass,
    cam: np.ndarray,
    config: FaithfulnessConfig | None = None,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Faithfulness:
    """Measure how faithful a map is.

    Args:
        scored: the image and its class.
        cam: (H, W) map of that class, on any grid over the whole image; it is resized to the pixels of `scored`,
            bilinear.
        config: what is measured, and how finely; the defaults if None.
        progress: `progress(fraction, measure)` is called before every run.
        should_stop: called before every run.

    Returns:
        The measures of `config`.

    Raises:
        Stopped: `should_stop` returned True.
        InvalidSetting: the map is none or has NaN, or the image is too large for ROAD.
    """
    config = config or FaithfulnessConfig()
    height, width = scored.pixels.shape[-2:]
    if "road" in config.measures and height * width > MAX_ROAD_PIXELS:
        raise InvalidSetting(f"ROAD cannot remove pixels from {width} × {height}: choose an input size up to 672.")
    cam = fitted(cam, (height, width))
    rank = ranks(cam, config.seed)
    image = scored.pixels[0]
    batches = _Batches(scored, config.runs, progress, should_stop)
    shares = np.arange(config.steps + 1) / config.steps
    (probability,) = batches.at([image], "image")
    confidence = deletion = insertion = road = None
    if "confidence" in config.measures:
        (kept,) = batches.at([image * torch.from_numpy(shown(cam))], "confidence")
        drop = max(0.0, probability - kept) / probability if probability > 0 else 0.0
        confidence = Confidence(float(kept), float(drop), bool(kept > probability))
    if "deletion" in config.measures:
        after = batches.at(mixed(image, torch.zeros_like(image), rank, shares[1:]), "deletion")
        deletion = Curve(shares, np.concatenate([[probability], after]))
    if "insertion" in config.measures:
        before = batches.at(mixed(blurred(image, config.blur), image, rank, shares[:-1]), "insertion")
        insertion = Curve(shares, np.concatenate([before, [probability]]))
    if "road" in config.measures:
        after = batches.at(imputed(image, rank, config.removed, noise=config.noise, seed=config.seed), "road").reshape(
            -1, 2
        )
        road = Road(np.array(config.removed), after[:, 0], after[:, 1])
    batches.report(1.0, "done")
    return Faithfulness(float(probability), confidence, deletion, insertion, road)


class _Batches:
    """Images through the network in bounded batches, counted for the progress."""

    def __init__(
        self, scored: ScoredClass, total: int, progress: Progress | None, should_stop: Callable[[], bool] | None
    ) -> None:
        self.scored, self.total, self.done = scored, total, 0
        self.report = progress or (lambda fraction, text: None)  # noqa: ARG005
        self.should_stop = should_stop or (lambda: False)

    def at(self, images: Iterable[Tensor], name: str) -> np.ndarray:
        """(3, h, w) images, made one by one -> (n,) float64 probabilities."""
        queue, found = iter(images), []
        while True:
            if self.should_stop():
                raise Stopped("The measurement was stopped before it was done: start it again to see its curves.")
            self.report(self.done / self.total, name)
            batch = list(islice(queue, self.scored.batch))
            if not batch:
                return np.concatenate(found).astype(np.float64)
            found.append(self.scored.score(torch.stack(batch)))
            self.done += len(batch)
