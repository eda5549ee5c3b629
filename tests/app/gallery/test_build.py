"""A gallery holds each image's page, goes on where it was, and is made anew where something has changed."""

import base64
import gzip
import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.gallery.build import GalleryResult, State, build_gallery
from app.gallery.settings import GallerySettings
from app.gallery.site import Site
from crt.checkpoint import load_checkpoint
from crt.errors import CrtError, InvalidDataset, InvalidSetting
from crt.postprocess import class_probabilities
from crt.predictor import InferenceConfig, Predictor
from crt.pseudo_labels.label_png import save_labels
from tests.helpers.tiny import tiny_checkpoint

HOSTILE = "<b onclick='x'>&amp; ${y}.png"
CLASSES = ("cat", "</script><script>alert(1)</script>", "person")
NAMES = (HOSTILE, "more/a.jpg", "more/b.jpg")
SIZE = 224


@dataclass(frozen=True)
class Made:
    """A gallery and its images in one folder."""

    folder: Path
    checkpoint: Path
    result: GalleryResult
    states: tuple[State, ...]

    @property
    def settings(self) -> GallerySettings:
        return GallerySettings(
            self.folder / "images",
            self.folder / "site",
            str(self.checkpoint),
            masks=self.folder / "masks",
            size=str(SIZE),
            mode="non-overlap",
            precision="fp32",
            title="My <i>images</i>",
        )

    def again(self, **changes: Any) -> tuple[GalleryResult, list[State]]:
        states: list[State] = []
        return build_gallery(
            replace(self.settings, **changes), lambda _done, _total, state: states.append(state)
        ), states

    def index(self) -> dict[str, Any]:
        return record_of(self.folder / "site" / "index.html")

    def entry(self, name: str) -> dict[str, Any]:
        (found,) = [one for one in self.index()["images"] if one["name"] == name]
        return found


