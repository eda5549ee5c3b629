"""Requests of the page: each is answered about the run whose maps are on the page, or refused."""

from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from app.cli import AppConfig
from app.core.analysis import Explorer
from app.core.decoded import fingerprint
from app.core.messages import message_payload
from app.core.turns import QueueFull
from app.page import build
from app.rpc import CheckpointChanged, refusal
from crt.errors import InvalidCheckpoint, InvalidImage, InvalidSetting
from tests.helpers.tiny import tiny_checkpoint

CHANGED = "The maps are of the image before: wait for those of the new one, or choose it again."


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> gr.Blocks:
    return build(AppConfig(checkpoint=str(tiny_checkpoint(tmp_path_factory.mktemp("rpc") / "tiny"))))


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> list[tuple[str, str]]:
    """Two images: path and fingerprint."""
    folder, found = tmp_path_factory.mktemp("images"), []
    for seed in range(2):
        pixels = np.random.default_rng(seed).integers(0, 256, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
        found.append((str(folder / f"{seed}.png"), fingerprint(pixels)))
    return found


def ask(demo: gr.Blocks, event: str, path: str, fields: tuple[str, ...] = ("224", "overlap"), **details) -> dict:
    """The last answer to an event of the viewer, as the page sends it."""
    listener = next(fn.fn for fn in demo.fns.values() if fn.fn and any(name == event for _, name in fn.targets))
    data = gr.EventData(None, {"request": "k1", **details})
    if event == "keep":
        return listener(data, path)["keep_answer"]
    update = listener(data, path, *fields, gr.Request(session_hash=Path(path).stem))
    return (update if isinstance(update, dict) else list(update)[-1])[f"{event}_answer"]


@pytest.mark.parametrize(
    "event",
    ["ablate", "inspect", "load_heads", "explain", "segment", "walk", "deeplab", "faithfulness", "export", "keep"],
)
def test_a_request_about_another_image_than_the_upload_is_refused_before_any_run(demo, images, event, monkeypatch):
    (_, shown), (upload, _) = images
    monkeypatch.setattr(Explorer, "analyze", lambda *args, **keywords: pytest.fail("the networks ran"))
    answer = ask(demo, event, upload, shown={"image": shown, "size": "224", "mode": "overlap"}, method="crt", x=0, y=0)
    assert answer["error"] == CHANGED
    assert answer["request"] == "k1"


@pytest.mark.parametrize("shown", [{}, {"image": None}, {"image": ["a"]}, {"image": "../a"}])
def test_a_run_without_a_readable_image_is_no_run_of_the_upload(demo, images, shown):
    assert ask(demo, "inspect", images[0][0], shown=shown)["error"] == CHANGED


def test_the_size_and_mode_of_the_maps_count_not_those_of_the_fields(demo, images):
    path, image = images[0]
    shown = {"image": image, "size": "448", "mode": "bilinear"}
    patch = {"method": "crt", "x": 0.9, "y": 0.9}
    about_maps = ask(demo, "inspect", path, shown=shown, **patch)
    same_fields = ask(demo, "inspect", path, ("448", "bilinear"), **patch)
    other_fields = ask(demo, "inspect", path, **patch)
    assert [answer["cell"] for answer in (about_maps, same_fields)] == [same_fields["cell"]] * 2
    assert other_fields["cell"] != about_maps["cell"]


def test_sizes_and_modes_from_the_browser_are_not_believed(demo, images):
    path, image = images[0]
    for wrong in ({"size": ["224"]}, {"size": "9999"}, {"mode": {"a": 1}}, {"mode": None}):
        answer = ask(demo, "inspect", path, shown={"image": image, **wrong}, method="crt", x=0, y=0)
        assert answer["error"].startswith("Unknown "), wrong


def test_a_link_keeps_the_image_of_its_maps(demo, images):
    path, image = images[0]
    assert ask(demo, "keep", path, shown={"image": image})["pic"] == f"sha.{image[:32]}"


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (InvalidSetting("a"), True),
        (InvalidImage("a"), True),
        (InvalidCheckpoint("a"), True),
        (QueueFull("a"), False),
        (CheckpointChanged("a"), False),
        (OSError("a"), False),
    ],
)
def test_what_would_be_refused_again_is_marked(error, final):
    assert refusal("inspect", {}, error)["inspect_answer"]["final"] is final
    assert message_payload(error)["final"] is final
