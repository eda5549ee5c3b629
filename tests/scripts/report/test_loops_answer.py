"""Whether loops help at test is said of the numbers of the evaluations."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from crt.checkpoint import CheckpointConfig, Defaults, read_config, weights_sha256
from crt.data import VOC_CLASSES
from scripts.report.base import NOT_RECORDED, Section
from scripts.report.chosen_on import FACT, chosen_on
from scripts.report.first_sections import first_sections
from scripts.report.loops_answer import ANSWER_TITLE, loops_section
from scripts.report.overview import overview
from scripts.report.pages import compose
from scripts.report.sections import Measured, read_measured
from tests.helpers.tables import as_dict

ROOT = Path(__file__).resolve().parents[3]
VOC = read_config(ROOT / "checkpoints/voc")


def evaluation(best: dict[str, float], fixed: dict[str, float], split: str = "val", **thresholds: float) -> Measured:
    """CRT's rows by the end of their name after `crt_loops_`."""
    methods = {
        f"crt_loops_{name}": {
            "miou_best": value,
            "miou_at_0.15": fixed[name],
            "threshold_best": thresholds.get(f"at_{name}", 0.2),
            "per_class": dict.fromkeys(("background", *VOC_CLASSES), 1.0),
        }
        for name, value in best.items()
    }
    result: dict[str, Any] = {"protocol": {"split": split}, "methods": methods}
    command = f"python -m scripts.evaluate seeds --root VOC2012 --split {split}"
    return Measured("methods", result, Section("x", command=command, weights_sha256=weights_sha256(VOC)))


def test_loops_that_raise_the_miou_are_named() -> None:
    best = {"0": 50.0, "1": 49.0, "2": 51.0, "2_last": 49.9}
    (section,) = loops_section([evaluation(best, best)], "c", {})
    assert section.title == ANSWER_TITLE and section.command == "c"
    assert section.tables[0].rows == (
        ("val, VOC-21", "sum over passes", "best", "50.0", "49.0", "51.0", "+1.0"),
        ("val, VOC-21", "sum over passes", "0.15", "50.0", "49.0", "51.0", "+1.0"),
        ("val, VOC-21", "last pass", "best", "50.0", "–", "49.9", "-0.1"),
        ("val, VOC-21", "last pass", "0.15", "50.0", "–", "49.9", "-0.1"),
    )
    first, *others = section.sentences
    assert first.endswith("loops raise the mIoU on val (sum over passes), and in no other row.")
    assert not any("fixed" in sentence for sentence in others) and "method.md#4" in others[0]


def test_a_gain_at_the_fixed_threshold_alone_is_told_from_one_at_the_best() -> None:
    best, fixed = {"0_unrefined": 50.0, "2_unrefined": 50.04}, {"0_unrefined": 40.0, "2_unrefined": 45.0}
    (section,) = loops_section([evaluation(best, fixed, at_0_unrefined=0.3, at_2_unrefined=0.2)], "c", {})
    assert section.sentences[0].endswith("loops raise the mIoU in no row.")
    assert section.sentences[1:3] == (
        "At the fixed threshold alone they raise it on val (unrefined).",
        "There the best threshold falls with the loops, towards the fixed one.",
    )
    (section,) = loops_section([evaluation(best, fixed, at_0_unrefined=0.2, at_2_unrefined=0.3)], "c", {})
    assert not any("falls" in sentence for sentence in section.sentences)


def test_without_loops_there_is_no_section() -> None:
    assert loops_section([evaluation({"0": 1.0}, {"0": 1.0})], "c", {}) == []
    assert loops_section([Measured("rows", {}, Section("x"))], "c", {}) == []


def test_the_images_that_chose_the_loop_count_are_named() -> None:
    values = {"0": 1.0, "2": 1.0}
    found = [evaluation(values, values, split) for split in ("val", "train_animals")]
    (section,) = loops_section(found, "c", {"voc": VOC})
    said = "The default loop count of `voc` was chosen on VOC2012 train_animals."
    assert [one for one in section.sentences if "default loop count" in one] == [said]
    (section,) = loops_section(found[:1], "c", {"voc": VOC})
    assert said not in section.sentences


def with_choice(text: str | None) -> CheckpointConfig:
    return dataclasses.replace(VOC, training={} if text is None else {"defaults": {"chosen_on": text}})


def test_a_result_on_the_images_that_chose_the_defaults_says_so() -> None:
    animals, train = (evaluation({}, {}, split) for split in ("train_animals", "train"))
    text = "VOC2012 train_animals, 437 images"
    assert chosen_on(animals, with_choice(text)) == text
    assert chosen_on(train, with_choice(text)) == f"{text}, which are among those of train"
    assert chosen_on(evaluation({}, {}, "val"), with_choice(text)) is None
    assert chosen_on(animals, with_choice("VOC2007 train_animals")) is None
    assert chosen_on(animals, with_choice("own images")) is None
    assert chosen_on(animals, with_choice(None)) == NOT_RECORDED
    stages = {"stages": [{"split": "train"}, {"split": "val"}]}
    pipeline = Measured("stages", stages, Section("x", command="python -m x --root VOC2012 --out pipe"))
    assert chosen_on(pipeline, with_choice(text)) == f"{text}, which are among those of train"
    assert chosen_on(Measured("classification", {}, Section("x")), with_choice(None)) is None


def test_the_set_up_of_a_section_names_them() -> None:
    checkpoints = {name: read_config(ROOT / "checkpoints" / name) for name in ("cub", "voc")}
    found = read_measured(ROOT / "results", VOC.defaults)
    made = compose(found, VOC.defaults, checkpoints, ROOT / "checkpoints")
    facts = {one.title: as_dict(one.tables[-1]).get(FACT) for one in made.sections if one.page == "results"}
    assert facts["Seeds on val, VOC-21, 1 scale and flips"] is None
    assert facts["Seeds on train_animals, animals, 1 scale and flips"] == "VOC2012 train_animals, 437 images"
    about = overview(found, VOC.defaults, checkpoints)
    assert ANSWER_TITLE in [one.title for one in first_sections(found, about, Defaults(), checkpoints)]
