"""Hostile files: each is read, or refused in one plain sentence, by the library and by the page."""

import json
import resource
import time
from pathlib import Path

import numpy as np
import pytest

from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.decoded import read
from app.core.engine import Engine
from app.core.messages import INTERNAL_ERROR
from crt.data.images import load_image
from crt.errors import InvalidImage, InvalidSetting
from scripts.fuzz.corpus import UNSAFE_NAMES, CorpusConfig, corpus, write_corpus
from tests.helpers.tiny import tiny_checkpoint

SECONDS = 10.0  # of this process; nothing here needs one


@pytest.fixture(scope="module")
def files() -> list[tuple[str, str, bytes]]:
    return list(corpus())


def outcome(data: bytes) -> str:
    """`read`, or the sentence of the refusal."""
    try:
        image = load_image(data)
    except InvalidImage as error:
        return str(error)
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and 0 not in image.shape
    return "read"


def test_there_are_hundreds_of_every_kind_and_the_same_every_time(files):
    kinds = {kind for kind, _, _ in files}
    assert len(files) >= 300
    assert kinds == {"whole", "cut off", "changed bytes", "twice", "zeros behind", "size", "false header", "bomb",
                     "metadata", "foreign", "name"}  # fmt: skip
    assert [(name, data) for _, name, data in corpus()] == [(name, data) for _, name, data in files]


def test_each_is_read_or_refused_in_one_sentence(files):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for kind, name, data in files:
        began = time.process_time()
        reason = outcome(data)
        assert time.process_time() - began < SECONDS, (kind, name)
        if reason != "read":
            assert 10 < len(reason) < 250 and "\n" not in reason and "Traceback" not in reason, (kind, name, reason)
        if kind in ("name", "size", "twice", "zeros behind"):
            assert reason == "read", (name, reason)
        if kind == "whole" and name != "nan.tif":
            assert reason == "read", (name, reason)
        if kind == "foreign" and not name.startswith(("polyglot.jpg", "icon")):
            assert reason != "read", name
        if kind == "bomb" and name.startswith("20000"):
            assert reason != "read", name
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 1200, f"{grown:.0f} MiB for files of a few kilobytes"


def test_the_page_answers_each_with_maps_or_a_sentence(files, tmp_path):
    explorer = Explorer(Engine(str(tiny_checkpoint(tmp_path / "tiny"))), PredictionCache(10**8), {})
    shown = 0
    for index, (kind, name, data) in enumerate(files):
        if kind in ("changed bytes", "cut off") and index % 3:
            continue  # the test above has read them all
        path = tmp_path / f"{index}.upload"
        path.write_bytes(data)
        value = explorer.payload(str(path), "224", "overlap", "session")
        if isinstance(value, tuple):
            shown += 1
            continue
        assert value["message"] != INTERNAL_ERROR, (kind, name)  # that would be an error of ours
        assert str(tmp_path) not in value["message"] and "\n" not in value["message"]
    assert shown > 80
    with pytest.raises(InvalidImage):
        read(str(tmp_path / "gone"))


def test_the_files_are_written_with_names_that_a_disk_takes(tmp_path):
    kinds = write_corpus(CorpusConfig(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "kinds.json").read_text()) == kinds
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*kinds, "kinds.json"}
    assert sum(kind == "name" for kind in kinds.values()) == len(UNSAFE_NAMES)
    assert not list(Path(tmp_path).glob("*.png"))  # no name has led outside
    with pytest.raises(InvalidSetting, match="not empty"):
        write_corpus(CorpusConfig(tmp_path / "out"))
