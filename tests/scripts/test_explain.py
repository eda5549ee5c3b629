import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import crt
from crt.checkpoint import Defaults, load_checkpoint
from crt.prediction import Prediction
from crt.predictor import InferenceConfig, Predictor
from crt.sheets.compare import side_by_side
from scripts.explain import main
from tests.helpers.tiny import CLASSES, tiny_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (72, 96, 3), dtype=np.uint8)


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
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: There is no file")
    assert "Traceback" not in done.stderr
