"""Fully connected CRF: labels that follow the edges of the image (Krähenbühl and Koltun, 2011; METHOD section 8).

Three ways in, one inference: hard labels as IRNet has them, class probabilities as DeepLab has them, and normalised
CAMs against a constant background. Mean field inference by pydensecrf: two kernels join every pair of pixels, a
Gaussian of their distance, and a bilateral one of distance and colour. It is deterministic. pydensecrf is optional:
without it the functions raise InvalidSetting.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from crt.errors import InvalidImage, InvalidSetting

try:
    from pydensecrf.densecrf import DenseCRF2D
except ImportError:  # built from source, which needs a compiler and does not succeed on every Python
    DenseCRF2D = None

FLOOR = 1e-5
"""The least probability a label may have before the CRF, so that its energy stays finite."""


@dataclass(frozen=True)
class CrfSettings:
    """The two kernels of the dense CRF. A weight of 0 leaves its kernel out.

    Attributes:
        iterations: mean field steps; with none the probabilities come back as they went in, normalised.
        gaussian_sxy: spread of the kernel of positions, in pixels, at least 1, below which it joins no neighbours.
        gaussian_compat: its weight.
        bilateral_sxy: spread over positions of the kernel of colours, in pixels, at least 1.
        bilateral_srgb: its spread over colours, in grey levels.
        bilateral_compat: its weight.

    Raises:
        InvalidSetting: a number is out of range.
    """

    iterations: int = 10
    gaussian_sxy: float = 3
    gaussian_compat: float = 3
    bilateral_sxy: float = 50
    bilateral_srgb: float = 5
    bilateral_compat: float = 10

    def __post_init__(self) -> None:
        if self.iterations < 0:
            raise InvalidSetting(f"The CRF cannot run {self.iterations} iterations: give 0 or more.")
        for name in ("gaussian_sxy", "bilateral_sxy", "bilateral_srgb"):
            if not (isfinite(value := getattr(self, name)) and value >= 1):
                raise InvalidSetting(f"{name} of the CRF is {value}: give a number of at least 1.")
        for name in ("gaussian_compat", "bilateral_compat"):
            if not (isfinite(value := getattr(self, name)) and value >= 0):
                raise InvalidSetting(f"{name} of the CRF is {value}: give a number of at least 0.")


IRN_CRF = CrfSettings()
"""IRNet's confident labels."""

DEEPLAB_CRF = CrfSettings(gaussian_sxy=1, gaussian_compat=3, bilateral_sxy=67, bilateral_srgb=3, bilateral_compat=4)
"""DeepLab's test time."""


def require_dense_crf() -> Any:
    """The class of pydensecrf2; long work calls this before it begins.

    Raises:
        InvalidSetting: it is not installed.
    """
    if DenseCRF2D is None:
        raise InvalidSetting("The dense CRF is not installed: install pydensecrf2, or go on without it.")
    return DenseCRF2D


def crf_labels(
    image: np.ndarray,
    labels: np.ndarray,
    n_labels: int,
    *,
    gt_prob: float = 0.7,
    settings: CrfSettings = IRN_CRF,
) -> np.ndarray:
    """Let labels follow the edges of an image (IRNet's setting; METHOD section 8).

    Args:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) integers, 0 … n_labels - 1.
        n_labels: their number; label 0 is one like the others.
        gt_prob: probability of each pixel's label, in (0, 1); the others share the rest.
        settings: of the CRF.

    Returns:
        (H, W) labels of the same type.

    Raises:
        InvalidImage: the image is no such array.
        InvalidSetting: arrays do not fit, a number is out of range, or the dense CRF is not installed.
    """
    _check(image, labels.shape)
    if not np.issubdtype(labels.dtype, np.integer):
        raise InvalidSetting(f"Labels must be whole numbers, not {labels.dtype}.")
    if n_labels < 1 or labels.min() < 0 or labels.max() >= n_labels:
        raise InvalidSetting(f"Labels run from {labels.min()} to {labels.max()}: give labels from 0 to {n_labels - 1}.")
    _check_confidence(gt_prob)
    if n_labels == 1:
        return labels.copy()
    energy = np.full((n_labels, labels.size), -np.log((1 - gt_prob) / (n_labels - 1)), np.float32)
    energy[labels.ravel(), np.arange(labels.size)] = -np.log(gt_prob)
    return _infer(image, energy, settings).argmax(0).astype(labels.dtype)


