"""The images whose boxes went best and worst, with the map, the box found and the ground truth."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from crt.data import ImageDataset
from crt.data.images import load_image
from crt.errors import InvalidSetting
from crt.evaluation.wsol import BoxPrediction, WsolScore
from crt.evaluation.wsol_samples import WsolSample, run_samples
from crt.evaluation.wsol_transform import WsolTransform
from crt.metrics.boxes import BoxesLike
from crt.metrics.cam_boxes import minmax_normalize
from crt.multiscale import MethodSpec
from crt.predictor import Predictor
from crt.viz.colours import fit, overlay
from crt.viz.sheet import Panel, contact_sheet

SHEET_WIDTH = 200
TRUTH_COLOUR, FOUND_COLOUR = (255, 209, 102), (255, 255, 255)


def box_sheet(
    predictor: Predictor,
    images: ImageDataset,
    request: MethodSpec,
    view: WsolTransform,
    score: WsolScore,
    *,
    title: str,
    count: int = 6,
) -> Image.Image:
    """Draw the best and the worst images of a localization score.

    Args:
        predictor: whose networks make the maps.
        images: that were measured.
        request: the kind of map that was measured.
        view: from an image to the networks' input.
        score: what `evaluate_wsol` measured with that request.
        title: above the sheet.
        count: images of each end.

    Returns:
        The sheet, RGB.

    Raises:
        InvalidSetting: a sheet of nothing.
        InvalidDataset: an image is no longer there.
    """
    ranked = sorted(score.found, key=lambda found: -found.iou)
    if count < 1 or not ranked:
        raise InvalidSetting("A sheet of boxes needs at least one image.")
    count = min(count, len(ranked))
    samples = {sample.id: sample for sample in images.samples}
    rows = []
    for chosen in (ranked[:count], ranked[-count:][::-1]):
        some = ImageDataset(images.classes, tuple(samples[found.id] for found in chosen), images.single_label)
        item = run_samples(predictor, some, {"map": request}, view)
        rows.append([_panel(one, found, images.classes) for one, found in zip(item, chosen, strict=True)])
    note = (
        f"The {count} best and the {count} worst of {len(ranked)} images. White: the box found; yellow: the ground "
        f"truth. Threshold {score.threshold:.2f} of the map's range."
    )
    return contact_sheet(rows, title=title, notes=[note], width=SHEET_WIDTH, bar=("least", "most of this map"))


def _panel(item: WsolSample, found: BoxPrediction, classes: tuple[str, ...]) -> Panel:
    sample = item.sample
    image = load_image(sample.image)
    whole = item.on_image(item.maps["map"], image.shape[:2])
    small = fit(image, SHEET_WIDTH)
    cam = np.asarray(
        Image.fromarray(minmax_normalize(whole)).resize((small.shape[1], small.shape[0]), Image.Resampling.BOX)
    )
    factor = small.shape[1] / image.shape[1]
    drawn = Image.fromarray(overlay(small, cam, vmax=1.0, opacity=0.45))
    _rectangles(drawn, factor * np.array(sample.boxes), TRUTH_COLOUR)
    _rectangles(drawn, factor * np.array([found.box]), FOUND_COLOUR)
    rank = int((item.logits["map"] > item.logits["map"][sample.labels[0]]).sum()) + 1
    lines = (f"IoU {found.iou:.2f}", classes[sample.labels[0]], f"class at place {rank}")
    return Panel(np.asarray(drawn), lines)


def _rectangles(image: Image.Image, boxes: BoxesLike, ink: tuple[int, int, int]) -> None:
    draw = ImageDraw.Draw(image)
    for x0, y0, x1, y1 in np.asarray(boxes, dtype=float):
        left, top, right, bottom = np.clip(
            [x0, y0, x1 - 1, y1 - 1], 0, [image.width - 1, image.height - 1] * 2
        ).tolist()
        right, bottom = max(left, right), max(top, bottom)  # a box smaller than a pixel of the panel is a point
        draw.rectangle([left, top, right, bottom], outline=(0, 0, 0), width=4)
        if min(right - left, bottom - top) >= 2:
            draw.rectangle([left + 1, top + 1, right - 1, bottom - 1], outline=ink, width=2)
