"""A map over an image, as one panel of a figure shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from crt.resample import resize_map
from crt.threshold import above_threshold
from crt.viz.colours import COLORMAP, colour, colour_bar, fade_alpha, signed_colour


@dataclass(frozen=True)
class MapLayer:
    """A map over an image.

    Attributes:
        values: (h, w) float, points spread evenly over it.
        vmax: the value of the last colour.
        unit: of the values, in words.
        level: the value above which a point is inside the mask, or None.
        masked: whether the mask is drawn instead of the colours.
        faded: whether the colours are transparent where the value is 0.
        outlined: whether the mask is outlined.
        ends: words for the two ends of a map from -vmax to vmax; None for one from 0.
        smooth: whether values between points are interpolated.
        box: x0, y0, x1, y1 from 0 to 1.
    """

    values: np.ndarray
    vmax: float
    unit: str
    level: float | None = None
    masked: bool = False
    faded: bool = False
    outlined: bool = True
    ends: tuple[str, str] | None = None
    smooth: bool = True
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Style:
    """What all panels share.

    Attributes:
        colormap: a name of matplotlib's.
        opacity: share of the colours in the mixture, 0 … 1.
        truth: rings (N, 2) of x and y from 0 to 1, drawn as dashed outlines.
    """

    colormap: str = COLORMAP
    opacity: float = 0.6
    truth: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class LabelLayer:
    """Labels over an image.

    Attributes:
        labels: (h, w) uint8, points spread evenly over it; 0 is background and stays clear.
        colours: (K, 3) uint8, by label.
        names: by label.
        outlined: whether each label has a line around it.
        boxed: whether each label has a box with its name around all of its points.
        opacity: share of the colours in the mixture, 0 … 1.
    """

    labels: np.ndarray
    colours: np.ndarray
    names: tuple[str, ...]
    outlined: bool = True
    boxed: bool = False
    opacity: float = 0.55


def labelled(image: np.ndarray, layer: LabelLayer) -> np.ndarray:
    """Draw labels over an image, each point as it is.

    Args:
        image: (H, W, 3) uint8.
        layer: the labels.

    Returns:
        (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    labels = np.asarray(Image.fromarray(layer.labels).resize((width, height), Image.Resampling.NEAREST))
    opacity = np.where(labels, layer.opacity, 0)[..., None]
    return np.rint((1 - opacity) * image + opacity * layer.colours[labels]).astype(np.uint8)


def blend(image: np.ndarray, layer: MapLayer, style: Style) -> np.ndarray:
    """Draw a map over an image, or darken what is outside its mask.

    Args:
        image: (H, W, 3) uint8.
        layer: the map.
        style: colours and opacity.

    Returns:
        (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    if layer.smooth:
        upsampled = resize_map(layer.values, (height, width))
    else:
        cells = Image.fromarray(layer.values.astype(np.float32))
        upsampled = np.asarray(cells.resize((width, height), Image.Resampling.NEAREST))
    if layer.masked:
        inside = above_threshold(upsampled, layer.level or 0)
        return np.where(inside[..., None], image, np.rint((1 - style.opacity) * image)).astype(np.uint8)
    signed = layer.ends is not None
    colours = (
        signed_colour(upsampled, layer.vmax) if signed else colour(upsampled, colormap=style.colormap, vmax=layer.vmax)
    )
    opacity = style.opacity * (fade_alpha(upsampled, layer.vmax, signed=signed)[..., None] if layer.faded else 1)
    return np.rint((1 - opacity) * image + opacity * colours).astype(np.uint8)


def bar(layer: MapLayer, style: Style) -> np.ndarray:
    """The colours of a map from its lowest value to `vmax`.

    Args:
        layer: the map.
        style: colours.

    Returns:
        (1, 256, 3) uint8.
    """
    if layer.ends is not None:
        return signed_colour(np.linspace(-1, 1, 256)[None], 1)
    return colour_bar(256, 1, colormap=style.colormap)
