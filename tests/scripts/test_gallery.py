"""The command of the gallery: what it prints, its JSON and its exit codes. `tests/app/gallery` is about the site."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scripts import gallery
from tests.helpers.in_process import run_command
from tests.helpers.tiny import tiny_checkpoint

ENDED = {"images": 2, "made": 1, "kept": 1, "removed": 0, "masks": 0, "mean_iou": None, "failed": []}
WORDS = ("images", "--checkpoint", "mine", "--out", "site")


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """The lines that the process answers; the settings that it gets are put behind them."""
    lines: list[dict[str, Any]] = []

    @contextmanager
    def pages(values: dict[str, Any]) -> Iterator[Iterator[dict[str, Any]]]:
        yield iter(lines.copy())
        lines.append(values)

    monkeypatch.setattr(gallery, "pages", pages)
    monkeypatch.chdir(tmp_path)
    return lines


def test_a_folder_becomes_a_site_and_a_damaged_image_is_an_error_at_the_end(tmp_path: Path) -> None:
    images, site = tmp_path / "images", tmp_path / "site"
    images.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(images / "a.png")
    (images / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    checkpoint = tiny_checkpoint(tmp_path / "tiny")
    words = (images, "--checkpoint", checkpoint, "--out", site, "--size", "224", "--mode", "non-overlap")
    done = run_command("scripts.gallery", *words, "--json", tmp_path / "made.json")
    assert done.returncode == 1, done.stderr
    assert done.stdout == f"{site / 'index.html'}: 1 image (1 new, 0 kept)\n"
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and errors[0].startswith("error: broken.jpg: ")
    made = json.loads((tmp_path / "made.json").read_text())
    assert (made["images"], made["made"], made["checkpoint"]) == (1, 1, "tiny")
    assert [name for name, _ in made["failed"]] == ["broken.jpg"]
    assert (site / "index.html").is_file() and len(list((site / "pages").iterdir())) == 1


def test_all_options_reach_the_process(answered: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    answered += [{"done": 1, "total": 2, "state": "kept"}, {"done": 2, "total": 2, "state": "made"}, {"result": ENDED}]
    options = ("--masks", "masks", "--size", "448", "--mode", "bilinear", "--title", "Mine", "--device", "cpu")
    options += ("--cams", "Grad-CAM=runs/a=b", "--cams", "Mine=c")
    assert gallery.main([*WORDS, *options, "--precision", "fp32", "--json", "made.json"]) == 0
    assert answered[-1] == {
        "folder": Path("images"),
        "checkpoint": "mine",
        "out": Path("site"),
        "masks": Path("masks"),
        "cams": [("Grad-CAM", "runs/a=b"), ("Mine", "c")],
        "size": "448",
        "mode": "bilinear",
        "title": "Mine",
        "device": "cpu",
        "precision": "fp32",
    }
    assert capsys.readouterr().out == f"{Path('site/index.html')}: 2 images (1 new, 1 kept)\n"
    made = json.loads(Path("made.json").read_text())
    cams = [["Grad-CAM", "runs/a=b"], ["Mine", "c"]]
    assert made == {**answered[-1], "folder": "images", "out": "site", "masks": "masks", "cams": cams, **ENDED}


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ({"error": "There is no image.", "usage": False}, 1, "error: There is no image.\n"),
        ({"error": "Choose overlap.", "usage": True}, 2, "error: Choose overlap.\n"),
        ({"errno": errno.ENOSPC, "filename": "/site/a"}, 1, "error: /site/a cannot be used (No space left on device)"),
        (None, 1, "error: The pages could not be made"),
    ],
)
def test_an_error_of_the_process_is_one_line_and_a_code(
    answered: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], line: dict | None, code: int, told: str
) -> None:
    answered += [line] if line else []
    assert gallery.main(WORDS) == code
    assert told in capsys.readouterr().err


def test_what_was_removed_and_the_mean_iou_are_in_the_summary(
    answered: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    answered.append({"result": {**ENDED, "removed": 3, "mean_iou": 0.25, "failed": [["b.jpg", "This file is empty."]]}})
    assert gallery.main(WORDS) == 1
    out, err = capsys.readouterr()
    assert out.endswith(": 2 images (1 new, 1 kept, 3 removed), mean IoU 0.250\n")
    assert err.endswith("error: b.jpg: This file is empty.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("images",),
        (*WORDS, "--size", "300"),
        (*WORDS, "--mode", "nonsense"),
        *((*WORDS, "--cams", text) for text in ("folder", "=folder", "name=", " =folder", f"{'x' * 61}=folder")),
        (*WORDS, "--cams", "a=b", "--cams", "a=c"),
    ],
)
def test_wrong_options_are_wrong_usage(answered: list[dict[str, Any]], words: tuple[str, ...]) -> None:
    assert gallery.main(words) == 2
    assert answered == []


def test_the_process_is_ended_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that goes on for a minute, although what reads its lines has stopped."""
    code = "import sys, time; sys.stdin.read(); print('{}', flush=True); time.sleep(60)"
    started = gallery.subprocess.Popen
    processes = []

    def start(_words: list[str], **options: Any) -> Any:
        processes.append(started([sys.executable, "-c", code], **options))
        return processes[0]

    monkeypatch.setattr(gallery.subprocess, "Popen", start)

    def interrupted() -> None:
        with gallery.pages({}) as lines:
            assert next(lines) == {}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert processes[0].poll() is not None
