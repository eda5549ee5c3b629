"""Many users at once, in little: each is answered or refused as busy, and a restart is survived."""

import json
import re
from pathlib import Path

import pytest

from crt.errors import InvalidSetting
from scripts.loadtest.run import _flatness, _settled, checkpoint_of, commit_of, load, ratios
from scripts.loadtest.users import BROWSER, LOST, Load, is_busy, write_images
from scripts.provenance import ROOT
from tests.browser.driver import CHROMIUM
from tests.helpers.tiny import tiny_checkpoint


@pytest.mark.nightly
def test_users_are_answered_and_survive_a_restart(tmp_path):
    shipped = str(tiny_checkpoint(tmp_path / "tiny"))
    file = tmp_path / "load.json"
    config = Load(
        users=4, minutes=1.5, checkpoint=shipped, thought=0.3, browser=CHROMIUM is not None, restart=True, json=file
    )
    result = load(config)
    assert json.loads(file.read_text()) == result
    assert result["errors"] == {} and (BROWSER in result["load"]) == config.browser
    assert all(row["answers"] > 0 and 0 < row["p50_s"] <= row["p95_s"] for row in result["load"].values())
    assert result["connections_lost"] >= 1  # by the restart
    assert result["connections_recovered"] >= 1
    assert result["memory_mib"]["median"] > 100 and {"version", "commit"} <= result.keys()
    assert 0 < result["without_cache_mib"]["median"] < result["memory_mib"]["median"]
    assert 0 < result["cache_mib"]["max"] <= result["cache_mib"]["limit"]


@pytest.mark.nightly
def test_a_full_queue_is_busy_and_no_error(tmp_path):
    shipped = str(tiny_checkpoint(tmp_path / "tiny"))
    config = Load(users=10, images=200, minutes=0.15, checkpoint=shipped, thought=0, browser=False, queue_size=1)
    result = load(config)  # so many images that few are requested twice
    assert BROWSER not in result["load"] and result["command"].endswith("--no-browser")
    assert result["busy"] > 0 and result["errors"] == {} and result["connections_lost"] == 0


def page_message(name: str) -> str:
    """A constant of the module of the page that words what becomes of a request."""
    source = (ROOT / "app/viewer/core/gradio_queue.mjs").read_text(encoding="utf-8")
    (text,) = re.findall(rf"^(?:export )?const {name} = '(.+)';$", source, re.MULTILINE)
    return text


def test_the_messages_of_a_busy_page_are_no_errors():
    for message in (
        page_message("BUSY"),
        "Rate limit reached; try again in 7 s.",  # app/server/hosting.py
        "Queue is full. Max size is 8.",  # Gradio
    ):
        assert is_busy(message), message
    lost = page_message("NO_CONNECTION")
    assert not is_busy(lost) and any(word in lost.lower() for word in LOST)
    assert not is_busy("This file is not an image: choose another.")


def test_memory_is_judged_once_it_has_settled():
    assert _flatness(_settled([1.0, *[100.0] * 8, 110.0])) == {
        "median": 100,
        "min": 100,
        "max": 110,
        "spread_percent": 10.0,
    }


@pytest.mark.nightly
def test_another_version_is_loaded_in_turns_with_this_one(tmp_path):
    shipped = str(tiny_checkpoint(tmp_path / "tiny"))
    result = load(Load(users=3, minutes=0.15, checkpoint=shipped, thought=0.1, browser=False, against=ROOT, rounds=2))
    other = result["against"]
    assert result["all"]["answers"] > 0 < other["all"]["answers"] and set(other["load"]) == set(result["load"])
    assert set(result["ratio"]) == {"answers", "p95_s", "busy"} and result["ratio"]["answers"] > 0
    assert result["errors"] == other["errors"] == {} and result["rounds"] == 2


def test_each_version_takes_its_own_bundled_checkpoint(tmp_path):
    own = tmp_path / "checkpoints" / "voc"
    own.mkdir(parents=True)
    assert checkpoint_of("voc", tmp_path) == str(own)
    assert checkpoint_of("voc", tmp_path / "without") == checkpoint_of("voc", ROOT) == str(ROOT / "checkpoints/voc")
    assert checkpoint_of(str(tmp_path), ROOT) == str(tmp_path) and checkpoint_of("user/name", ROOT) == "user/name"


def test_ratios_are_of_this_version_to_the_other():
    ours = {"all": {"answers": 30, "p95_s": 2.0}, "busy": 0}
    theirs = {"all": {"answers": 10, "p95_s": 5.0}, "busy": 4}
    assert ratios(ours, theirs) == {"answers": 3.0, "p95_s": 0.4, "busy": 0.0}
    assert ratios(ours, {"all": {"answers": 0}, "busy": 0}) == {"answers": None, "p95_s": None, "busy": None}


def test_the_commit_of_a_folder_without_git_is_empty(tmp_path):
    assert commit_of(tmp_path / "nothing") == ""


def test_the_other_version_needs_an_app(tmp_path):
    with pytest.raises(InvalidSetting, match=r"no app\.py"):
        load(Load(against=tmp_path))
    with pytest.raises(InvalidSetting, match="at least one round"):
        Load(rounds=0)


@pytest.mark.parametrize("wrong", [{"users": 0}, {"images": 0}, {"minutes": 0.0}])
def test_a_load_needs_users_images_and_time(wrong):
    with pytest.raises(InvalidSetting, match="at least one user, one image and some time"):
        Load(**wrong)


def test_the_images_are_all_different(tmp_path):
    images = write_images(tmp_path, 0, 15)
    assert len({Path(image).read_bytes() for image in images}) == 15
