"""Whether a map shows what the network used: the image is changed where the map says, and the class asked again.

The score is the class probability that the network itself gives at the Prediction's input size. Nothing here needs a
mask. One map of a uniform value is the random baseline: its pixels are ranked by chance.

    subject = subject_of(predictor, image, settings, method="crt", index=3, loops=3)
    result = measure(subject, cam)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from crt.checkpoint import Method
from crt.data.images import Source, load_image
from crt.data.resizing import resize_long_side, to_tensor
from crt.errors import CrtError, InvalidSetting
from crt.metrics.perturb import blurred, fitted, imputed, mixed, ranks, shown
from crt.models.normalization import normalization_of
from crt.postprocess import class_probabilities
from crt.predictor import InferenceConfig, Predictor, Progress

Measure = Literal["confidence", "deletion", "insertion", "road"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
MAX_ROAD_PIXELS = 672 * 672
"""ROAD solves equations for all pixels it removes at once: that takes seconds and gigabytes already at this size."""


class Stopped(CrtError):
    """`should_stop` said so."""


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
        if not self.removed or any(not 0 < share < 1 for share in self.removed):
            raise InvalidSetting(f"ROAD removes shares between 0 and 1 of the pixels, not {self.removed}.")

    @property
    def looks(self) -> int:
        """Images that go through the network."""
        cost = {"confidence": 1, "deletion": self.steps, "insertion": self.steps, "road": 2 * len(self.removed)}
        return 1 + sum(cost[name] for name in dict.fromkeys(self.measures))


@dataclass(frozen=True)
class ScoredClass:
    """One image and the class that is asked of it.

    Attributes:
        pixels: (1, 3, h, w) float32, normalised, on the CPU.
        score: (B, 3, h, w) -> (B,) probabilities.
        batch: the most images of one call, B.
    """

    pixels: Tensor
    score: Callable[[Tensor], np.ndarray]
    batch: int = 1


@dataclass(frozen=True)
class Curve:
    """The probability of the class while the image is changed.

    Attributes:
        share: (S + 1,) float64, share of the pixels changed, 0 … 1.
        probability: (S + 1,) float64.
    """

    share: np.ndarray
    probability: np.ndarray

    @property
    def auc(self) -> float:
        """Area under the curve, 0 … 1. Deletion: lower is better; insertion: higher is better."""
        return float(np.trapezoid(self.probability, self.share))


@dataclass(frozen=True)
class Confidence:
    """The image times the map, so that only what the map shows is left (Chattopadhay et al. 2018).

    Attributes:
        kept: the probability then.
        drop: max(0, probability - kept) / probability, 0 … 1, lower is better; the mean over images is their average
            drop.
        increase: whether `kept` is higher than without the map, often is better.
    """

    kept: float
    drop: float
    increase: bool


@dataclass(frozen=True)
class Road:
    """ROAD (Rong et al. 2022): pixels replaced by what their neighbours suggest, so that no hole gives a hint.

    Attributes:
        removed: (T,) shares.
        most: (T,) probability after the map's highest pixels went, lower is better.
        least: (T,) probability after its lowest went, higher is better.
    """

    removed: np.ndarray
    most: np.ndarray
    least: np.ndarray

    @property
    def combined(self) -> float:
        """Mean of (least - most) / 2, -0.5 … 0.5: higher is better, 0 is chance."""
        return float((self.least - self.most).mean() / 2)


@dataclass(frozen=True)
class Faithfulness:
    """What was measured of one map; None where it was not asked for.

    Attributes:
        probability: of the class in the unchanged image.
        confidence: with what the map shows alone.
        deletion: highest pixels first become the mean colour (Petsiuk et al. 2018); lower area is better.
        insertion: they appear in a blurred image; higher area is better.
        road: pixels replaced.
    """

    probability: float
    confidence: Confidence | None = None
    deletion: Curve | None = None
    insertion: Curve | None = None
    road: Road | None = None


def subject_of(
    predictor: Predictor,
    source: Source,
    settings: InferenceConfig | None = None,
    *,
    method: Method,
    index: int,
    loops: int = 0,
) -> ScoredClass:
    """An image at an input size, and the probability that a network gives to a class.

    Another thread that waits for the predictor is served after one call of `score`.

    Args:
        predictor: whose network is asked.
        source: an image as `crt.load_image` takes it.
        settings: input size and mode; the predictor's own if none is given.
        method: the network.
        index: class id, from 0.
        loops: of CRT; the other networks have none.

    Returns:
        What `measure` takes.

    Raises:
        InvalidImage: the image cannot be used.
        InvalidSetting: the checkpoint does not have the method or class.
    """
    settings = settings or predictor.default_settings
    config = predictor.checkpoint.config
    if method not in predictor.checkpoint.networks or not 0 <= index < len(config.classes):
        raise InvalidSetting(f"This checkpoint has no class {index} of a network {method}: choose among its own.")
    image = load_image(source)
    resized = image if settings.size is None else resize_long_side(image, settings.size)
    grid = predictor.grid(resized.shape[0], resized.shape[1], replace(settings, size=None))

    def score(images: Tensor) -> np.ndarray:
        logits = predictor.class_logits(images, method, loops, grid).numpy()
        return class_probabilities(logits, single_label=config.single_label)[:, index]

    # On a CPU several images at once only make others wait longer.
    pixels = to_tensor(resized, *normalization_of(predictor.checkpoint.networks[method]))
    return ScoredClass(pixels, score, batch=1 if predictor.device.type == "cpu" else 8)


def measure(
    subject: ScoredClass,
    cam: np.ndarray,
    probe: FaithfulnessConfig | None = None,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Faithfulness:
    """Measure how faithful a map is.

    Args:
        subject: image and class.
        cam: (H, W) map of that class, on any grid over the whole image; it is resized to the subject's pixels,
            bilinear.
        probe: what is measured, and how finely; the defaults if None.
        progress: `progress(fraction, measure)` is called before every run.
        should_stop: called before every run.

    Returns:
        The measures asked for.

    Raises:
        Stopped: `should_stop` said so.
        InvalidSetting: the map is none or has NaN, or the image is too large for ROAD.
    """
    probe = probe or FaithfulnessConfig()
    height, width = subject.pixels.shape[-2:]
    if "road" in probe.measures and height * width > MAX_ROAD_PIXELS:
        raise InvalidSetting(f"ROAD cannot remove pixels from {width} × {height}: choose an input size up to 672.")
    cam = fitted(cam, (height, width))
    rank = ranks(cam, probe.seed)
    image = subject.pixels[0]
    looks = _Looks(subject, probe.looks, progress, should_stop)
    shares = np.arange(probe.steps + 1) / probe.steps
    (probability,) = looks.at([image], "image")
    confidence = deletion = insertion = road = None
    if "confidence" in probe.measures:
        (kept,) = looks.at([image * torch.from_numpy(shown(cam))], "confidence")
        drop = max(0.0, probability - kept) / probability if probability > 0 else 0.0
        confidence = Confidence(float(kept), float(drop), bool(kept > probability))
    if "deletion" in probe.measures:
        after = looks.at(mixed(image, torch.zeros_like(image), rank, shares[1:]), "deletion")
        deletion = Curve(shares, np.concatenate([[probability], after]))
    if "insertion" in probe.measures:
        before = looks.at(mixed(blurred(image, probe.blur), image, rank, shares[:-1]), "insertion")
        insertion = Curve(shares, np.concatenate([before, [probability]]))
    if "road" in probe.measures:
        after = looks.at(imputed(image, rank, probe.removed, noise=probe.noise, seed=probe.seed), "road").reshape(-1, 2)
        road = Road(np.array(probe.removed), after[:, 0], after[:, 1])
    looks.report(1.0, "done")
    return Faithfulness(float(probability), confidence, deletion, insertion, road)


class _Looks:
    """Images through the network in bounded batches, counted for the progress."""

    def __init__(
        self, subject: ScoredClass, total: int, progress: Progress | None, should_stop: Callable[[], bool] | None
    ) -> None:
        self.subject, self.total, self.done = subject, total, 0
        self.report = progress or (lambda fraction, text: None)  # noqa: ARG005
        self.should_stop = should_stop or (lambda: False)

    def at(self, images: Iterable[Tensor], name: str) -> np.ndarray:
        """(3, h, w) images, made one by one -> (n,) float64 probabilities."""
        queue, found = iter(images), []
        while True:
            if self.should_stop():
                raise Stopped("The measurement was stopped before it was done: start it again to see its curves.")
            self.report(self.done / self.total, name)
            batch = list(islice(queue, self.subject.batch))
            if not batch:
                return np.concatenate(found).astype(np.float64)
            found.append(self.subject.score(torch.stack(batch)))
            self.done += len(batch)
