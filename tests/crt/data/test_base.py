from pathlib import Path

import pytest

from crt.data import (
    VOC_CLASSES,
    ImageDataset,
    Sample,
    read_voc,
)
from crt.errors import InvalidDataset, InvalidSetting
from tests.helpers.voc_files import write_split


def test_concat(voc):
    write_split(voc, "val", ["2007_000003", "2007_000002"])
    train, val = read_voc(voc, "train"), read_voc(voc, "val")
    joined = ImageDataset.concat([val, train])
    assert [sample.id for sample in joined.samples] == ["2007_000003", "2007_000002", "2007_000001"]
    assert joined.classes == VOC_CLASSES and not joined.single_label
    with pytest.raises(InvalidDataset, match="different classes"):
        ImageDataset.concat([train, read_voc(voc, "train", classes=VOC_CLASSES[:8])])
    with pytest.raises(InvalidDataset, match="at least one"):
        ImageDataset.concat([])


def test_every_nth_image_of_the_first_ones():
    images = ImageDataset(("cat",), tuple(Sample(str(n), Path(f"{n}.jpg"), (0,)) for n in range(7)), single_label=True)
    assert images.every(1) == images
    assert [sample.id for sample in images.every(3).samples] == ["0", "3", "6"]
    assert [sample.id for sample in images.every(2, limit=4).samples] == ["0", "2"]
    assert images.every(2).single_label
    for stride, limit in ((0, None), (-1, None), (1, 0), (1, -2)):
        with pytest.raises(InvalidSetting, match="1 or more"):
            images.every(stride, limit)


def test_classes_are_found_by_names_in_another_case_or_normal_form_where_one_is_meant():
    images = ImageDataset(("helmet", "VE\u0301LO"), (Sample("x", Path("x.jpg"), (0, 1)),))
    assert images.remap_classes(("V\u00e9lo", "no_helmet", "Helmet")).samples[0].labels == (0, 2)
    assert images.remap_classes(("helmet", "Helmet", "v\u00e9lo")).samples[0].labels == (0, 2)
    with pytest.raises(InvalidDataset, match="does not have"):
        images.remap_classes(("HELMET", "Helmet", "v\u00e9lo"))


@pytest.mark.parametrize(
    ("labels", "single", "match"),
    [
        ((2,), False, "outside the class list"),
        ((-1,), False, "outside the class list"),
        ((1, 0), False, "not sorted"),
        ((0, 0), False, "not sorted"),
        ((0, 1), True, "not exactly one"),
    ],
)
def test_image_set_refuses_labels_that_do_not_fit(labels, single, match):
    with pytest.raises(InvalidDataset, match=match):
        ImageDataset(("a", "b"), (Sample("x", Path("x.jpg"), labels),), single)
