"""One schema of the settings: store, links, scenes, exports and controls have what it declares."""

import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.requests.settings import SETTINGS, Setting, read_group
from app.viewer import schema
from crt.errors import InvalidSetting

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "tests" / "viewer" / "settings_round_trip.mjs"


def samples(setting: Setting) -> list[Any]:
    """Values that a setting may have: all of a choice, the ends of a number and what lies between, and null."""
    names, first = list(setting.names), next(iter(setting.names), "")
    found: dict[str, list[Any]] = {
        "flag": [True, False],
        "choice": names,
        "panels": [{name: name in shown for name in names} for shown in ([], names[:2], names)],
        "side": [
            *({"method": name} for name in names),
            {"method": first, "loops": 2},
            {"method": first, "refined": False},
            {"method": first, "loops": 0, "refined": True},
            {"method": first, "class": "a.b~c, d"},
            {"method": first, "loops": 2, "refined": True, "class": "-"},
        ],
        "added_panel": [
            {"kind": "attention", "method": first, "pass": 0, "block": 3, "head": None},
            {"kind": "attention", "method": first, "pass": None, "block": 0, "head": 2},
            {"kind": "explainer", "method": first, "name": "gradcam"},
        ],
        "classes": [[0]],
        "drawn": [{"a": []}],
    }
    if setting.low is not None and setting.high is not None:
        middle = (setting.low + setting.high) / 2
        whole, ends = setting.type != "number", [int(setting.low), int(setting.high)]
        found |= {"whole": [*ends, int(middle)], "number": [setting.low, setting.high, middle]}
        found["blocks"] = [ends, [2, 11]] if whole else []
    return found[setting.type] + [None] * setting.none


CASES = [(setting, value) for setting in SETTINGS for value in samples(setting)]


def test_the_page_has_this_schema():
    assert schema.OUTPUT.read_text(encoding="utf-8") == schema.module(), "run python -m app.viewer.schema"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_every_setting_comes_back_from_link_scene_and_export(tmp_path):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([{"path": setting.path, "value": value} for setting, value in CASES]))
    done = subprocess.run(["node", str(SCRIPT), str(path)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for (setting, value), back in zip(CASES, json.loads(done.stdout), strict=True):
        if setting.key:
            assert back["link"] == back["scene"] == value, setting.path
        else:
            assert back["link"] == back["scene"] == "missing", setting.path
            assert setting.unlinked
        if setting.export:
            group = back["details"]
            for name in filter(None, setting.group.split(".")):
                group = group[name]
            found = read_group(group, setting.group)[setting.path]
            assert (list(found) if isinstance(found, tuple) else found) == value, setting.path


def test_places_and_keys_are_unique_and_defaults_allowed():
    for names in ([one.path for one in SETTINGS], *([getattr(one, name) for one in SETTINGS if getattr(one, name)]
                                                     for name in ("key", "export"))):  # fmt: skip
        assert len(set(names)) == len(names)
    for setting in SETTINGS:
        assert bool(setting.key) != bool(setting.unlinked), setting.path
        if setting.default is not None and setting.low is not None and setting.high is not None:
            assert setting.low <= setting.default <= setting.high, setting.path
            if setting.slider:
                assert setting.low <= setting.slider[0] <= setting.default <= setting.slider[1] <= setting.high
        if setting.type == "choice" and setting.default is not None:
            assert setting.default in setting.names
        assert set(setting.former.values()) <= set(setting.names)


def test_what_is_personal_is_so_as_a_whole():
    for _, group in itertools.groupby(SETTINGS, lambda one: one.path.split(".")[0]):
        assert len({one.personal for one in group}) == 1


@pytest.mark.parametrize("setting", [one for one in SETTINGS if one.export], ids=lambda one: one.path)
def test_an_export_refuses_what_a_setting_cannot_be(setting):
    name = setting.export.rpartition(".")[2]
    if setting.type == "flag":
        assert setting.read({name: "yes"}) is False
        return
    wrong = ["evil", [], {}, 1e12, -1e12, float("nan"), *([] if setting.none else [None])]
    for value in wrong:
        with pytest.raises(InvalidSetting):
            setting.read({name: value})
