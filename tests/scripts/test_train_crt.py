"""What `scripts.train_crt` reads of each layout, what it prints before training, and what it refuses to train on."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from crt.errors import InvalidDataset
from crt.train.config import DataConfig, ModelConfig
from crt.train.run_config import TrainConfig
from scripts.train_crt import main, read_images
from tests.crt.data.test_readers import add_image, write_split


@pytest.fixture
def trained(monkeypatch) -> list:
    """The images that a training was started with, which itself is left out."""
    started = []

    def train(config, images, *, preview, record):
        started.append((images, preview))
        raise KeyboardInterrupt  # as a user may, once it has begun

    monkeypatch.setattr("crt.train.crt.train", train)
    return started


def start(data: DataConfig, out: Path, **changes) -> None:
    with pytest.raises(KeyboardInterrupt):
        main(replace(TrainConfig(out=out, data=data), **changes))


def image(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 12)).save(path)
    return str(path)


def test_a_report_comes_before_the_training(tmp_path, trained, capsys):
    for name in ("cat/1.jpg", "cat/2.TIF", "dog/3.png"):
        image(tmp_path / "data" / name)
    (tmp_path / "data" / "cat" / "IMG.JXL").write_bytes(b"\xff\x0a" + bytes(40))
    start(DataConfig((str(tmp_path / "data"),), layout="folders"), tmp_path / "out")
    told = capsys.readouterr().out
    assert (
        "Images per class: cat 2, dog 1" in told
        and "JPEG XL is not supported, save as JPEG or PNG (1): cat/IMG" in told
    )
    assert len(trained[0][0]) == 3


def test_one_class_is_refused_before_the_training(tmp_path, trained):
    image(tmp_path / "data" / "cat" / "1.jpg")
    with pytest.raises(InvalidDataset, match=r"cat is in every image \(1\): add a second class"):
        main(TrainConfig(out=tmp_path / "out", data=DataConfig((str(tmp_path / "data"),), layout="folders")))
    assert not trained and not (tmp_path / "out").exists()


def test_a_class_of_voc_keeps_its_negatives_and_the_preview_shows_it(tmp_path, trained, capsys):
    for name, objects in (("a", ["cat"]), ("b", ["dog"]), ("c", [])):
        add_image(tmp_path / "VOC2012", name, objects)
    write_split(tmp_path / "VOC2012", "train", ["a", "b", "c"])
    write_split(tmp_path / "VOC2012", "val", ["a"])
    data = DataConfig((str(tmp_path),), ("train",), classes=("cat",))
    start(data, tmp_path / "out", preview_split="val")  # alone it has no negative, and needs none
    images, preview = trained[0]
    assert [sample.labels for sample in images.samples] == [(0,), (), ()]
    assert [sample.id for sample in preview.images.samples] == ["a"]
    assert "kept as negatives: 2" in capsys.readouterr().out


@pytest.mark.parametrize("model", [ModelConfig(deconvolution=True), ModelConfig(mode="non-overlap")])
def test_the_preview_has_the_mode_of_the_training(tmp_path, trained, model):
    for name in ("cat/1.jpg", "dog/2.jpg"):
        image(tmp_path / "data" / name)
    start(DataConfig((str(tmp_path / "data"),), layout="folders"), tmp_path / "out", model=model)
    assert trained[0][1].mode == model.crop_mode != "overlap"


def test_own_names_in_the_voc_layout(tmp_path):
    add_image(tmp_path / "VOC2012", "a", ["helmet"])
    add_image(tmp_path / "VOC2012", "b", ["cat"])
    write_split(tmp_path / "VOC2012", "train", ["a", "b"])
    data = DataConfig((str(tmp_path),), ("train",))
    with pytest.raises(InvalidDataset, match=r"unknown class in an annotation \(1\): a \(helmet\)"):
        read_images(data)
    images = read_images(replace(data, class_names=("helmet", "cat")))
    assert images.classes == ("helmet", "cat") and [sample.labels for sample in images.samples] == [(0,), (1,)]


def test_cub_trains_without_boxes(tmp_path):
    for number, name in enumerate(("001.Cat/a.jpg", "002.Dog/b.jpg"), 1):
        image(tmp_path / "images" / name)
        for file, value in (("images", name), ("image_class_labels", number), ("train_test_split", 1)):
            with (tmp_path / f"{file}.txt").open("a") as stream:
                stream.write(f"{number} {value}\n")
    (tmp_path / "classes.txt").write_text("1 001.Cat\n2 002.Dog\n")
    assert len(read_images(DataConfig((str(tmp_path),), ("train",), "cub"))) == 2


def test_files_of_labels_share_their_classes(tmp_path):
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        image(tmp_path / "images" / name)
    (tmp_path / "a.csv").write_text("image,label\n1.jpg,cat\n2.jpg,кот\n", encoding="cp1251")
    (tmp_path / "b.csv").write_text("image;labels\n3.jpg;dog|cat\n", encoding="ascii")
    roots = (str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))
    images = read_images(DataConfig(roots, layout="labels", image_root=tmp_path / "images", encoding="cp1251"))
    assert images.classes == ("cat", "кот", "dog") and not images.single_label
    assert [sample.labels for sample in images.samples] == [(0,), (1,), (0, 2)]


def test_a_file_of_labels_with_its_splits(tmp_path):
    rows = [f"{image(tmp_path / name)},{label},{split}" for name, label, split in
            (("1.jpg", "cat", "train"), ("2.jpg", "dog", "train"), ("3.jpg", "dog", "val"))]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join(["image,label,split", *rows]))
    assert len(read_images(DataConfig((f"{tmp_path / 'a.csv'}:train",), layout="labels"))) == 2
    with pytest.raises(InvalidDataset, match="has the splits train, val: choose"):
        read_images(DataConfig((str(tmp_path / "a.csv"),), layout="labels"))
    (tmp_path / "b.csv").write_text("image,label,split\n1.jpg,cat,train\n2.jpg,dog,train\n")
    assert len(read_images(DataConfig((str(tmp_path / "b.csv"),), layout="labels"))) == 2
    for given in (
        DataConfig((f"{tmp_path / 'b.csv'}:val",), layout="labels"),
        DataConfig((str(tmp_path / "b.csv"),), splits=("val",), layout="labels"),
    ):
        with pytest.raises(InvalidDataset, match="only the split train: choose it"):
            read_images(given)
