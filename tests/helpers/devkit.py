"""A VOC devkit with boxes, made in a test's folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

Object = tuple[str, Sequence[object], int]
"""Class name, [xmin, ymin, xmax, ymax] as VOC counts them, and the mark for difficult."""


def annotation(name: str, objects: Iterable[Object], size: tuple[int, int]) -> str:
    """The XML of one image; `size`: width and height in it."""
    text = f"<annotation><filename>{name}.jpg</filename><size><width>{size[0]}</width><height>{size[1]}</height></size>"
    for label, corners, difficult in objects:
        x0, y0, x1, y1 = corners
        text += f"<object><name>{label}</name><difficult>{difficult}</difficult><bndbox><xmin>{x0}</xmin>"
        text += f"<ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
    return text + "</annotation>"


def devkit(
    folder: Path,
    images: Mapping[str, Sequence[Object]],
    *,
    size: tuple[int, int] = (100, 80),
    noted: tuple[int, int] | None = None,
) -> Path:
    """Noise images of `size` (width, height) with their objects, listed as `val` in Main -> its folder, VOC2007.

    `noted`: the size that the annotations tell, the image's own by default.
    """
    root, rng = folder / "VOC2007", np.random.default_rng(0)
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / part).mkdir(parents=True)
    for name, objects in images.items():
        pixels = rng.integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / "JPEGImages" / f"{name}.jpg")
        (root / "Annotations" / f"{name}.xml").write_text(annotation(name, objects, noted or size))
    (root / "ImageSets" / "Main" / "val.txt").write_text("\n".join(images) + "\n")
    return root
