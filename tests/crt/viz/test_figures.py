import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib import colormaps
from PIL import Image

import crt
from crt.checkpoint import Defaults, load_checkpoint
from crt.errors import InvalidSetting
from crt.models.outputs import CnnOutputs
from crt.prediction import Prediction
from crt.predictor import InferenceConfig, Predictor
from crt.sheets import Extra, probabilities, settings_line, side_by_side
from crt.viz import Panel, colour, colour_bar, contact_sheet, fit, outline, overlay
from scripts.explain import main
from tests.helpers.tiny import CLASSES, tiny_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (72, 96, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prediction(folder, image):
    return Predictor(load_checkpoint(folder)).predict(image, InferenceConfig(size=96, loops=2))


def test_colours_run_from_zero_to_vmax():
    table = np.array([colormaps["viridis"](x, bytes=True)[:3] for x in (0.0, 0.5, 1.0)])
    values = np.array([[0.0, 1.0, 2.0]])
    np.testing.assert_array_equal(colour(values)[0], table)
    np.testing.assert_array_equal(colour(values, vmax=1)[0, 1:], table[[2, 2]])
    np.testing.assert_array_equal(colour(np.array([[-5.0, np.nan]]))[0], table[[0, 0]])


@settings(deadline=None, max_examples=50)
@given(
    arrays(np.float32, (4, 5), elements=st.floats(width=32)),
    st.none() | st.floats(allow_nan=True),
    st.floats(0, 1),
)
def test_an_overlay_is_a_image_whatever_the_map(values, vmax, opacity):
    image = np.full((4, 5, 3), 200, np.uint8)
    with np.errstate(all="raise", under="ignore"):
        drawn = overlay(image, values, opacity=opacity, vmax=vmax)
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8


def test_opacity_mixes_the_colour_and_the_image(image):
    values = np.random.default_rng(1).random(image.shape[:2])
    np.testing.assert_array_equal(overlay(image, values, opacity=0), image)
    np.testing.assert_array_equal(overlay(image, values, opacity=1), colour(values))
    half = overlay(image, np.zeros_like(values), opacity=0.5).astype(float)
    np.testing.assert_allclose(half, (image + colour(np.zeros((1, 1)))[0, 0].astype(float)) / 2, atol=0.51)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": np.zeros((3, 3))}, "resize the map"),
        ({"opacity": 1.5}, "choose 0 to 1"),
        ({"opacity": float("nan")}, "choose 0 to 1"),
        ({"colormap": "rainbow-of-unknown"}, "no colour map"),
    ],
)
def test_what_cannot_be_drawn_is_refused(image, arguments, message):
    with pytest.raises(InvalidSetting, match=message):
        overlay(**{"image": image, "values": np.zeros(image.shape[:2]), **arguments})


def test_an_outline_is_on_the_edge_and_changes_only_it():
    image, mask = np.full((9, 9, 3), 100, np.uint8), np.zeros((9, 9), bool)
    mask[3:6, 3:6] = True
    drawn = outline(image, mask)
    assert (drawn[3, 3:6] == 255).all()
    assert (drawn[2, 3:6] == 0).all()
    assert (drawn[4, 4] == 100).all()
    assert (drawn[0] == 100).all()
    assert (image == 100).all()
    for flat in (np.zeros_like(mask), np.ones_like(mask)):
        np.testing.assert_array_equal(outline(image, flat), image)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (50, 60)])
def test_any_image_fits(shape):
    small = fit(np.zeros((*shape, 3), np.uint8), 100)
    assert 1 <= small.shape[1] <= 100
    assert 1 <= small.shape[0] <= 160


def test_a_colour_bar_rises():
    bar = colour_bar(50, 4, colormap="gray")
    assert bar.shape == (4, 50, 3)
    assert (np.diff(bar[0, :, 0].astype(int)) >= 0).all()
    assert (bar[0, 0, 0], bar[0, -1, 0]) == (0, 255)


def test_a_sheet_holds_its_images_and_its_words():
    red = np.full((40, 60, 3), (255, 0, 0), np.uint8)
    bare = contact_sheet([[Panel(red)], [Panel(red), Panel(red)]], width=60)
    assert bare.mode == "RGB"
    assert bare.width == 2 * 60 + 3 * 12
    assert (np.asarray(bare) == (255, 0, 0)).all(-1).sum() == 3 * 40 * 60
    full = contact_sheet([[Panel(red, ("Title", "a line " * 20, "x" * 90))]], title="T", notes=["note"], bar=("0", "1"))
    assert full.height > bare.height
    assert (np.asarray(full) < 128).all(-1).any()


