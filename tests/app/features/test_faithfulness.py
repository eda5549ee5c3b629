"""Faithfulness as the page requests it: what is measured, its answer, and that it can be ended."""

import json
import threading

import numpy as np
import pytest
from PIL import Image

from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.core.visitors import Visitor
from app.features.faithfulness import ENDED, FaithfulnessJob
from app.requests.validation import map_options
from crt.errors import InvalidSetting
from crt.metrics.faithfulness import MEASURES, FaithfulnessConfig, Stopped, measure
from crt.metrics.scored_class import scored_class
from crt.predictor import InferenceConfig
from crt.resample import upsample_cam
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

SETTINGS = InferenceConfig(size=96, loops=2)
ASKED = {"method": "crt", "classes": [1], "loops": 2, "refined": True, "blocks": [0, 2], "pass_reduction": "sum"}


@pytest.fixture(scope="module")
def explorer(tmp_path_factory) -> Explorer:
    return Explorer(Engine(str(tiny_checkpoint(tmp_path_factory.mktemp("job") / "tiny"))), PredictionCache(10**8), {})


@pytest.fixture(scope="module")
def analysis(explorer) -> Analysis:
    small = np.random.default_rng(2).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = np.asarray(Image.fromarray(small).resize((120, 90), Image.Resampling.BICUBIC))
    return Analysis(image, SETTINGS, explorer.runs.predict("s", image, SETTINGS), "s")


def whole(steps) -> tuple[list[dict], dict]:
    """What a job reports, and what it returns."""
    reports = []
    while True:
        try:
            reports.append(next(steps))
        except StopIteration as end:
            return reports, end.value


def judged(explorer: Explorer, analysis: Analysis, **details) -> list[dict]:
    reports, last = whole(FaithfulnessJob(explorer).answers(analysis, {**ASKED, **details}))
    return [json.loads(json.dumps(one)) for one in (*reports, last)]


@pytest.mark.parametrize("name", MEASURES)
def test_each_measure_is_that_of_the_library_for_the_map_on_the_page(explorer, analysis, name):
    *before, last = judged(explorer, analysis, measure=name)
    done = [one["done"] for one in before]
    assert done == sorted(done)
    assert all(set(one) == {"done", "waiting"} and 0 <= one["done"] <= 1 for one in before)
    options = map_options(analysis, "crt", ASKED)
    scored = scored_class(explorer.engine.predictor(), analysis.image, SETTINGS, method="crt", index=1, loops=2)
    maps = analysis.prediction.cams("crt", classes=[1], **options)
    height, width = scored.pixels.shape[-2:]
    found = measure(
        scored,
        upsample_cam(maps, analysis.prediction.content_size("crt"), (height, width))[0],
        FaithfulnessConfig((name,)),
    )
    assert last["probability"] == pytest.approx(found.probability, abs=1e-5)
    values = {value["id"]: value["value"] for value in last["values"]}
    expected = {
        "confidence": lambda: {
            "drop": present(found.confidence).drop,
            "increase": float(present(found.confidence).increase),
        },
        "deletion": lambda: {"deletion": present(found.deletion).auc},
        "insertion": lambda: {"insertion": present(found.insertion).auc},
        "road": lambda: {"road": present(found.road).combined},
    }[name]()
    assert values == pytest.approx(expected, abs=1e-5)
    for value in last["values"]:
        assert value["better"] in {"higher", "lower"}
        assert value["description"].endswith(".")
    assert [curve["id"] for curve in last["curves"]] == ([] if name == "confidence" else [name])
    for curve in last["curves"]:
        shares = [share for share, _ in curve["points"]]
        assert shares == sorted(shares)


def test_who_waits_behind_others_reads_the_place(explorer, analysis):
    release, begun = threading.Event(), threading.Event()

    def hold(_) -> None:
        begun.set()
        assert release.wait(60)

    other = explorer.engine.turns.submit(hold, visitor=Visitor("other"))
    assert begun.wait(60)
    steps = FaithfulnessJob(explorer).answers(analysis, {**ASKED, "measure": "confidence"})
    assert next(report for report in steps if report["waiting"]) == {
        "done": 0.0,
        "waiting": "Waiting for 1 other request.",
    }
    release.set()
    other.result()
    reports, _ = whole(steps)
    assert all(one["waiting"] == "" for one in reports if one["done"])


def test_a_random_map_is_measured_without_the_map(explorer, analysis):
    one, other, own = (
        judged(explorer, analysis, measure="deletion", **more)[-1]["curves"]
        for more in ({"chance": True}, {"chance": True, "refined": False}, {})
    )
    assert one == other
    assert one != own


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"measure": "luck"}, "Unknown measure"),
        ({"measure": ["road"]}, "Unknown measure"),
        ({"measure": "road", "classes": [0, 1]}, "choose one"),
        ({"measure": "road", "classes": [99]}, "choose them again"),
        ({"measure": "road", "method": "input"}, "Unknown network"),
        ({"measure": "road", "loops": float("nan")}, "loops must be"),
    ],
)
def test_invalid_values_are_refused_before_any_network_runs(explorer, analysis, details, words):
    with pytest.raises(InvalidSetting, match=words):
        judged(explorer, analysis, **details)


def test_a_measurement_can_be_ended_under_way_or_before_its_turn_and_no_other_is(explorer, analysis):
    job = FaithfulnessJob(explorer)
    first, waiting, later = (job.answers(analysis, {**ASKED, "measure": "confidence", "request": key}) for key in "123")
    road = job.answers(analysis, {**ASKED, "measure": "road", "request": "4"})
    assert next(road)["done"] < 1
    for key in ("2", "4"):
        job.cancel(analysis.session, {"target": key})
    for ended in (road, waiting):
        with pytest.raises(Stopped):
            list(ended)
    for other in (first, later):
        assert whole(other)[1]["values"]


def test_only_the_newest_endings_are_remembered(explorer, analysis):
    job = FaithfulnessJob(explorer)
    for key in range(3 * ENDED):
        job.cancel(analysis.session, {"target": key})
    with pytest.raises(Stopped):
        list(job.answers(analysis, {**ASKED, "measure": "confidence", "request": str(3 * ENDED - 1)}))
    assert whole(job.answers(analysis, {**ASKED, "measure": "confidence", "request": "0"}))[1]["values"]


def test_a_page_that_has_gone_ends_its_measurement(explorer, analysis):
    answers = FaithfulnessJob(explorer).answers(analysis, {**ASKED, "measure": "insertion"})
    first = next(answers)["done"]
    answers.close()
    assert first < 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("faithfulness")]
