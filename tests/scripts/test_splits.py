"""The lists of image ids: their form, and that every split that was measured or trained on has one of its length."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crt.checkpoint import read_config

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "splits"
DATA = {"VOC2012": "voc2012", "VOC2007": "voc2007", "CUB_200_2011": "cub"}
FORMS = {"voc2012": r"20\d\d_\d{6}", "voc2007": r"\d{6}", "cub": r"\d{1,5}"}


def ids(name: str) -> list[str]:
    """The lines of a list, which must be there."""
    return (FOLDER / f"{name}.txt").read_text(encoding="ascii").splitlines()


def records(value: Any) -> Iterator[dict]:
    """All JSON objects in a value."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from records(part)


def lists_of(data: dict) -> list[str]:
    """The lists of the images that a training record names, as roots and splits or as ROOT:SPLIT,SPLIT."""
    found = []
    for root in data["roots"]:
        name, _, splits = root.partition(":")
        found += [f"{DATA[name]}_{split}" for split in (splits.split(",") if splits else data["splits"])]
    return found


def measured() -> list[tuple[str, str, int | None]]:
    """Result, list, and how many images were measured where it was all of them, for every split in the results."""
    found = []
    for path in sorted((ROOT / "results").glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        protocol = result.get("protocol")
        if protocol is None:
            continue
        root = re.search(r"--root (\S+)", protocol["command"])
        assert root is not None, path
        data = DATA[root[1]]
        if "split" in protocol:
            whole = protocol["stride"] == 1
            found.append((path.name, f"{data}_{protocol['split']}", result.get("images") if whole else None))
        for stage in result.get("stages", ()):
            name = f"{data}_{stage['split']}" + ("_animals" if stage["measure"] == "animals" else "")
            found.append((path.name, name, stage["images"]))
        if "eval_split" in protocol:
            count = {row["images"] for row in result["rows"] if row["mode"] == "overlap"}
            animals = ids(f"{data}_{protocol['eval_split']}_animals")[:: protocol["stride"]]
            assert count == {len(animals)}, path
        for record in records(result):
            if "roots" in record:
                found += [(path.name, name, None) for name in lists_of(record)]
    return sorted(set(found), key=str)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_a_list_is_sorted_has_each_id_once_and_ids_of_one_form(path):
    found = ids(path.stem)
    data, _, split = path.stem.partition("_")
    assert split and found and all(re.fullmatch(FORMS[data], one) for one in found)
    assert found == sorted(set(found), key=int if data == "cub" else str)
    assert path.read_text().endswith("\n")


def test_every_split_of_a_result_has_its_list_of_its_length():
    reported = measured()
    assert {name for name, *_ in reported} >= {"ablation.json", "cub_test.json", "pipeline.json"}
    for result, name, count in reported:
        assert (FOLDER / f"{name}.txt").is_file(), f"{result} names {name}, which has no list"
        assert count is None or count == len(ids(name)), (result, name)


def test_every_training_of_a_checkpoint_has_the_lists_of_its_images():
    for path in (ROOT / "checkpoints").glob("*/config.json"):
        for record in read_config(path.parent).training.values():
            if "data" in record.get("config", {}):
                names = lists_of(record["config"]["data"])
                assert len({one for name in names for one in ids(name)}) == record["images"], path


def test_no_image_is_trained_on_and_measured():
    for one, other in (("voc2012_train_aug", "voc2012_val"), ("voc2012_train_extra", "voc2012_val"),
                       ("voc2007_train", "voc2007_val"), ("cub_train", "cub_test")):  # fmt: skip
        assert not set(ids(one)) & set(ids(other))
    assert set(ids("voc2012_train_animals")) <= set(ids("voc2012_train")) <= set(ids("voc2012_train_aug"))
    assert set(ids("voc2012_val_animals")) <= set(ids("voc2012_val"))


def test_the_readme_describes_every_kind_of_list():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{data}_*.txt`" in text for data in {path.stem.partition("_")[0] for path in FOLDER.glob("*.txt")})
