"""A result of `scripts.evaluate seeds` on `val` becomes a section, the headline and a row of the card."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from crt.checkpoint import CheckpointConfig, read_config
from crt.data import VOC_CLASSES
from crt.train.machine import describe_machine
from scripts.evaluate import MeasureSeeds, seeds
from scripts.report.pages import RESULTS_PAGE, compose
from scripts.report.sections import Measured, read_measured
from tests.helpers.tables import as_dict
from tests.helpers.tiny import tiny_checkpoint
from tests.helpers.voc_files import add_image, write_split

SIZE = (80, 60)
TITLE = "Seeds on val, VOC-21, 1 scale and flips"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the result of two images, and with the checkpoint that was measured."""
    base = tmp_path_factory.mktemp("seeds")
    voc = base / "VOC2012"
    for name, label in (("a", "cat"), ("b", "dog")):
        add_image(voc, name, [label])
        Image.effect_noise(SIZE, 80).convert("RGB").save(voc / "JPEGImages" / f"{name}.jpg")
        mask = Image.new("L", SIZE)
        mask.paste(VOC_CLASSES.index(label) + 1, (10, 10, 60, 50))
        mask.save(voc / "SegmentationClass" / f"{name}.png")
    write_split(voc, "val", ["a", "b"])
    tiny = tiny_checkpoint(base / "checkpoints" / "tiny", classes=VOC_CLASSES)
    (base / "results").mkdir()
    file = base / "results" / "voc_val_one_scale.json"
    seeds(MeasureSeeds(voc, split="val", checkpoint=str(tiny), loops=2, precision="fp32", json=file))
    return base


@pytest.fixture(scope="module")
def config(base: Path) -> CheckpointConfig:
    return read_config(base / "checkpoints" / "tiny")


@pytest.fixture(scope="module")
def measured(base: Path, config: CheckpointConfig) -> Measured:
    (one,) = read_measured(base / "results", config.defaults)
    return one


def test_it_is_a_section_with_every_class(measured: Measured) -> None:
    section = measured.section
    assert section.title == TITLE and "--split val" in section.command
    by_class = next(table for table in section.tables if table.folded == "IoU by class")
    assert [row[0] for row in by_class.rows] == ["background", *VOC_CLASSES]
    facts = as_dict(section.tables[-1])
    assert facts["machine"] == describe_machine() and facts["images"] == "2 of val"


def test_the_headline_and_the_card_have_its_number(base: Path, config: CheckpointConfig, measured: Measured) -> None:
    made = compose([measured], config.defaults, {"tiny": config}, base / "checkpoints")
    miou = f"{measured.result['methods']['crt']['miou_best']:.1f}"
    (row,) = made.headline.rows
    assert row[:4] == ("VOC 2012, seeds, mIoU", miou, "57.7", "2 of val, 1 scale")
    assert f"| mIoU, seeds, VOC-21, 1 scale | {miou} |" in made.cards["tiny"] and f"[{TITLE}](" in made.cards["tiny"]
    assert f"## {TITLE}" in made.pages[RESULTS_PAGE]
    assert made.summary["per_class"]["classes"] == ("background", "cat", "dog")  # no image shows another