def record_of(path: Path) -> dict[str, Any]:
    (packed,) = re.findall(r'id="crt-record">([A-Za-z0-9+/=]+)<', path.read_text(encoding="utf-8"))
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def pixels(seed: int) -> np.ndarray:
    small = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8))
    return np.asarray(small.resize((70, 50), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("gallery")
    checkpoint = tiny_checkpoint(folder / "tiny", classes=CLASSES)
    (folder / "images" / "more").mkdir(parents=True)
    (folder / "masks").mkdir()
    for seed, name in enumerate(NAMES):
        Image.fromarray(pixels(seed)).save(folder / "images" / name, quality=95)
    (folder / "images" / "broken.jpg").write_bytes((folder / "images" / "more" / "a.jpg").read_bytes()[:300])
    labels = np.zeros((50, 70), np.uint8)
    labels[10:40, 20:50], labels[0], labels[45:] = 1, 255, 3
    save_labels(folder / "masks" / "a.png", labels)
    made = Made(folder, checkpoint, GalleryResult("", "", 0, 0, 0, 0, 0, None, ()), ())
    result, states = made.again()
    return replace(made, result=result, states=tuple(states))


@pytest.fixture
def made(original, tmp_path) -> Made:
    """A copy that a test may change."""
    shutil.copytree(original.folder, tmp_path / "copy")
    return replace(original, folder=tmp_path / "copy", checkpoint=tmp_path / "copy" / "tiny")


def test_every_image_but_the_damaged_one_has_its_files(original):
    assert sorted(original.states) == ["failed", "made", "made", "made"]
    result = original.result
    assert (result.images, result.made, result.kept, result.removed, result.masks) == (3, 3, 0, 0, 1)
    ((name, reason),) = result.failed
    assert name == "broken.jpg" and reason.endswith(".") and "\n" not in reason
    site = original.folder / "site"
    ids = {one["id"] for one in original.index()["images"]}
    assert all({path.stem for path in (site / name).iterdir()} == ids for name in ("pages", "thumbs", ".gallery"))
    names = {path.name for path in site.iterdir()}
    assert names == {"index.html", "pages", "thumbs", "shared", ".gallery", ".nojekyll"}


def test_the_index_has_scores_iou_and_what_failed(original):
    index = original.index()
    assert index["title"] == "My <i>images</i>" and index["classes"] == list(CLASSES) and index["masks"] is True
    assert sorted(one["name"] for one in index["images"]) == sorted(NAMES)
    assert index["failed"] == [{"name": name, "reason": reason} for name, reason in original.result.failed]
    predictor = Predictor(load_checkpoint(original.checkpoint))
    path = original.folder / "images" / "more" / "a.jpg"
    prediction = predictor.predict(path, InferenceConfig(size=SIZE, mode="non-overlap", loops=4))
    shares = class_probabilities(prediction.scores("crt"))
    entry = original.entry("more/a.jpg")
    assert entry["masked"] is True
    for index_, share, iou in entry["classes"]:
        assert share == pytest.approx(float(shares[index_]), abs=1e-3)
        assert (iou is not None) == (index_ in (0, 2)), "only of classes in the mask"
    ious = [iou for _, _, iou in entry["classes"] if iou is not None]
    assert len(ious) == 2 and original.result.mean_iou == pytest.approx(np.mean(ious))
    assert original.entry("more/b.jpg")["masked"] is False


def test_a_page_holds_its_run_and_its_mask_and_nothing_of_a_user_as_markup(original):
    path = original.folder / "site" / "pages" / f"{original.entry('more/a.jpg')['id']}.html"
    record = record_of(path)
    assert record["name"] == "more/a.jpg"
    assert record["saved"] == {"query": "", "scenes": [], "drawn": []} and "results" not in record
    value = record["value"]
    assert value["classes"] == list(CLASSES) and value["chosen"]["size"] == str(SIZE)
    assert value["image"].startswith("data:image/jpeg;base64,")
    (cat, person) = value["masks"]
    assert (cat["label"], person["label"]) == (CLASSES[0], CLASSES[2])
    ring = np.array(cat["polygons"][0]) * (70, 50)
    assert np.allclose([ring.min(0), ring.max(0)], [(20, 10), (50, 40)], atol=0.01)
    hostile = original.folder / "site" / "pages" / f"{original.entry(HOSTILE)['id']}.html"
    assert record_of(hostile)["name"] == HOSTILE
    for file in (path, hostile, original.folder / "site" / "index.html"):
        text = file.read_text(encoding="utf-8")
        assert "onclick" not in text and "alert(1)" not in text and "<i>" not in text


def test_a_second_run_keeps_all_and_runs_no_network(made, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in (made.folder / "site" / "pages").iterdir()}
    monkeypatch.setattr(Predictor, "predict", None)
    result, states = made.again()
    assert sorted(states) == ["failed", "kept", "kept", "kept"]
    assert (result.images, result.made, result.kept, result.mean_iou) == (3, 0, 3, made.result.mean_iou)
    assert before == {path: path.stat().st_mtime_ns for path in (made.folder / "site" / "pages").iterdir()}
    assert result.failed == made.result.failed


def test_only_what_has_changed_is_made_again(made):
    site = made.folder / "site"
    Image.fromarray(pixels(9)).save(made.folder / "images" / "more" / "b.jpg")
    assert made.again()[0].made == 1, "the image"
    labels = np.ones((50, 70), np.uint8)
    save_labels(made.folder / "masks" / "b.png", labels)
    result, _ = made.again()
    assert (result.made, result.masks) == (1, 2), "its mask"
    (site / "thumbs" / f"{made.entry('more/a.jpg')['id']}.jpg").unlink()
    assert made.again()[0].made == 1, "a file that is gone"
    (site / ".gallery" / f"{made.entry(HOSTILE)['id']}.json").write_text("{")
    assert made.again()[0].made == 1, "a state that cannot be read"
    assert made.again()[0].kept == 3
    assert made.again(title="Other")[0].kept == 3, "the title is of the index alone"
    assert made.index()["title"] == "Other"


@pytest.mark.parametrize("changes", [{"mode": "overlap"}, {"size": "336"}, {"masks": None}])
def test_other_settings_make_again_what_they_concern(made, changes):
    assert made.again(**changes)[0].made == (1 if "masks" in changes else 3)


def test_another_checkpoint_makes_all_again(made):
    shutil.rmtree(made.checkpoint)
    tiny_checkpoint(made.checkpoint, classes=CLASSES, seed=1)
    assert made.again()[0].made == 3


def test_an_interrupted_run_goes_on(made, monkeypatch):
    write = Site.write_image
    left = iter([True])

    def stopped(*given: Any) -> None:
        if not next(left, None):
            raise KeyboardInterrupt
        write(*given)

    monkeypatch.setattr(Site, "write_image", stopped)
    with pytest.raises(KeyboardInterrupt):
        made.again(mode="overlap")
    monkeypatch.setattr(Site, "write_image", write)
    result, _ = made.again(mode="overlap")
    assert (result.made, result.kept) == (2, 1)


def test_the_files_of_images_that_are_gone_are_deleted(made):
    old = made.entry("more/b.jpg")["id"]
    (made.folder / "images" / "more" / "b.jpg").unlink()
    (made.folder / "images" / HOSTILE).write_bytes(b"no image")
    result, _ = made.again()
    assert (result.images, result.removed) == (1, 2)
    assert not [path for path in (made.folder / "site").rglob("*") if path.stem == old]
    assert [one["name"] for one in made.index()["images"]] == ["more/a.jpg"]


def test_a_damaged_mask_or_one_of_another_size_fails_its_image_alone(made):
    save_labels(made.folder / "masks" / "b.png", np.ones((10, 10), np.uint8))
    result, _ = made.again()
    assert result.images == 2
    assert dict(result.failed)["more/b.jpg"] == (
        "The mask of more/b.jpg has 10 × 10 pixels and the image 70 × 50: give one of the image's size."
    )
    (made.folder / "masks" / "b.png").write_bytes(b"no mask")
    result, _ = made.again()
    assert "more/b.jpg" in dict(result.failed) and result.images == 2


def test_cams_of_other_methods_are_on_the_page_and_a_damaged_one_fails_its_image_alone(made):
    folder = made.folder / "other"
    folder.mkdir()
    np.save(folder / "a.npy", np.arange(35, dtype=np.float32).reshape(5, 7))
    named: dict[str, Any] = {CLASSES[2]: np.ones((10, 14), np.float32)}
    np.savez(folder / "b.npz", **named)
    cams = (("Grad-CAM", folder), ("Mine", folder))
    assert made.again(cams=cams)[0].made == 2, "those with a file"
    pages = made.folder / "site" / "pages"
    a, b = (record_of(pages / f"{made.entry(name)['id']}.html")["cams"] for name in ("more/a.jpg", "more/b.jpg"))
    assert [one["name"] for one in a] == ["Grad-CAM", "Mine"]
    top = CLASSES[made.entry("more/a.jpg")["classes"][0][0]]
    assert [one["label"] for one in a[0]["cams"]] == [top], "one that names no class"
    assert [one["label"] for one in b[0]["cams"]] == [CLASSES[2]]
    assert made.again(cams=cams)[0].kept == 3
    assert made.again(cams=(("Other", folder),))[0].made == 2, "another name"
    np.save(folder / "a.npy", np.ones((7, 5), np.float32))
    result, _ = made.again(cams=cams)
    assert "The CAM of Grad-CAM cannot be used: " in dict(result.failed)["more/a.jpg"]
    assert result.images == 2


@pytest.mark.parametrize(("folder", "told"), [("nothing", "There is no folder"), ("tiny", "no CAM of any image")])
def test_folders_without_cams_are_refused(made, folder, told):
    with pytest.raises(InvalidDataset, match=told):
        made.again(cams=(("Other", made.folder / folder),))


def test_masks_without_a_class_are_refused(made):
    save_labels(made.folder / "masks" / "a.png", np.full((50, 70), 255, np.uint8))
    with pytest.raises(InvalidDataset, match="no values but 0 and 255"):
        made.again()
    (made.folder / "masks" / "a.png").unlink()
    with pytest.raises(InvalidDataset, match="no mask of any image"):
        made.again()
    with pytest.raises(InvalidDataset, match="There is no folder"):
        made.again(masks=made.folder / "nothing")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"checkpoint": "/nothing"}, CrtError),
        ({"size": "300"}, InvalidSetting),
        ({"mode": "deconvolution"}, InvalidSetting),
        ({"device": "nonsense"}, InvalidSetting),
        ({"masks": "images"}, InvalidSetting),
        ({"masks": "."}, InvalidSetting),
        ({"cams": "images"}, InvalidSetting),
    ],
)
def test_wrong_settings_make_no_folder(made, changes, error):
    if "masks" in changes:
        changes = {"masks": made.folder / changes["masks"]}
    if "cams" in changes:
        changes = {"cams": (("Other", made.folder / changes["cams"]),)}
    with pytest.raises(error):
        made.again(out=made.folder / "new", **changes)
    assert not (made.folder / "new").exists()
