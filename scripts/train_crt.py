"""Train the pair, or one branch of it as a baseline, from image labels alone.

    python -m scripts.train_crt full --data.roots VOC2012 --data.splits train_aug --out runs/crt
    python -m scripts.train_crt full --data.roots VOC2012:train_aug,train_extra VOC2007:train --out runs/crt
    python -m scripts.train_crt full --data.layout labels --data.roots labels.csv --out runs/own
    accelerate launch -m scripts.train_crt full --data.roots VOC2012 --out runs/crt

`--model.branches vit` gives TS-CAM and `--model.branches cnn` the CNN alone, on the same epochs as the preset.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import tyro

from crt.data import (
    VOC_CLASSES,
    DatasetReport,
    ImageDataset,
    check_images,
    read_cub,
    read_folders,
    read_labels_file,
    read_voc,
    require_negatives,
)
from crt.errors import InvalidDataset, count_of
from crt.train.config import DataConfig
from crt.train.presets import PRESETS, single_branch
from crt.train.run_config import TrainConfig
from scripts.cli import run_cli
from scripts.provenance import run_record


def read_images(data: DataConfig) -> ImageDataset:
    """All images of a data config, every one of them checked. Raises InvalidDataset with all problems."""
    if not data.roots:
        raise InvalidDataset("No data: give --data.roots, a VOC2012 folder, one of CUB, or one of class folders.")
    sets = _with_same_classes([one for root, splits in data.sources for one in _read(data, root, splits)])
    images = ImageDataset.concat(sets)
    check_images(images)
    return images


def _read(data: DataConfig, root: Path, splits: tuple[str, ...]) -> list[ImageDataset]:
    """The images of one root, a set for each split where the layout has them."""
    classes = data.classes or None
    if data.layout == "folders":
        return [read_folders(root, classes=classes)]
    if data.layout == "labels":
        options = {"image_root": data.image_root, "encoding": data.encoding}
        return [read_labels_file(root, classes=classes, splits=splits, **options)]
    if data.layout == "cub":
        return [read_cub(root, split, classes=classes, boxes="none") for split in splits]
    names = data.class_names or None
    return [read_voc(root, split, classes=classes, class_names=names) for split in splits]


def _with_same_classes(sets: list[ImageDataset]) -> list[ImageDataset]:
    """The sets over all their classes in the order of first mention; those of VOC stay as they are."""
    if len({one.classes for one in sets}) == 1 or any(one.classes == VOC_CLASSES for one in sets):
        return sets
    names = tuple(dict.fromkeys(name for one in sets for name in one.classes))
    return [one.remap_classes(names) for one in sets]


def main(config: TrainConfig) -> None:
    """Train and print the path of the result."""
    from crt.train.crt import train
    from crt.train.preview import MapPreview, fixed_images

    if config.model.branches != "pair":
        config = single_branch(config, config.model.branches)
    images = read_images(config.data)
    encoding = sys.stdout.encoding or "utf-8"  # which may lack the letters of a class name
    print(str(DatasetReport.of(images)).encode(encoding, "backslashreplace").decode(encoding))
    require_negatives(images)
    shown = images
    if config.preview_split is not None and config.data.layout != "folders":
        root, splits = str(config.data.sources[0][0]), (config.preview_split,)
        shown = read_images(dataclasses.replace(config.data, roots=(root,), splits=splits)).remap_classes(
            images.classes
        )
    last = config.schedule[-1]
    chosen, mode = fixed_images(shown, config.preview), config.model.crop_mode
    preview = MapPreview(chosen, config.out / "maps", last.crop, max(last.loops), mode)
    record = run_record("scripts.train_crt", PRESETS)
    result = train(config, images, preview=preview if config.preview else None, record=record)
    state = "finished" if result.finished else "stopped"
    print(f"{state} after {count_of(result.step, 'step')} on {count_of(len(images), 'image')}: {config.out}")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.extras.overridable_config_cli(PRESETS), main))
