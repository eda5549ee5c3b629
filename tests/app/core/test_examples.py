"""The sentences under the examples: each is held against the stored Prediction and the mask drawn over the image."""

import json
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.core.examples import EXAMPLES_FOLDER, shipped
from crt.checkpoint import Method, read_config, weights_sha256
from crt.models.outputs import VitOutputs
from crt.prediction import Prediction
from scripts.dev.examples import SOURCES
from tests.app.viewer.test_viewer import ROOT

GRID = 320  # points along the longer side, as the viewer measures IoU
THRESHOLD = 0.15
BY_ID = {one.id: one for one in shipped()}


def stored(name: str) -> Prediction:
    """The Prediction of an example, which the app shows only if it is of the shipped checkpoint."""
    path = BY_ID[name].prediction
    assert path is not None
    prediction = Prediction.load(path)
    own = weights_sha256(read_config(ROOT / "checkpoints/voc"))
    assert prediction.provenance["checkpoint_sha256"] == own, "run scripts.dev.examples"
    return prediction


class Seen:
    """Maps of the labelled class of an example at the threshold, against its mask."""

    def __init__(self, name: str) -> None:
        self.prediction = stored(name)
        (mask,) = BY_ID[name].masks
        self.index = self.prediction.classes.index(mask["label"])
        height, width = self.prediction.source
        longer = max(height, width)
        self.shape = (round(height * GRID / longer), round(width * GRID / longer))
        large = Image.new("1", (4 * self.shape[1], 4 * self.shape[0]))
        for polygon in mask["polygons"]:
            ImageDraw.Draw(large).polygon([(x * large.width, y * large.height) for x, y in polygon], fill=1)
        self.mask = np.asarray(large.convert("L").resize((self.shape[1], self.shape[0]), Image.Resampling.BOX)) > 127

    def raw(self, method: Method, loops: int, *, refined: bool) -> np.ndarray:
        """The map on cells as every example's view has it: refined by the sum of the passes' attention."""
        return self.prediction.cams(method, loops=loops, refined=refined, classes=[self.index], pass_reduction="sum")[0]

    def map(self, method: Method, loops: int = 0, *, refined: bool) -> np.ndarray:
        raw = self.raw(method, loops, refined=refined)
        places = [
            np.clip((np.arange(count) + 0.5) / count * cells - 0.5, 0, side - 1)
            for count, cells, side in zip(self.shape, self.prediction.content_size(method), raw.shape, strict=True)
        ]
        columns = np.stack([np.interp(places[1], np.arange(raw.shape[1]), row) for row in raw])
        return np.stack([np.interp(places[0], np.arange(raw.shape[0]), column) for column in columns.T], 1)

    def inside(self, method: Method, loops: int = 0, *, refined: bool) -> np.ndarray:
        raw = self.raw(method, loops, refined=refined)
        fine = self.map(method, loops, refined=refined)
        return (fine >= THRESHOLD * raw.max()) & (fine > 0)

    def iou(self, method: Method, loops: int = 0, *, refined: bool = False) -> float:
        inside = self.inside(method, loops, refined=refined)
        return (inside & self.mask).sum() / (inside | self.mask).sum()

    def covered(self, method: Method, loops: int = 0, *, refined: bool = False) -> float:
        """Share of the mask that the map covers."""
        return (self.inside(method, loops, refined=refined) & self.mask).sum() / self.mask.sum()

    def background(self, method: Method, loops: int = 0, *, refined: bool) -> float:
        """Share of what is not in the mask that the map covers."""
        return (self.inside(method, loops, refined=refined) & ~self.mask).sum() / (~self.mask).sum()


def astronaut(example) -> None:
    """CRT covers more of her than the CNN and the transformer alone, and overlaps her mask better."""
    seen = Seen(example.id)
    assert seen.covered("resnet") < 0.6
    assert seen.covered("tscam", refined=True) < 0.4
    assert seen.covered("crt", 2, refined=True) > 0.7
    assert seen.iou("crt", 2, refined=True) > seen.iou("resnet") + 0.02
    assert seen.iou("crt", 2, refined=True) > seen.iou("tscam", refined=True) + 0.2


