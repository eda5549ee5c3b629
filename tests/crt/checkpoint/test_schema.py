"""Each field of a checkpoint's config has a range, and a config is read without torch."""

import dataclasses
import itertools
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import timm
import tyro

from crt.checkpoint import (
    CheckpointConfig,
    Defaults,
    NetworkSpec,
    RelationSpec,
    SegmentationSpec,
    load_checkpoint,
    read_config,
    write_config,
)
from crt.errors import InvalidCheckpoint
from crt.pass_reductions import PASS_REDUCTIONS
from crt.predictor import InferenceConfig
from crt.types import MAX_LOOPS, MAX_SIZE, MIN_SIZE
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[3]
EMBEDDED = sorted(path.parent for path in (ROOT / "checkpoints").glob("*/config.json"))
SIZES, LOOPS = f"a whole number from {MIN_SIZE} to {MAX_SIZE}", f"a whole number from 0 to {MAX_LOOPS}"
MEAN = "three numbers from 0 to 1, for red, green and blue"
STD = "three numbers above 0 and at most 1, for red, green and blue"
HASH, FILE = "64 hexadecimal digits, in small letters", "the name of a .safetensors file beside the config"
RANGES = {
    "defaults.size": (SIZES, [0, MIN_SIZE - 1, MAX_SIZE + 1, -1, True, 336.0, "336", None, [336]]),
    "defaults.loops": (LOOPS, [99, MAX_LOOPS + 1, -1, True, 3.0, None]),
    "defaults.refined": ("true or false", [1, 0, "true", None]),
    "defaults.pass_reduction": (f"one of {', '.join(PASS_REDUCTIONS)}", ["most", 1, None, ["sum"]]),
    "defaults.blocks": (
        "the first and the last block",
        [[3, 1], [-1, 2], [0], [0, 1, 2], [0.0, 1], [0, True], "01", {}],
    ),
    "defaults.threshold": ("a number from 0 to 1", [-0.1, 1.5, True, "0.15", None]),
    "networks.crt.type": ("vit or resnet", ["lstm", 1, None]),
    "networks.crt.backbone": ("text that is not empty", ["", " ", 5, None]),
    "networks.crt.file": (FILE, ["../crt.safetensors", "/crt.safetensors", "a\\crt.safetensors", "crt.pt", "", 7]),
    "networks.crt.sha256": (HASH, ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 64 + "\n", 5, None]),
    "networks.crt.tile": ("an even number of pixels", [0, -2, 63, 4096, True, "64", 64.0]),
    "networks.crt.deconvolution": ("true or false", [1, "no", None]),
    "networks.crt.trained_loops": ("whole numbers from 0 to 8", [[99], [-1], [True], ["1"], 3, "3"]),
    "networks.crt.mean": (
        MEAN,
        [[0.5, 0.5], [0.5] * 4, [-0.1, 0.5, 0.5], [1.1, 0.5, 0.5], [True] * 3, "abc", 0.5, None],
    ),
    "networks.crt_cnn.std": (STD, [[0, 0.5, 0.5], [-1, 1, 1], [0.5, 0.5, 58.4], [], ["0.5"] * 3, None]),
    "relation.sha256": (HASH, ["", "x" * 64]),
    "relation.threshold": ("a number above 0 and at most 1", [0, 1.1, True, None]),
    "segmentation.sha256": (HASH, ["", "x" * 64]),
    "segmentation.stride": ("8 or 16", [7, 0, True, "8", None]),
    "segmentation.mean": (MEAN, [[0.5], None]),
    "segmentation.std": (STD, [[0, 0, 0], None]),
    "single_label": ("true or false", [0, "false", None]),
    "name": ("text", [3, None, ["tiny"]]),
    "classes": ("class names, each once", [[], ["a", "a"], ["a", ""], ["a", " "], ["a", None], "cat", {"a": 1}]),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("schema") / "tiny", masks=True)


