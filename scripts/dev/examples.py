"""Build the example images of the app, with their drawn masks and what a checkpoint sees in them.

    python -m scripts.dev.examples --checkpoint checkpoints/voc

The images come from scikit-image, which ships them under free licences. Predictions belong to one checkpoint: run this
again whenever the checkpoint changes, or the app has to run the networks on the examples.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from crt.errors import InvalidDataset, count_of
from scripts.cli import run_cli

# Masks are polygons of x, y from 0 to 1, drawn by hand over the images: right to about one percent of a side.
CAT = (
    "0.08 0, 0.885 0, 0.85 0.08, 0.83 0.15, 0.80 0.22, 0.78 0.26, 0.795 0.33, 0.80 0.42, 0.795 0.50, 0.78 0.60, "
    "0.75 0.68, 0.72 0.74, 0.69 0.80, 0.66 0.86, 0.62 0.90, 0.60 0.94, 0.60 1, 0 1, 0 0.50, 0.03 0.45, 0.065 0.36, "
    "0.07 0.20"
)
MOTORBIKE = (
    "0.13 0.40, 0.20 0.395, 0.185 0.31, 0.20 0.295, 0.225 0.30, 0.235 0.325, 0.33 0.34, 0.37 0.375, 0.45 0.375, "
    "0.485 0.39, 0.545 0.33, 0.555 0.305, 0.50 0.34, 0.48 0.34, 0.52 0.29, 0.55 0.265, 0.575 0.25, 0.60 0.26, "
    "0.625 0.285, 0.64 0.285, 0.635 0.26, 0.66 0.23, 0.68 0.21, 0.665 0.17, 0.68 0.155, 0.70 0.18, 0.735 0.20, "
    "0.715 0.205, 0.725 0.245, 0.75 0.25, 0.765 0.235, 0.785 0.25, 0.785 0.28, 0.76 0.285, 0.75 0.34, 0.73 0.375, "
    "0.745 0.39, 0.78 0.52, 0.80 0.535, 0.85 0.57, 0.87 0.60, 0.865 0.62, 0.90 0.68, 0.92 0.77, 0.915 0.86, "
    "0.88 0.90, 0.84 0.90, 0.78 0.86, 0.73 0.78, 0.70 0.70, 0.69 0.65, 0.685 0.62, 0.70 0.57, 0.695 0.545, "
    "0.68 0.49, 0.67 0.44, 0.65 0.46, 0.645 0.52, 0.64 0.62, 0.62 0.68, 0.59 0.74, 0.55 0.76, 0.49 0.755, "
    "0.46 0.75, 0.465 0.80, 0.46 0.86, 0.45 0.875, 0.435 0.865, 0.45 0.83, 0.445 0.76, 0.43 0.74, 0.385 0.71, "
    "0.36 0.76, 0.31 0.795, 0.27 0.80, 0.22 0.765, 0.18 0.70, 0.165 0.62, 0.17 0.55, 0.19 0.51, 0.21 0.485, "
    "0.15 0.495, 0.135 0.515, 0.14 0.48, 0.155 0.44, 0.13 0.425"
)
ASTRONAUT = (
    "0.05 1, 0.05 0.90, 0.04 0.80, 0.05 0.67, 0.08 0.55, 0.13 0.47, 0.22 0.41, 0.22 0.37, 0.245 0.34, 0.27 0.31, "
    "0.32 0.29, 0.355 0.29, 0.355 0.255, 0.33 0.235, 0.305 0.19, 0.30 0.14, 0.33 0.09, 0.37 0.05, 0.43 0.03, "
    "0.50 0.035, 0.55 0.06, 0.58 0.10, 0.588 0.17, 0.57 0.22, 0.545 0.255, 0.525 0.265, 0.51 0.31, 0.505 0.34, "
    "0.55 0.37, 0.585 0.42, 0.595 0.46, 0.65 0.50, 0.68 0.55, 0.70 0.62, 0.712 0.68, 0.66 0.705, 0.61 0.74, "
    "0.57 0.80, 0.55 0.88, 0.545 0.95, 0.55 1"
)
PHOTOGRAPHER = (
    "0 1, 0 0.50, 0.04 0.44, 0.07 0.39, 0.10 0.33, 0.15 0.28, 0.20 0.25, 0.255 0.24, 0.30 0.207, 0.315 0.205, "
    "0.33 0.17, 0.37 0.135, 0.41 0.123, 0.46 0.135, 0.49 0.16, 0.525 0.20, 0.528 0.235, 0.515 0.255, 0.50 0.27, "
    "0.49 0.29, 0.497 0.325, 0.48 0.34, 0.475 0.36, 0.47 0.385, 0.475 0.44, 0.49 0.48, 0.53 0.43, 0.53 0.41, "
    "0.58 0.40, 0.585 0.36, 0.62 0.345, 0.63 0.33, 0.645 0.345, 0.645 0.39, 0.62 0.42, 0.595 0.46, 0.565 0.48, "
    "0.56 0.50, 0.595 0.535, 0.565 0.56, 0.52 0.60, 0.48 0.61, 0.43 0.59, 0.40 0.575, 0.36 0.64, 0.30 0.715, "
    "0.275 0.745, 0.29 0.83, 0.295 1, 0.27 1, 0.195 0.87, 0.18 1"
)


@dataclass(frozen=True)
class Source:
    """An image in an installed package. `label` and `outline`: the class and the polygon of its mask, if drawn.

    `claim`: what the example shows, in a sentence that `tests/app/core/test_examples.py` holds against the Prediction.
    `view`: the settings that show it, as a link has them (`app/viewer/permalink/fields.mjs`); what it does not
    name is as at the start.
    """

    id: str
    title: str
    file: str
    credit: str
    licence: str
    claim: str
    view: str
    label: str = ""
    outline: str = ""


SOURCES = (
    Source(
        "astronaut",
        "An astronaut",
        "astronaut.png",
        "Eileen Collins, by NASA (scikit-image)",
        "public domain",
        "CRT, a transformer trained together with a CNN, covers more of her than a CNN or a transformer alone.",
        "l=2&c=person",
        "person",
        ASTRONAUT,
    ),
    Source(
        "motorcycle",
        "A motorcycle",
        "motorcycle_left.png",
        "D. Scharstein and others, Middlebury stereo 2014 (scikit-image)",
        "as shipped with scikit-image",
        "Without refinement, every loop from the second on takes more of the background out of CRT's map.",
        "l=4&r=0&p=tscam.crt&c=motorbike",
        "motorbike",
        MOTORBIKE,
    ),
    Source(
        "photographer",
        "A photographer",
        "camera.png",
        "Lav Varshney (scikit-image)",
        "CC0",
        "Refinement takes most of the background out of TS-CAM's map: switch it off to see it come back.",
        "l=2&p=tscam.crt&c=person",
        "person",
        PHOTOGRAPHER,
    ),
    Source(
        "cat",
        "A cat",
        "chelsea.png",
        "Chelsea, by Stéfan van der Walt (scikit-image)",
        "CC0",
        "The loop settles: from the third loop on neither the tokens nor CRT's unrefined map change much.",
        "l=4&r=0&p=tscam.crt&c=cat",
        "cat",
        CAT,
    ),
    Source(
        "coffee",
        "A cup on a table",
        "coffee.png",
        "Rachel Michetti (scikit-image)",
        "CC0",
        "Only what the labels name can be found: a cup is none of the twenty classes, and the networks disagree.",
        "l=2",
    ),
)


@dataclass(frozen=True)
class ExamplesConfig:
    """Where the checkpoint is and where the examples go."""

    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    out: Path = Path("app/examples")
    """Folder of the examples."""
    device: str = "auto"
    """`auto` is the GPU if there is one."""
    side: int = 640
    """Pixels of the longer side of the images written."""


def polygon(text: str) -> list[list[float]]:
    """`"x y, x y, …"` -> [[x, y], …]."""
    return [[float(number) for number in point.split()] for point in text.split(",")]


def write_examples(config: ExamplesConfig) -> list[dict]:
    """Write images, Predictions and `index.json`; the entries of the index. Raises CrtError."""
    import skimage

    from crt.checkpoint import load_checkpoint
    from crt.data.images import load_image
    from crt.data.resizing import resize_long_side
    from crt.device import choose_device
    from crt.predictor import InferenceConfig, Predictor

    checkpoint = load_checkpoint(config.checkpoint)
    predictor = Predictor(checkpoint, device=choose_device(config.device))
    settings = InferenceConfig(size=checkpoint.config.defaults.size)
    data = Path(skimage.__file__).parent / "data"
    config.out.mkdir(parents=True, exist_ok=True)
    entries = []
    for source in SOURCES:
        if not (data / source.file).is_file():
            raise InvalidDataset(f"scikit-image lacks {source.file}: install the version in the requirements.")
        image = load_image(data / source.file)
        if max(image.shape[:2]) > config.side:
            image = resize_long_side(image, config.side)
        path = config.out / f"{source.id}.jpg"
        Image.fromarray(np.asarray(image)).save(path, quality=90, optimize=True)
        prediction = predictor.predict(path, settings)
        prediction.save(config.out / f"{source.id}.npz")
        entries.append(
            {
                "id": source.id,
                "title": source.title,
                "file": path.name,
                "credit": source.credit,
                "licence": source.licence,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "claim": source.claim,
                "view": source.view,
                "masks": [{"label": source.label, "polygons": [polygon(source.outline)]}] if source.outline else [],
            }
        )
        print(f"{source.id}: {count_of(len(prediction.grid), 'tile')}, {sum(prediction.timings.values()):.0f} ms")
    text = json.dumps({"checkpoint_sha256": checkpoint.sha256, "examples": entries}, indent=1, ensure_ascii=False)
    (config.out / "index.json").write_text(text + "\n", encoding="utf-8")
    return entries


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(ExamplesConfig, description=__doc__), write_examples))
