"""Data sets that several tests read."""

from pathlib import Path

import pytest

from tests.helpers.voc_files import add_image, write_split


@pytest.fixture
def voc(tmp_path) -> Path:
    """A devkit with a split of three images: cat and person, dog twice, aeroplane."""
    voc = tmp_path / "VOCdevkit" / "VOC2012"
    add_image(voc, "2007_000001", ["person", "cat"])
    add_image(voc, "2007_000002", ["dog", "dog"], "SegmentationClassAug")
    add_image(voc, "2007_000003", ["aeroplane"], None)
    write_split(voc, "train", ["2007_000001", "2007_000002", "2007_000003"])
    return voc