@pytest.mark.parametrize("rows", [[], [[]]])
def test_an_empty_sheet_is_refused(rows):
    with pytest.raises(InvalidSetting, match="at least one image"):
        contact_sheet(rows)


def test_probabilities_are_safe_and_of_the_right_kind(prediction):
    score = prediction.scores("crt", 2)
    np.testing.assert_allclose(probabilities(prediction, "crt", loops=2), 1 / (1 + np.exp(-score)), rtol=1e-5)
    assert probabilities(prediction, "crt", loops=2, single_label=True).sum() == pytest.approx(1)
    wild = CnnOutputs(np.zeros((3, 1, 1), np.float32), np.array([-1e4, 0, 1e4], np.float32))
    extreme = replace(prediction, records={"resnet": wild})
    np.testing.assert_array_equal(probabilities(extreme, "resnet"), [0, 0.5, 1])
    np.testing.assert_array_equal(probabilities(extreme, "resnet", single_label=True), [0, 0, 1])


def test_side_by_side_has_a_column_per_method_and_a_row_per_class(prediction, image):
    one = side_by_side(prediction, image, [0], loops=2, refined=True, width=96)
    two = side_by_side(prediction, image, [0, 2], loops=2, refined=False, threshold=0.15, width=96)
    few = side_by_side(prediction, image, [0], loops=2, refined=True, methods=["crt"], width=96)
    extra = Extra("Grad-CAM", np.zeros((1, 5, 6), np.float32), (4.5, 6.0))
    more = side_by_side(prediction, image, [0], loops=2, refined=True, extras=[extra], threshold=0.1, width=96)
    assert one.width == two.width == 5 * (96 + 12) + 12
    assert two.height > one.height
    assert few.width == 2 * (96 + 12) + 12
    assert more.width == one.width + 96 + 12
    with pytest.raises(InvalidSetting, match="no deit network"):
        side_by_side(prediction, image, [0], loops=1, refined=True, methods=cast("Any", ["deit"]))


def test_a_prediction_of_nothing_makes_a_figure(prediction, image):
    empty = replace(
        prediction, records={"resnet": CnnOutputs(np.zeros((3, 5, 6), np.float32), np.zeros(3, np.float32))}
    )
    side_by_side(empty, image, [0], loops=2, refined=True, threshold=0.15)


def test_the_settings_line_is_enough_to_make_it_again(prediction):
    line = settings_line(prediction, loops=2, refined=True)
    for part in ("96 × 72 px", "overlap", "loops 2", "refined", "4 tiles", "tiny", prediction.provenance["checkpoint_sha256"][:8]):  # fmt: skip  # noqa: E501
        assert part in line
    assert "pass" not in line  # loops are the setting; the page has the same
    assert "not refined" in settings_line(prediction, loops=0, refined=False)


# scripts/explain.py


