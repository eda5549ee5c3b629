"""Images changed in the order of a CAM's values: pixels removed, mixed in, or replaced (ROAD)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from crt.errors import InvalidSetting
from crt.resample import resize_map


def imputed(image: Tensor, rank: np.ndarray, shares: Sequence[float], *, noise: float, seed: int) -> Iterator[Tensor]:
    """Replace pixels by ROAD's imputation (Rong et al. 2022).

    Args:
        image: (3, h, w) normalised.
        rank: (h, w) int, as `ranks` gives it.
        shares: of the pixels, each above 0 and below 1.
        noise: deviation of the noise added where pixels were replaced.
        seed: of the noise.

    Yields:
        For each share the image without its most, and then without its least relevant pixels, (3, h, w).
    """
    # With all that it imports it takes longer than timm, and only this needs it.
    from pytorch_grad_cam.metrics.perturbation_confidence import (  # noqa: PLC0415
        RemoveLeastRelevantFirst,
        RemoveMostRelevantFirst,
    )
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer  # noqa: PLC0415

    impute = NoisyLinearImputer(noise=0.0)

    def seeded(img: Tensor, mask: Tensor) -> Tensor:
        """The library's imputer, with noise that is the same every time."""
        generator = torch.Generator().manual_seed(seed)
        return impute(img, mask) + torch.randn(img.shape, generator=generator) * noise * (mask == 0)

    # Ranks, because a map with equal values, as many zeros are, has percentiles that remove too much.
    relevance = torch.from_numpy(1 - rank / rank.size)
    for share in shares:
        for remove in (RemoveMostRelevantFirst, RemoveLeastRelevantFirst):
            yield remove(100 * (1 - share), seeded)(image, relevance)


def mixed(start: Tensor, end: Tensor, rank: np.ndarray, shares: np.ndarray) -> Iterator[Tensor]:
    """Take the pixels that rank first from another image.

    Args:
        start: (3, h, w).
        end: (3, h, w).
        rank: (h, w) int, as `ranks` gives it.
        shares: of the pixels that are taken from `end`, 0 … 1.

    Yields:
        (3, h, w) for each share.
    """
    for share in shares:
        yield torch.where(torch.from_numpy(rank < round(share * rank.size)), end, start)


def blurred(image: Tensor, blur: tuple[int, float]) -> Tensor:
    """Blur an image by a Gaussian window.

    Args:
        image: (3, h, w) float32.
        blur: side of the window in pixels (odd), and its deviation.

    Returns:
        (3, h, w).
    """
    side, sigma = blur
    rows = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    smooth = cv2.GaussianBlur(rows, (side, side), sigma, borderType=cv2.BORDER_REFLECT)
    return torch.from_numpy(smooth).permute(2, 0, 1)


def fitted(cam: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring a map to a size, bilinear.

    Args:
        cam: (H, W).
        size: height and width of the result.

    Returns:
        (h, w) float32, contiguous.

    Raises:
        InvalidSetting: it is no map of finite values.
    """
    cam = np.ascontiguousarray(cam, dtype=np.float32)
    if cam.ndim != 2 or not cam.size or not np.isfinite(cam).all():
        raise InvalidSetting(f"One map (H, W) of finite values is needed, check this array {cam.shape}.")
    return cam if cam.shape == size else resize_map(cam, size)


def shown(cam: np.ndarray) -> np.ndarray:
    """What a map lets through: it is divided by its maximum, so that a map of ones shows everything.

    Args:
        cam: (h, w).

    Returns:
        (h, w), 0 … 1.
    """
    positive = np.maximum(cam, 0)
    return positive / positive.max() if positive.max() > 0 else positive


def ranks(cam: np.ndarray, seed: int) -> np.ndarray:
    """Rank the pixels of a map; equal values come in an order drawn by lot, not from top to bottom.

    Args:
        cam: (h, w).
        seed: of the draw.

    Returns:
        (h, w) int64: 0 for the highest value.
    """
    lot = np.random.default_rng(seed).permutation(cam.size)
    order = lot[np.argsort(-cam.ravel()[lot], kind="stable")]
    rank = np.empty(cam.size, dtype=np.int64)
    rank[order] = np.arange(cam.size)
    return rank.reshape(cam.shape)