def with_text(whole: Path, folder: Path, text: str) -> str:
    """The message of `read_config` for this content of config.json: one sentence that names the file."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(text)
    with pytest.raises(InvalidCheckpoint) as caught:
        read_config(folder)
    said = str(caught.value)
    assert said.startswith(str(folder)) and said.endswith(".") and "\n" not in said and len(said) < 500
    assert "pydantic" not in said and "validation error" not in said
    return said


def with_value(whole: Path, folder: Path, field: str, value: object) -> str:
    raw = json.loads((whole / "config.json").read_text())
    *path, last = field.split(".")
    owner = raw
    for name in path:
        owner = owner[name]
    owner[last] = value
    return with_text(whole, folder, json.dumps(raw))


@pytest.mark.parametrize(
    ("field", "wanted", "value"),
    [(field, wanted, value) for field, (wanted, values) in RANGES.items() for value in values],
)
def test_a_value_outside_its_range_is_refused_with_the_field_and_the_range(whole, tmp_path, field, wanted, value):
    said = with_value(whole, tmp_path, field, value)
    assert f" {field} must " in said and wanted in said


@pytest.mark.parametrize("field", ["networks.crt.x", "relation.x", "segmentation.x", "defaults.x", "x"])
def test_an_unknown_field_is_refused_by_name(whole, tmp_path, field):
    assert 'has the unknown field "x"' in with_value(whole, tmp_path, field, 1)


@pytest.mark.parametrize(
    ("part", "field"),
    [
        *itertools.product(["networks.crt", "networks.resnet"], ["type", "backbone", "file", "sha256", "mean", "std"]),
        *itertools.product(["segmentation"], ["backbone", "file", "sha256", "mean", "std"]),
        *itertools.product(["relation"], ["file", "sha256"]),  # images are normalised as for its ResNet
    ],
)
def test_hashes_and_normalization_are_required_in_a_file(whole, tmp_path, part, field):
    raw = json.loads((whole / "config.json").read_text())
    owner = raw["networks"][part.partition(".")[2]] if "." in part else raw[part]
    del owner[field]
    assert f"{part} lacks {field}." in with_text(whole, tmp_path, json.dumps(raw))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("field", ["defaults.threshold", "training.loss", "training.deep"])
def test_numbers_that_are_not_finite_are_refused_wherever_they_stand(whole, tmp_path, number, field):
    raw = json.loads((whole / "config.json").read_text())
    raw["training"] = {"loss": 1, "deep": [{"a": 1}]}
    part, name = field.split(".")
    raw[part][name] = [{"a": "HERE"}] if name == "deep" else "HERE"
    said = with_text(whole, tmp_path, json.dumps(raw).replace('"HERE"', number))
    assert "is not a finite number" in said


def test_a_key_that_stands_twice_is_refused(whole, tmp_path):
    text = (whole / "config.json").read_text()
    assert 'it has "size" twice' in with_text(whole, tmp_path, text.replace('"size": 96', '"size": 96, "size": 64'))


def test_json_that_is_nested_too_deeply_is_refused(whole, tmp_path):
    assert "nested too deeply" in with_text(whole, tmp_path, '{"training": ' + "[" * 200_000)


def test_transformers_with_different_tiles_are_refused(whole, tmp_path):
    said = with_value(whole, tmp_path, "networks.tscam.tile", 96)
    assert "the tile of all transformers must be the same number of pixels, not tscam 96, crt 64" in said


def test_transformers_with_different_patches_are_refused_when_they_are_built(tmp_path, monkeypatch):
    folder = tiny_checkpoint(tmp_path / "tiny", methods=("crt", "tscam"))
    from crt.checkpoint import load
    from crt.models.vit import TransformerBranch

    class Finer(TransformerBranch):
        @property
        def patch(self) -> int:
            return 8

    built = load.build_network

    def build(spec, classes):
        network = built(spec, classes)
        if isinstance(network, TransformerBranch) and spec.file == "tscam.safetensors":
            return Finer(network.vit, classes)
        return network

    monkeypatch.setattr(load, "build_network", build)
    with pytest.raises(InvalidCheckpoint, match=r"patches of the same number of pixels, not tscam 8, crt 16\.$"):
        load_checkpoint(folder)


@pytest.mark.parametrize("last", [6, 40])
def test_blocks_beyond_the_depth_are_refused_when_the_networks_are_built(tmp_path, last):
    folder = tiny_checkpoint(tmp_path / "tiny", methods=("crt",))
    config = read_config(folder)
    write_config(folder, dataclasses.replace(config, defaults=Defaults(size=96, blocks=(2, 5))))
    assert load_checkpoint(folder).config.defaults.blocks == (2, 5)
    write_config(folder, dataclasses.replace(config, defaults=Defaults(size=96, blocks=(2, last))))
    with pytest.raises(
        InvalidCheckpoint,
        match=rf"defaults.blocks, counted from 0, must lie .* 0 to 5, .* of crt, not \[2, {last}\]",
    ):
        load_checkpoint(folder)


def test_what_reading_would_refuse_is_not_written(tmp_path):
    good = read_config(tiny_checkpoint(tmp_path / "tiny", masks=True))
    network = good.networks["crt"]
    bad = {
        "defaults.size": dataclasses.replace(good, defaults=Defaults(size=0)),
        "networks.crt.sha256": dataclasses.replace(good, networks={"crt": dataclasses.replace(network, sha256="")}),
        "networks among": dataclasses.replace(good, networks={}),
        "relation.sha256": dataclasses.replace(good, relation=RelationSpec("relation.safetensors")),
        "segmentation.sha256": dataclasses.replace(good, segmentation=SegmentationSpec("resnet18", "a.safetensors")),
        "as JSON": dataclasses.replace(good, training={"loss": math.nan}),
        "JSON": dataclasses.replace(good, training={"path": Path("runs")}),
    }
    (tmp_path / "new").mkdir()
    for message, config in bad.items():
        with pytest.raises(InvalidCheckpoint, match=message):
            write_config(tmp_path / "new", config)
    assert not list((tmp_path / "new").iterdir())
    write_config(tmp_path / "new", good)
    assert read_config(tmp_path / "new") == good


def test_the_ranges_are_those_of_the_predictor(whole, tmp_path):
    config = read_config(whole)
    for size in (MIN_SIZE, MAX_SIZE):
        for loops in (0, MAX_LOOPS):
            InferenceConfig(size=size, loops=loops)
            write_config(tmp_path, dataclasses.replace(config, defaults=Defaults(size=size, loops=loops)))
            assert read_config(tmp_path).defaults == Defaults(size=size, loops=loops)


def test_records_are_plain_frozen_dataclasses(whole):
    config = read_config(whole)
    assert json.loads((whole / "config.json").read_text()) == json.loads(json.dumps(dataclasses.asdict(config)))
    assert isinstance(config.networks["crt"], NetworkSpec) and isinstance(config.networks["crt"].mean, tuple)
    with pytest.raises(dataclasses.FrozenInstanceError):
        cast("Any", config.defaults).size = 3
    assert tyro.cli(
        Defaults, args=["--size", "64", "--blocks", "1", "2", "--pass-reduction", "tile_normalized"]
    ) == Defaults(size=64, blocks=(1, 2), pass_reduction="tile_normalized")


@pytest.mark.parametrize("folder", EMBEDDED, ids=lambda folder: folder.name)
def test_an_embedded_config_states_the_mean_and_std_of_timm(folder):
    config = read_config(folder)
    assert isinstance(config, CheckpointConfig)
    for spec in config.networks.values():
        cfg = present(timm.get_pretrained_cfg(spec.backbone))
        assert (spec.mean, spec.std) == (cfg.mean, cfg.std)


def test_a_config_is_read_without_torch():
    program = (
        "import sys; from pathlib import Path\n"
        "import crt.checkpoint.schema\n"
        "assert not {'torch', 'timm'} & set(sys.modules), 'schema'\n"
        "from crt.checkpoint import Defaults, read_config, weights_sha256\n"
        f"config = read_config(Path({str(EMBEDDED[0])!r})); weights_sha256(config); config.defaults.attention\n"
        "assert not {'torch', 'timm'} & set(sys.modules), 'reading'\n"
        "from crt.checkpoint import load_checkpoint\n"
        "assert 'torch' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    import crt.checkpoint

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = crt.checkpoint.nothing
