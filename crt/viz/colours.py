"""Maps in colour over images: pure functions of NumPy arrays; matplotlib gives the colour tables."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image

from crt.errors import InvalidSetting

COLORMAP = "viridis"
FADE_END = 0.5
"""Share of the scale from which on a map that fades is opaque."""
# From one end over near white to the other, lightness even in OKLab, distinguishable without red or green; the page's.
_SIGNED = (
    "2b4d7f30568e36609d3c6aac4273bc4d7ec75889d06493d9729ee080a9e68fb4eb9fbfefafcaf2c0d5f4d1e0f5e3eaf5f5f5f5"
    "f3e7e0f1d9ccefcbb7ebbda4e6af91e1a27fdb956dd3885dcb7c4ec1703fb76532ac5a269e5222904b1e82431a753b17"
)
SIGNED = LinearSegmentedColormap.from_list("signed", [f"#{_SIGNED[i : i + 6]}" for i in range(0, len(_SIGNED), 6)])


def colour(values: np.ndarray, *, colormap: str = COLORMAP, vmax: float | None = None) -> np.ndarray:
    """Colour a map: 0 is the first colour, `vmax` the last. NaN and negative values count as 0.

    Args:
        values: (H, W) float.
        colormap: a name of matplotlib's.
        vmax: the value of the last colour; the largest value by default.

    Returns:
        (H, W, 3) uint8; all of the first colour for a map without positive values.

    Raises:
        InvalidSetting: matplotlib does not have the colour map.
    """
    if colormap not in mpl.colormaps:
        raise InvalidSetting(f"There is no colour map {colormap!r}: choose viridis, magma, cividis or gray.")
    values = np.maximum(np.nan_to_num(np.asarray(values, np.float64), nan=0.0), 0)
    largest = float(values.max(initial=0)) if vmax is None else float(vmax)
    scaled = np.minimum(values, largest) / largest if np.isfinite(largest) and largest > 0 else np.zeros_like(values)
    # The nearest of the 256 colours, as the page has it.
    return mpl.colormaps[colormap](np.rint(255 * scaled).astype(np.uint8), bytes=True)[..., :3]


def signed_colour(values: np.ndarray, vmax: float) -> np.ndarray:
    """Colour a map from -vmax to vmax, 0 in the middle of the colours.

    Args:
        values: (H, W) float.
        vmax: the value of the last colour.

    Returns:
        (H, W, 3) uint8.
    """
    # In float64 and clipped before they are divided: in float32 a vmax near nothing would be nothing.
    shares = (
        np.clip(np.nan_to_num(values.astype(np.float64)), -vmax, vmax) / vmax if vmax > 0 else np.zeros(values.shape)
    )
    scaled = (shares + 1) / 2
    return SIGNED(np.rint(255 * scaled).astype(np.uint8), bytes=True)[..., :3]


def fade_alpha(values: np.ndarray, vmax: float, *, signed: bool = False) -> np.ndarray:
    """Opacity of a map that fades: transparent at 0, and opaque from half of its scale on.

    Args:
        values: (H, W) float.
        vmax: the value of the last colour.
        signed: whether the scale begins at -vmax, with 0 in the middle.

    Returns:
        (H, W) float64 from 0 to 1, of the nearest of the 256 colours, as the page has it.
    """
    if not vmax > 0:
        return np.zeros(values.shape)
    low = -vmax if signed else 0.0
    index = np.rint(255 * (np.clip(np.nan_to_num(values.astype(np.float64)), low, vmax) - low) / (vmax - low))
    return np.minimum(1, np.abs(index / 127.5 - 1 if signed else index / 255) / FADE_END)


def overlay(
    image: np.ndarray, values: np.ndarray, *, colormap: str = COLORMAP, opacity: float = 0.6, vmax: float | None = None
) -> np.ndarray:
    """Draw a map over an image: every pixel is `opacity` colour and the rest image, so equal values have equal colours.

    Args:
        image: (H, W, 3) uint8.
        values: (H, W) float.
        colormap: a name of matplotlib's.
        opacity: 0 … 1.
        vmax: the value of the last colour; the largest value by default.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InvalidSetting: sizes differ, the opacity is out of range, or matplotlib does not have the colour map.
    """
    if image.shape[:2] != values.shape:
        raise InvalidSetting(f"The image has {image.shape[:2]} pixels and the map {values.shape}: resize the map.")
    if not 0 <= opacity <= 1:
        raise InvalidSetting(f"The opacity is {opacity}: choose 0 to 1.")
    mixed = (1 - opacity) * image + opacity * colour(values, colormap=colormap, vmax=vmax)
    return np.rint(mixed).astype(np.uint8)


def outline(image: np.ndarray, mask: np.ndarray, *, ink: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """Draw the edge of a mask two pixels wide, one inside and one outside.

    Args:
        image: (H, W, 3) uint8.
        mask: (H, W) bool.
        ink: red, green and blue, 0 … 255.

    Returns:
        A copy with the line.
    """
    padded = np.pad(mask.astype(bool), 1, mode="edge")
    around = [padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]]
    drawn = image.copy()
    drawn[~mask & np.any(around, axis=0)] = (0, 0, 0)
    drawn[mask & ~np.all(around, axis=0)] = ink
    return drawn


def fit(image: np.ndarray, width: int, *, tallest: float = 1.6) -> np.ndarray:
    """Resize an image into a width and a height.

    Args:
        image: (H, W, 3) uint8.
        width: pixels that it may take across.
        tallest: pixels that it may take down, in widths.

    Returns:
        The image, both sides at least 1.
    """
    height, across = image.shape[:2]
    scale = min(width / across, tallest * width / height)
    size = max(1, round(across * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def colour_bar(width: int, height: int, *, colormap: str = COLORMAP) -> np.ndarray:
    """The colours from 0 at the left to the largest value at the right.

    Args:
        width: pixels across.
        height: pixels down.
        colormap: a name of matplotlib's.

    Returns:
        (height, width, 3) uint8.

    Raises:
        InvalidSetting: matplotlib does not have the colour map.
    """
    return colour(np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1)), colormap=colormap, vmax=1.0)