def crf_probabilities(image: np.ndarray, probs: np.ndarray, settings: CrfSettings = DEEPLAB_CRF) -> np.ndarray:
    """Let probabilities follow the edges of an image (DeepLab's setting; METHOD section 8).

    Args:
        image: (H, W, 3) uint8 RGB.
        probs: (C, H, W); those below `FLOOR` count as that, and they need not sum to 1.
        settings: of the CRF.

    Returns:
        (C, H, W) float32 that sum to 1.

    Raises:
        InvalidImage: the image is no such array.
        InvalidSetting: arrays do not fit or hold NaN, or the dense CRF is not installed.
    """
    if probs.ndim != 3 or not len(probs):
        raise InvalidSetting(f"Probabilities have shape {probs.shape}: give (labels, height, width).")
    _check(image, probs.shape[1:])
    if np.isnan(probs).any():
        raise InvalidSetting("The probabilities hold NaN: give numbers from 0 to 1.")
    energy = -np.log(np.clip(probs, FLOOR, 1)).reshape(len(probs), -1)
    return _infer(image, energy.astype(np.float32), settings)


def crf_seeds(
    image: np.ndarray,
    seeds: np.ndarray,
    threshold: float,
    settings: CrfSettings = IRN_CRF,
    *,
    confidence: float = 0.7,
) -> np.ndarray:
    """Let maps follow the edges of an image, with their own certainty.

    Where IRNet first takes the argmax and then trusts every pixel alike, the maps' own certainty enters here: a label's
    share is its map divided by the sum of all, and its probability is `confidence` · share + (1 - confidence) / (K +
    1). So with no iterations the argmax is that of `cam_to_labels`.

    Args:
        image: (H, W, 3) uint8 RGB.
        seeds: (K, H, W) normalised maps, 0 … 1.
        threshold: the constant that is the background's map, above 0 and at most 1.
        settings: of the CRF.
        confidence: bounds how sure any pixel can be, in (0, 1), as `gt_prob` does for hard labels.

    Returns:
        (K + 1, H, W) float32 probabilities, background first.

    Raises:
        InvalidImage: the image is no such array.
        InvalidSetting: arrays do not fit, maps have negative values or NaN, a number is out of range, or the dense CRF
            is not installed.
    """
    if seeds.ndim != 3:
        raise InvalidSetting(f"Maps have shape {seeds.shape}: give (classes, height, width).")
    _check(image, seeds.shape[1:])
    if not (seeds >= 0).all():  # NaN fails too
        raise InvalidSetting("The maps hold negative values or NaN: normalise them first.")
    if not 0 < threshold <= 1:
        raise InvalidSetting(f"The background threshold is {threshold}: give a number above 0 and at most 1.")
    _check_confidence(confidence)
    scores = np.concatenate([np.full((1, *seeds.shape[1:]), threshold, np.float32), seeds.astype(np.float32)])
    share = scores / scores.sum(0)
    return crf_probabilities(image, confidence * share + (1 - confidence) / len(scores), settings)


def _infer(image: np.ndarray, energy: np.ndarray, settings: CrfSettings) -> np.ndarray:
    """(H, W, 3) and (labels, H·W) float32 energies -> (labels, H, W) float32 probabilities."""
    height, width = image.shape[:2]
    crf = require_dense_crf()(width, height, len(energy))
    crf.setUnaryEnergy(np.ascontiguousarray(energy))
    if settings.gaussian_compat:
        crf.addPairwiseGaussian(sxy=settings.gaussian_sxy, compat=settings.gaussian_compat)
    if settings.bilateral_compat:
        crf.addPairwiseBilateral(
            sxy=settings.bilateral_sxy,
            srgb=settings.bilateral_srgb,
            rgbim=np.array(image, order="C"),  # pydensecrf needs a buffer that is contiguous and writable
            compat=settings.bilateral_compat,
        )
    # Step by step, because pydensecrf holds the interpreter's lock: other threads get their turn in between.
    probs, *buffers = crf.startInference()
    for _ in range(settings.iterations):
        crf.stepInference(probs, *buffers)
    return np.array(probs, dtype=np.float32).reshape(len(energy), height, width)


def _check(image: np.ndarray, size: tuple[int, ...]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise InvalidImage(f"The CRF needs an image as a uint8 array (H, W, 3), not {image.dtype} {image.shape}.")
    if image.shape[:2] != size:
        raise InvalidSetting(f"Maps of {size} do not fit an image of {image.shape[:2]}: resize them to its pixels.")


def _check_confidence(value: float) -> None:
    if not 0 < value < 1:
        raise InvalidSetting(f"The confidence in the labels is {value}: give a number between 0 and 1.")
