"""Train the pair, or one branch of it as a baseline, from image labels alone.

    python -m scripts.train_crt full --data.roots VOC2012 --data.splits train_aug --out runs/crt
    python -m scripts.train_crt full --data.roots VOC2012:train_aug,train_extra VOC2007:train --out runs/crt
    accelerate launch -m scripts.train_crt full --data.roots VOC2012 --out runs/crt

`--model.branches vit` gives TS-CAM and `--model.branches cnn` the CNN alone, on the same epochs as the preset.
"""

from __future__ import annotations

import dataclasses
import sys

import tyro

from crt.datasets import ImageSet, check_images, read_cub, read_folders, read_voc
from crt.errors import CrtError, InvalidDataset
from crt.train.config import PRESETS, DataConfig, TrainConfig, single_branch
from crt.train.engine import train
from crt.train.preview import MapPreview, fixed_pictures
from scripts.provenance import run_record


def read_images(data: DataConfig) -> ImageSet:
    """All pictures of a data config, every one of them checked. Raises InvalidDataset with all problems."""
    if not data.roots:
        raise InvalidDataset("No data: give --data.roots, a VOC2012 folder, one of CUB, or one of class folders.")
    classes = data.classes or None
    if data.layout == "folders":
        sets = [read_folders(root, classes=classes) for root in data.roots]
    else:
        read = read_cub if data.layout == "cub" else read_voc
        sets = [read(root, split, classes=classes) for root, splits in data.sources for split in splits]
    images = ImageSet.concat(sets)
    check_images(images)
    return images


def main(config: TrainConfig) -> None:
    """Train and say where the result lies."""
    if config.model.branches != "pair":
        config = single_branch(config, config.model.branches)
    images = read_images(config.data)
    shown = images
    if config.preview_split is not None and config.data.layout != "folders":
        root, splits = str(config.data.sources[0][0]), (config.preview_split,)
        shown = read_images(dataclasses.replace(config.data, roots=(root,), splits=splits))
    last = config.schedule[-1]
    preview = MapPreview(fixed_pictures(shown, config.preview), config.out / "maps", last.crop, max(last.loops))
    record = run_record("scripts.train_crt", PRESETS)
    result = train(config, images, preview=preview if config.preview else None, record=record)
    state = "finished" if result.finished else "stopped"
    print(f"{state} after {result.step} steps on {len(images)} pictures: {config.out}")


if __name__ == "__main__":
    try:
        main(tyro.extras.overridable_config_cli(PRESETS))
    except CrtError as error:
        sys.exit(f"error: {error}")
