"""Methods side by side, with the settings that made them. CAMs keep their values: a caption gives the largest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from crt.checkpoint import Method
from crt.errors import count_of
from crt.models.outputs import VitOutputs
from crt.pass_reductions import DEFAULT_REDUCTION, Attention, attention_words
from crt.postprocess import max_normalize
from crt.prediction import Prediction
from crt.resample import upsample_cam
from crt.threshold import above_threshold
from crt.types import METHOD_TITLES
from crt.viz.colours import COLORMAP, fit, outline, overlay
from crt.viz.sheet import Panel, contact_sheet

PAPER_ATTENTION: Attention = {"pass_reduction": DEFAULT_REDUCTION, "blocks": None}


@dataclass(frozen=True)
class Extra:
    """One more column of `side_by_side`.

    Attributes:
        title: above it.
        maps: (K, h, w) float, 0 and above, one per class.
        content_size: height and width of the image in cells.
    """

    title: str
    maps: np.ndarray
    content_size: tuple[float, float]


def side_by_side(
    prediction: Prediction,
    image: np.ndarray,
    classes: Sequence[int],
    *,
    loops: int,
    refined: bool,
    attention: Attention | None = None,
    methods: Sequence[Method] | None = None,
    threshold: float | None = None,
    extras: Sequence[Extra] = (),
    single_label: bool = False,
    colormap: str = COLORMAP,
    width: int = 256,
) -> Image.Image:
    """Draw one row per class: the image, then the maps of each method over it, and a line with their settings.

    Every map is scaled by its own largest value, which its caption gives.

    Args:
        prediction: of the image.
        image: (H, W, 3) uint8 in the image's own pixels.
        classes: class ids, from 0.
        loops: of CRT; TS-CAM has none.
        refined: whether attention multiplies the transformers' maps.
        attention: what refines both; the paper's if none is given.
        methods: whose maps, from left to right; all that are recorded by default.
        threshold: share of its largest value above which a map is outlined.
        extras: more columns.
        single_label: whether one label is right, so that probabilities are a softmax.
        colormap: a name of matplotlib's.
        width: pixels of a panel.

    Returns:
        The sheet, RGB.

    Raises:
        InvalidSetting: the Prediction does not hold something of this.
    """
    small = fit(image, width)
    shown = tuple(prediction.methods if methods is None else methods)
    rows = []
    for position, index in enumerate(classes):
        name = prediction.classes[index]
        panels = [Panel(small, (name, f"{prediction.source[1]} × {prediction.source[0]} px"))]
        for method in shown:
            count = prediction.clamp(method, loops)
            maps = prediction.cams(
                method, loops=count, refined=refined, classes=[index], **(attention or PAPER_ATTENTION)
            )
            share = prediction.probabilities(method, count, single_label=single_label)[index]
            detail = _detail(prediction, method, count, refined)
            lines = (METHOD_TITLES[method], f"{name} {share:.1%}{detail}")
            panels.append(_over(small, maps, prediction.content_size(method), lines, threshold, colormap))
        for extra in extras:
            lines = (extra.title, name)
            panels.append(_over(small, extra.maps[position][None], extra.content_size, lines, threshold, colormap))
        rows.append(panels)
    notes = [settings_line(prediction, loops=loops, refined=refined, attention=attention)]
    if threshold is not None:
        notes.append(f"White outline: above {threshold:g} of the map's largest value.")
    bar = ("0", "the largest value of each map, given under it")
    return contact_sheet(rows, notes=notes, bar=bar, width=width, colormap=colormap)


def settings_line(prediction: Prediction, *, loops: int, refined: bool, attention: Attention | None = None) -> str:
    """One line from which a figure can be made again: size, mode, loops, refinement, tiles, checkpoint.

    Args:
        prediction: that is drawn.
        loops: of CRT.
        refined: whether attention multiplies the transformers' maps.
        attention: named where it is not the paper's.

    Returns:
        The line.
    """
    grid, made = prediction.grid, prediction.provenance
    parts = [
        f"input {grid.width} × {grid.height} px",
        f"mode {grid.mode}",
        f"loops {loops}",
        _refinement(refined, attention),
        f"{len(grid)} {'tile' if len(grid) == 1 else 'tiles'}",
        f"checkpoint {made.get('checkpoint', '?')} {str(made.get('checkpoint_sha256', ''))[:8]}".rstrip(),
    ]
    return " · ".join(parts)


def _refinement(refined: bool, attention: Attention | None) -> str:
    if not refined:
        return "not refined"
    return "refined" if attention in (None, PAPER_ATTENTION) else f"refined by {attention_words(**attention)}"


def _detail(prediction: Prediction, method: Method, loops: int, refined: bool) -> str:
    if not isinstance(prediction.record(method), VitOutputs):
        return ""
    count = f", {count_of(loops, 'loop')}" if method == "crt" else ""
    return count + (", refined" if refined else "")


def _over(
    image: np.ndarray,
    maps: np.ndarray,
    content_size: tuple[float, float],
    lines: tuple[str, ...],
    threshold: float | None,
    colormap: str,
) -> Panel:
    """(1, h, w) map on cells over an image, its largest value in the caption."""
    pixels = upsample_cam(maps, content_size, image.shape[:2])
    drawn = overlay(image, pixels[0], colormap=colormap)
    if threshold is not None and pixels.max() > 0:
        drawn = outline(drawn, above_threshold(max_normalize(pixels)[0], threshold))
    return Panel(drawn, (*lines, f"largest value {pixels.max():.3g}"))
