"""Links on the server: whom their images are kept for, and the answers to the page."""

import io
import json
import re
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from app.cli import AppConfig
from app.core.decoded import fingerprint
from app.core.image_store import KEY_LENGTH
from app.core.input_sizes import NATIVE, SIZES
from app.page import build
from app.viewer.files import HERE
from crt.models.tiles import MODES
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint


def test_the_browser_has_the_same_sizes_and_modes():
    text = (HERE / "permalink" / "query.mjs").read_text()
    for name, wanted in (("SIZES", [*map(str, SIZES), NATIVE]), ("MODES", list(MODES))):
        found = re.search(rf"export const {name} = (\[.*?\]);", text)
        assert found
        assert json.loads(found[1].replace("'", '"')) == wanted


# The events, as the page sends them


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tiny_checkpoint(tmp_path_factory.mktemp("link") / "tiny")
    return build(AppConfig(checkpoint=str(folder)))


class Visitor:
    """One session of the page: an image file, and the listeners of links."""

    def __init__(self, demo: gr.Blocks, name: str, image: Path | None = None) -> None:
        found = [fn.fn for fn in demo.fns.values() if fn.fn is not None]
        self.listeners = {fn.__name__: fn for fn in found if fn.__module__ == "app.features.permalinks"}
        self.request = gr.Request(session_hash=name)
        self.image = image

    def send(self, listener: str = "reopen", **details) -> tuple[dict, list]:
        """The answer to the page (with `value`, the header of the maps), and what the other outputs became."""
        event = gr.EventData(None, {"request": "k1", **details})
        path = str(self.image) if self.image else None
        viewer, *others = self.listeners[listener](event, path, self.request)
        value = viewer.get("value")
        return viewer[f"{listener}_answer"] | {"value": value[0] if value else None}, others

    def keep(self) -> dict:
        """The answer to a copied link."""
        event = gr.EventData(None, {"request": "k1"})
        return self.listeners["keep"](event, str(self.image) if self.image else None)["keep_answer"]


def photo(seed: int = 0) -> tuple[bytes, str]:
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((120, 90), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue(), fingerprint(np.asarray(image))[:KEY_LENGTH]


def fields(outputs: list) -> list:
    """What size, mode and checkpoint become."""
    return [value["value"] if isinstance(value, dict) else value for value in outputs[1:4]]


def skipped(value) -> bool:
    return value == gr.skip()


def test_an_image_is_found_by_others_only_after_its_owner_made_a_link(demo, tmp_path):
    data, key = photo()
    owner, friend = Visitor(demo, "owner", tmp_path / "owner.png"), Visitor(demo, "friend")
    (tmp_path / "owner.png").write_bytes(data)
    link = {"act": "show", "pic": f"sha.{key}", "size": "224", "mode": "non-overlap"}
    got, outputs = friend.send(**link)
    assert got["state"] == "gone"
    assert "no longer on the server" in got["message"]
    assert fields(outputs) == ["224", "non-overlap", "tiny"]  # the settings stay for the next image
    assert skipped(outputs[0])
    kept = owner.keep()
    assert (kept["pic"], kept["request"]) == (f"sha.{key}", "k1")
    got, outputs = friend.send(**link)
    assert got["state"] == "running"
    assert Path(outputs[0]).read_bytes() == data
    assert fields(outputs) == ["224", "non-overlap", "tiny"]
    assert "owner" not in outputs[0]  # and its name is not sent


def test_the_image_on_the_page_needs_no_store(demo, tmp_path):
    data, key = photo(1)
    visitor = Visitor(demo, "me", tmp_path / "mine.png")
    (tmp_path / "mine.png").write_bytes(data)
    for pic in ("", f"sha.{key}"):
        asked = {"act": "show", "pic": pic, "size": "448" if pic else "224", "mode": "overlap"}
        got, outputs = visitor.send(**asked)
        assert got["state"] == "run"
        assert all(map(skipped, outputs))
        got, outputs = visitor.send("reopen_run", **asked)
        assert got["state"] == "shown"
        assert got["value"]["chosen"] == {"size": asked["size"], "mode": "overlap", "checkpoint": ""}
        assert got["value"]["imageId"].startswith(key)
        assert fields([None, *outputs]) == [asked["size"], "overlap", "tiny"]
        assert visitor.send(**asked)[0]["state"] == "shown"  # the session has seen it now
    gone, outputs = visitor.send(act="show", pic="sha." + "0" * 32, size="672")
    assert gone["state"] == "gone"
    assert all(map(skipped, outputs))  # the image on the page keeps its size


def test_maps_are_fetched_without_changing_the_page(demo):
    visitor = Visitor(demo, "fetches")
    asked = {"act": "fetch", "pic": "ex.cat", "size": "224", "mode": "bilinear"}
    got, outputs = visitor.send(**asked)
    assert got["state"] == "run"
    got, more = visitor.send("reopen_run", **asked)
    assert got["state"] == "fetched"
    assert got["view"]["example"] == "cat"
    assert got["view"]["chosen"] == {"size": "224", "mode": "bilinear", "checkpoint": ""}
    assert ("data" in got["view"]) != ("file" in got["view"])
    assert got["value"] is None
    assert all(map(skipped, [*outputs, *more]))


def test_a_link_names_another_checkpoint_than_the_first(tmp_path):
    other = tiny_checkpoint(tmp_path / "other", name="birds & bees", classes=("Ani", "Auklet"), seed=5)
    two = build(AppConfig(checkpoint=str(tiny_checkpoint(tmp_path / "tiny")), extra_checkpoints=(str(other),)))
    bare, waiting = Visitor(two, "bare").send(act="show", checkpoint="birds & bees")  # a link to settings alone
    assert (bare["state"], bare["message"]) == ("gone", "")
    assert fields(waiting) == ["336", "overlap", "birds & bees"] and skipped(waiting[0])
    visitor = Visitor(two, "reader")
    asked = {"act": "show", "pic": "ex.cat", "size": "224", "checkpoint": "birds & bees"}
    got, outputs = visitor.send(**asked)
    assert got["state"] == "running"
    visitor.image = outputs[0]
    got, outputs = visitor.send("reopen_run", **asked)
    assert got["state"] == "shown" and got["value"]["classes"] == ["Ani", "Auklet"]
    assert got["value"]["chosen"]["checkpoint"] == "birds & bees"
    assert fields([None, *outputs]) == ["224", "overlap", "birds & bees"]
    assert visitor.send(**asked)[0]["state"] == "shown"  # seen, and kept apart from the maps of the first
    assert visitor.send(**{**asked, "checkpoint": ""})[0]["state"] == "run"
    unknown, _ = visitor.send(**{**asked, "checkpoint": "unknown"})
    assert "choose among tiny, birds & bees" in unknown["error"]


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"act": "show", "pic": "ex.unicorn"}, "no such example"),
        ({"act": "show", "pic": "../../etc/passwd"}, "names no image"),
        ({"act": "fetch"}, "There is no image"),
        ({"act": "show", "pic": "ex.cat", "size": "${evil}"}, "not offered"),
        ({"act": None}, "Invalid request"),
    ],
)
def test_invalid_values_get_one_sentence(demo, details, reason):
    got, _ = Visitor(demo, "unknown").send(**details)
    assert ("error" in got) != (got.get("state") == "gone")
    sentence = present(got.get("error", got.get("message")))
    assert reason in sentence
    assert "/" not in sentence
    assert "Traceback" not in sentence


def test_a_link_without_an_image_keeps_none(demo):
    assert "no image to keep" in Visitor(demo, "unknown").keep()["error"]