def motorcycle(example) -> None:
    """Every loop from the second on takes more of the background out of the unrefined map."""
    seen = Seen(example.id)
    shares = [seen.background("crt", loops, refined=False) for loops in range(5)]
    assert all(np.diff(shares[1:]) < 0)
    assert shares[4] < 0.75 * shares[1]
    assert seen.covered("crt", 4, refined=False) > 0.9  # and the motorcycle stays


def photographer(example) -> None:
    """Refinement takes most of the background out of TS-CAM's map."""
    seen = Seen(example.id)
    assert seen.background("tscam", refined=True) < 0.5 * seen.background("tscam", refined=False)
    assert seen.iou("tscam", refined=True) > seen.iou("tscam") + 0.05


def cat(example) -> None:
    """From the third loop on neither the tokens nor the unrefined map change much."""
    seen = Seen(example.id)
    record = seen.prediction.record("crt")
    assert isinstance(record, VitOutputs)
    assert record.similarity[3] > 0.98
    assert record.similarity[4] > record.similarity[3] > record.similarity[2] > record.similarity[1]
    third, fourth = (seen.map("crt", loops, refined=False) for loops in (3, 4))
    assert np.corrcoef(third.ravel(), fourth.ravel())[0, 1] > 0.99
    assert abs(seen.iou("crt", 3) - seen.iou("crt", 4)) < 0.02


def coffee(example) -> None:
    """A cup is no class, and the networks disagree."""
    prediction = stored(example.id)
    assert len(prediction.classes) == 20
    assert "cup" not in prediction.classes
    assert len({int(prediction.scores(method).argmax()) for method in ("resnet", "tscam", "crt")}) > 1


@pytest.mark.parametrize("name", [name for name, one in BY_ID.items() if one.masks])
def test_the_second_pass_attends_to_more_patches_and_less_to_the_object(name):
    """docs/method.md, section 4."""
    seen = Seen(name)
    prediction = seen.prediction

    def reported(loops: int) -> tuple[float, float]:
        """Share of the attention of the last of the passes that lies on the object, and how many patches it is on."""
        rows = prediction.attention("crt", loops=loops, pass_reduction="last")
        rows = rows / rows.sum()
        places = [
            np.minimum((np.arange(side) + 0.5) * count / side, count - 1).astype(int)
            for side, count in zip(rows.shape, seen.mask.shape, strict=True)
        ]
        return float(rows[seen.mask[np.ix_(*places)]].sum()), float(1 / (rows**2).sum())

    first, second = reported(1), reported(2)
    assert second[0] < 0.97 * first[0]
    assert second[1] > 1.05 * first[1]


CHECKS: dict[str, Callable] = {one.__name__: one for one in (astronaut, motorcycle, photographer, cat, coffee)}


@pytest.mark.parametrize("name", list(BY_ID))
def test_the_claim_of_an_example_is_true(name):
    CHECKS[name](BY_ID[name])


def test_every_example_has_a_sentence_and_a_view_as_the_script_writes_them():
    entries = json.loads((EXAMPLES_FOLDER / "index.json").read_text())["examples"]
    assert [(one["id"], one["title"], one["claim"], one["view"]) for one in entries] == [
        (source.id, source.title, source.claim, source.view) for source in SOURCES
    ]
    assert {one["id"] for one in entries} == set(CHECKS)
    assert not any("cb=" in one["view"] for one in entries)  # the sum, as `Seen.raw` has it
    assert read_config(ROOT / "checkpoints/voc").defaults.pass_reduction == "sum"
    for one in entries:
        assert re.fullmatch(r"[A-Z][^.]{20,140}\.", one["claim"]), one["id"]
        card = BY_ID[one["id"]].card()
        assert (card["claim"], card["view"]) == (one["claim"], one["view"])