@pytest.fixture
def photo(tmp_path, image):
    Image.fromarray(image).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_the_command_writes_a_prediction_and_a_figure(folder, photo, tmp_path, capsys):
    out, figure = tmp_path / "trace.bin", tmp_path / "figure.png"
    arguments = [str(photo), "--checkpoint", str(folder), "--size", "96"]
    arguments += ["--output", str(out), "--figure", str(figure), "--json", "-", "--classes", "dog", "cat"]
    assert main([*arguments, "--explainers", "gradcam", "eigencam"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["classes"]) == ["dog", "cat"]
    assert set(result["classes"]["dog"]) == {"resnet", "tscam", "crt", "crt_cnn"}
    assert result["loops"] == 2  # the tiny checkpoint's own default, as are the next two
    assert result["refined"] is True
    assert result["attention"] == {"pass_reduction": "sum", "blocks": None}
    assert result["tiles"] == 4
    assert {"gradcam", "eigencam", "crt"} <= result["milliseconds"].keys()
    found = Prediction.load(out)
    assert found.grid.width == 96
    with Image.open(figure) as sheet:
        assert sheet.width == 7 * (256 + 12) + 12


@pytest.mark.parametrize(
    ("arguments", "refined", "attention"),
    [
        ([], False, {"pass_reduction": "last", "blocks": [1, 2]}),
        (["--refined", "True"], True, {"pass_reduction": "last", "blocks": [1, 2]}),
        (["--refined", "True", "--pass-reduction", "first"], True, {"pass_reduction": "first", "blocks": None}),
    ],
)
def test_the_command_refines_as_the_checkpoint_does_without_options(
    photo, image, tmp_path, capsys, arguments, refined, attention
):
    folder = tiny_checkpoint(tmp_path / "own")
    config = json.loads((folder / "config.json").read_text())
    config["defaults"] |= {"refined": False, "pass_reduction": "last", "blocks": [1, 2]}
    (folder / "config.json").write_text(json.dumps(config))
    figure = tmp_path / "figure.png"
    asked = [str(photo), "--checkpoint", str(folder), "--size", "96", "--classes", "dog", "--figure", str(figure)]
    assert main([*asked, *arguments, "--precision", "fp32", "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["refined"], result["attention"]) == (refined, attention)
    seen = Predictor(load_checkpoint(folder)).predict(image, InferenceConfig(size=96, loops=2))
    used = Defaults(pass_reduction=attention["pass_reduction"], blocks=attention["blocks"]).attention
    wanted = side_by_side(seen, image, [1], loops=2, refined=refined, attention=used, threshold=0.15)
    with Image.open(figure) as sheet:
        np.testing.assert_array_equal(np.asarray(sheet), np.asarray(wanted))


def test_without_files_it_prints_the_scores(folder, photo, capsys):
    assert main([str(photo), "--checkpoint", str(folder), "--loops", "1", "--refined", "False", "--size", "None"]) == 0
    printed = capsys.readouterr().out
    assert "CRT's CNN" in printed
    assert "loops 1" in printed


@pytest.mark.parametrize(("precision", "name"), [("bf16", "bfloat16"), ("fp32", "float32")])
def test_the_command_runs_in_a_precision_and_writes_its_result_as_json(
    folder, photo, tmp_path, capsys, precision, name
):
    out, file = tmp_path / "photo.npz", tmp_path / "results" / "photo.json"
    words = [str(photo), "--checkpoint", str(folder), "--size", "96", "--precision", precision]
    assert main([*words, "--output", str(out), "--json", str(file)]) == 0
    assert "CRT's CNN" in capsys.readouterr().out
    assert json.loads(file.read_text())["precision"] == name == Prediction.load(out).provenance["precision"]


def test_the_command_takes_the_precision_of_this_machine_without_options(folder, photo, capsys):
    assert main([str(photo), "--checkpoint", str(folder), "--size", "96", "--json", "-"]) == 0
    printed, loaded = json.loads(capsys.readouterr().out), crt.load(folder, device="cpu")
    assert (printed["precision"] == "bfloat16") is loaded.bfloat16


def test_the_likely_classes_are_chosen(folder, photo, capsys):
    def shares_of(*options: str) -> dict[str, float]:
        assert main([str(photo), "--checkpoint", str(folder), "--json", "-", *options]) == 0
        return {name: one["crt"] for name, one in json.loads(capsys.readouterr().out)["classes"].items()}

    everything = shares_of("--classes", *CLASSES)
    assert set(everything) == set(CLASSES)
    order = sorted(everything, key=lambda name: -everything[name])
    assert list(shares_of()) == ([name for name in order if everything[name] > 0.5] or order[:1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--classes", "tree"], "Unknown class 'tree': choose among cat, dog, person"),
        (["--explainers", "crystalball"], "no explainer 'crystalball': choose among gradcam"),
        (["--output", "/nothing/of/this/name/x.npz"], "There is no folder"),
        (["--figure", "x.txt"], "png, .jpg or .webp"),
        (["--size", "5"], "32 to 2048"),
        (["--loops", "99"], "0 to 8"),
        (["--mode", "deconvolution"], "deconvolution"),
        (["--device", "abacus"], "leave it at auto"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_code_2(folder, photo, capsys, arguments, message):
    fails_with(2, [str(photo), "--checkpoint", str(folder), *arguments], message, capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.jpg"], "There is no file none.jpg"),
        (["PHOTO", "--checkpoint", "nothing/here/at-all"], "There is no folder"),
    ],
)
def test_what_is_not_there_is_one_sentence_and_exit_code_1(folder, photo, capsys, arguments, message):
    words = [str(photo) if word == "PHOTO" else word for word in arguments]
    fails_with(1, ["--checkpoint", str(folder), *words], message, capsys)


def fails_with(code, words, message, capsys):
    """The command ends with a code and one line on stderr."""
    assert main(words) == code
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert not printed.out


def test_a_folder_in_the_way_of_a_file(folder, photo, tmp_path, capsys):
    (tmp_path / "taken.npz").mkdir()
    assert main([str(photo), "--checkpoint", str(folder), "--output", str(tmp_path / "taken.npz")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_as_a_program_of_its_own(folder, tmp_path):
    command = [sys.executable, "-m", "scripts.explain", str(tmp_path / "none.png"), "--checkpoint", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: There is no file")
    assert "Traceback" not in done.stderr
