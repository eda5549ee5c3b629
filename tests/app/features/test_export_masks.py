"""The export of the Masks tab: the masks that it shows, as labels that other programs read."""

import io
import json
import re
import zipfile
from typing import cast

import numpy as np
import pytest
from PIL import Image

from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.features import export_answer, masks
from app.features.export_masks import MasksView
from app.rpc import Page
from crt.data import voc_palette
from crt.errors import InvalidSetting
from crt.postprocess import cam_to_labels, max_normalize
from crt.pseudo_labels import crf
from crt.pseudo_labels.random_walk import walk_labels
from crt.resample import upsample_cam
from crt.viz.label_colours import LABEL_COLOURS
from crt.viz.layer import LabelLayer
from tests.app.features.test_export import BASE, bits
from tests.helpers.narrow import instance, present
from tests.helpers.tiny import tiny_checkpoint

CHOSEN = [2, 0]
PAGE = cast("Page", None)  # the analysis says which model it is of
SIZE = (120, 160)
CRF = {
    "iterations": 3, "gaussianSxy": 3, "gaussianCompat": 3, "bilateralSxy": 50, "bilateralSrgb": 5,
    "bilateralCompat": 10,
}  # fmt: skip
TOLD = {
    "crf": None, "walk": {"steps": 3, "beta": 4, "threshold": 0.3}, "deeplab": True, "contours": True, "boxes": True,
    "ground_truth": [None, None], "ignore": [None, None], "colors": [[2, 5], [0, 9]],
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Engine:
    return Engine(str(tiny_checkpoint(tmp_path_factory.mktemp("masks") / "tiny", masks=True)))


@pytest.fixture(scope="module")
def analysis(engine, tmp_path_factory) -> Analysis:
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("image") / "a.png"
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    return Explorer(engine, PredictionCache(10**8), {}).analyze(str(path), "224", "overlap", "s")


def details(**changes) -> dict:
    """What the tab sends; `changes` to the settings of the masks."""
    maps = [{"method": "crt", "letter": ""}]
    return BASE | {"tab": "masks", "classes": CHOSEN, "maps": maps, "masks": TOLD | changes}


def shown(analysis, **changes):
    return export_answer.shown_by(analysis, details(**changes), PAGE)


def labels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "P"
        assert present(image.getpalette())[:63] == voc_palette()[:21].ravel().tolist()
        return np.asarray(image)


def test_the_archive_holds_every_mask_as_labels_of_the_image(analysis):
    truth = np.zeros((240, 320), bool)
    truth[:120] = True
    with zipfile.ZipFile(
        io.BytesIO(export_answer.archive(shown(analysis, ground_truth=[None, bits(truth)])))
    ) as zipped:
        files = {name: zipped.read(name) for name in zipped.namelist()}
    figures = {"figure.png", "figure.pdf", "figure.svg"}
    made = {f"mask_{name}.png" for name in ("seed", "walk", "deeplab", "ground_truth")}
    assert set(files) == figures | made | {"walk.npz", "settings.json", "README.txt"}
    maps = analysis.prediction.cams("crt", loops=2, refined=True, classes=CHOSEN)
    seeds = max_normalize(upsample_cam(maps, analysis.prediction.content_size("crt"), SIZE))
    np.testing.assert_array_equal(labels(files["mask_seed.png"]), cam_to_labels(seeds, CHOSEN, 0.2))
    with np.load(io.BytesIO(files["walk.npz"])) as arrays:
        assert list(arrays["classes"]) == ["person", "cat"]
        assert arrays["edges"].shape == arrays["propagated"].shape[1:]
        wanted = walk_labels(arrays["propagated"], CHOSEN, SIZE, threshold=0.3)
    np.testing.assert_array_equal(labels(files["mask_walk.png"]), wanted)
    np.testing.assert_array_equal(labels(files["mask_deeplab.png"]), masks.parsed_labels(analysis, analysis.model))
    np.testing.assert_array_equal(labels(files["mask_ground_truth.png"])[:, 0], np.repeat([1, 0], 60))
    settings = json.loads(files["settings.json"])
    assert settings["masks"]["ground_truth"]["cat"] == {"share": 0.5, "iou": None}
    inside = labels(files["mask_seed.png"]) == 1
    assert settings["masks"]["seed"]["cat"]["share"] == pytest.approx(inside.mean())
    assert 0 < settings["masks"]["seed"]["cat"]["iou"] < 1
    assert settings["walk"] == {"radius": 5, "beta": 4.0, "exp_times": 3, "threshold": 0.3}
    assert settings["provenance"]["checkpoint_sha256"] == analysis.model.sha256


def test_the_figure_has_the_points_of_the_page_and_the_files_those_of_the_image(analysis):
    view = instance(MasksView, shown(analysis))
    rows, columns = 240, 320  # as `details` says
    maps = analysis.prediction.cams("crt", loops=2, refined=True, classes=CHOSEN)
    seeds = max_normalize(upsample_cam(maps, analysis.prediction.content_size("crt"), (rows, columns)))
    np.testing.assert_array_equal(view.screen["seed"], cam_to_labels(seeds, [0, 1], 0.2))
    assert view.screen["walk"].shape == (rows, columns)
    assert view.tiles["seed"].shape == view.tiles["walk"].shape == SIZE


def test_the_figure_has_the_colours_that_the_page_has_chosen_and_a_legend(analysis):
    view = instance(MasksView, shown(analysis))
    plots = {tile: view._plot(tile) for tile in view.tiles}
    for tile, plot in plots.items():
        layer = instance(LabelLayer, plot.layer)
        np.testing.assert_array_equal(layer.labels, view.screen[tile])
        person, cat = (3, 1) if tile == "deeplab" else (1, 2)
        assert tuple(layer.colours[person]) == LABEL_COLOURS[5]
        assert tuple(layer.colours[cat]) == LABEL_COLOURS[9]
        assert plot.swatches[:2] == (LABEL_COLOURS[5], LABEL_COLOURS[9])
        assert len(plot.swatches) == len(plot.lines)
    others = set(np.unique(view.screen["deeplab"])) - {0, 1, 3}
    assert len(plots["deeplab"].lines) == 2 + len(others)
    assert [one["color"] for one in view.settings()["classes"]] == ["#008df9", "#e20134"]


@pytest.mark.dense_crf
def test_one_mask_alone_is_an_indexed_png(analysis):
    kind, name, data = export_answer.made(shown(analysis, crf=CRF), "mask", "crf")
    maps = analysis.prediction.cams("crt", loops=2, refined=True, classes=CHOSEN)
    found = masks.crf_of_maps(analysis, maps, "crt", 0.2, crf.CrfSettings(3, 3.0, 3.0, 50.0, 5.0, 10.0))
    assert (kind, name[-8:]) == ("mask", "-crf.png")
    np.testing.assert_array_equal(labels(data), np.array([0, 3, 1], np.uint8)[found])


def test_what_cannot_be_made_is_named_and_the_rest_exported(analysis, monkeypatch):
    def without():
        raise InvalidSetting("The dense CRF is not installed: install pydensecrf2.")

    monkeypatch.setattr(crf, "require_dense_crf", without)
    view = instance(MasksView, shown(analysis, crf=CRF))
    assert set(view.tiles) == {"seed", "walk", "deeplab"}
    assert any("not installed" in line for line in view.notes())
    with pytest.raises(InvalidSetting, match="seed, walk, deeplab"):
        export_answer.made(view, "mask", "crf")


@pytest.mark.parametrize(
    "changes",
    [
        {"masks": None}, {"maps": []}, {"tab": "nowhere"}, {"tab": None},
        *({"masks": TOLD | change} for change in (
            {"crf": 3}, {"crf": CRF | {"iterations": 1e9}}, {"walk": []}, {"walk": {"steps": 3, "beta": 4}},
            {"walk": {"steps": 99, "beta": 4, "threshold": 0.3}}, {"ground_truth": [None]},
            {"ground_truth": ["AA==", None]},
            {"ignore": None}, {"colors": None}, {"colors": {"2": 5}}, {"colors": [[2]]}, {"colors": [[2, 5, 1]]},
            {"colors": [[3, 5]]}, {"colors": [[2, 12]]}, {"colors": [[-1, 0]]}, {"colors": [[True, 0]]},
            {"colors": [["2", 0]]},
        )),
    ],
)  # fmt: skip
def test_what_the_browser_sends_is_checked(analysis, changes):
    with pytest.raises(InvalidSetting) as error:
        export_answer.shown_by(analysis, details() | changes, PAGE)
    assert re.fullmatch(r"[A-Za-z][^\n]+\.", str(error.value))
    for tile in ("nothing", None, ["seed"]):
        with pytest.raises(InvalidSetting):
            export_answer.made(shown(analysis), "mask", tile)
