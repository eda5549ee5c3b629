"""What visitors share, and what they wait for: runs of tiny networks in the order of `app.core.turns`."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from app.cli import AppConfig
from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.core.examples import Example
from app.core.tickets import VisitorLeft
from app.core.visitors import Visitor, Wait
from app.features import explainers
from app.features.explainers import explained
from app.page import build
from app.rpc import Page
from crt.data.images import load_image
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint
from tests.helpers.until import until

PATIENCE = 120
SHORT, LONG = InferenceConfig(size=96, loops=1), InferenceConfig(size=448, loops=3)


def photo(seed: int = 0) -> np.ndarray:
    image = np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    image.flags.writeable = False
    return image


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("waiting") / "tiny")


@pytest.fixture
def explorer(checkpoint) -> Explorer:
    return Explorer(Engine(str(checkpoint)), PredictionCache(10**8), {})


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as threads:
        yield threads


class Held:
    """Predictor.predict waits for `go`; `calls` are the input sizes of all that have begun."""

    def __init__(self, monkeypatch) -> None:
        self.began, self.go, self.calls = threading.Event(), threading.Event(), []
        predict = Predictor.predict

        def slow(predictor, source, settings, **options):
            self.calls.append(settings.size)
            self.began.set()
            assert self.go.wait(PATIENCE)
            return predict(predictor, source, settings, **options)

        monkeypatch.setattr(Predictor, "predict", slow)


@pytest.fixture
def held(monkeypatch):
    one = Held(monkeypatch)
    yield one
    one.go.set()


def claims(explorer: Explorer) -> int:
    """Claims to all work that waits or runs."""
    turns = explorer.engine.turns
    with turns._guard:
        return sum(len(work.tickets) for work in (*turns._waiting, *turns._running))


def test_equal_questions_of_two_visitors_are_one_run(explorer, pool, held):
    asked = [pool.submit(explorer.runs.predict, session, photo(), SHORT) for session in "ab"]
    until(lambda: claims(explorer) == 2)
    other = pool.submit(explorer.runs.predict, "c", photo(1), SHORT)
    until(lambda: claims(explorer) == 3)
    held.go.set()
    first, second = (one.result(PATIENCE) for one in asked)
    assert first is second and other.result(PATIENCE) is not first
    assert held.calls == [96, 96]
    assert explorer.runs.cached("a", photo(), SHORT) is explorer.runs.cached("b", photo(), SHORT) is first
    assert explorer.runs.cached("c", photo(2), SHORT) is None


@pytest.mark.parametrize(
    "part", [InferenceConfig(size=96, loops=0), InferenceConfig(size=96, loops=1, methods=("crt",))]
)
def test_a_run_for_more_answers_a_question_for_less(explorer, pool, held, part):
    whole = pool.submit(explorer.runs.predict, "a", photo(), SHORT)
    until(lambda: claims(explorer) == 1)
    less = pool.submit(explorer.runs.predict, "b", photo(), part)
    until(lambda: claims(explorer) == 2)
    held.go.set()
    found, expected = less.result(PATIENCE), whole.result(PATIENCE)
    assert held.calls == [96]
    assert np.array_equal(found.cams("crt", loops=part.loops), expected.cams("crt", loops=part.loops))
    held.calls.clear()
    assert explorer.runs.predict("c", photo(), part) is expected and not held.calls  # from the cache


@pytest.mark.parametrize(
    "first", [InferenceConfig(size=96, loops=3, methods=("crt",)), InferenceConfig(size=96, loops=0)]
)
def test_only_the_networks_that_are_missing_run(explorer, monkeypatch, first):
    explorer.runs.predict("a", photo(), first)
    calls, predict = [], Predictor.predict

    def noted(predictor, source, settings, **options):
        calls.append(settings.methods)
        return predict(predictor, source, settings, **options)

    monkeypatch.setattr(Predictor, "predict", noted)
    found = explorer.runs.predict("b", photo(), SHORT)
    expected = Predictor(explorer.engine.model.predictor().checkpoint).predict(photo(), SHORT)
    assert calls[0] == (("resnet", "tscam", "crt_cnn") if first.methods else ("crt",))
    assert found.methods == expected.methods and len(explorer.runs.cache) == 2 - (first.loops < SHORT.loops)
    for method in expected.methods:
        assert np.allclose(found.cams(method, loops=1), expected.cams(method, loops=1), atol=1e-5)
    assert found.provenance["settings"] == expected.provenance["settings"] and found.source == expected.source


def test_what_several_runs_gave_is_put_together_without_another(explorer, monkeypatch):
    for method in ("resnet", "tscam", "crt", "crt_cnn"):
        explorer.runs.predict("a", photo(), InferenceConfig(size=96, loops=1, methods=(method,)))
    monkeypatch.setattr(Predictor, "predict", lambda *_, **__: pytest.fail("ran again"))
    found = explorer.runs.predict("b", photo(), SHORT)
    assert found.methods == ("resnet", "tscam", "crt", "crt_cnn") and len(explorer.runs.cache) == 1
    assert found.provenance["settings"] == asdict(SHORT)


def test_a_question_for_less_is_answered_as_soon_as_the_run_has_it(explorer, pool, monkeypatch):
    go, predict = threading.Event(), Predictor.predict

    def slow(predictor, source, settings, *, partial, **options):
        def parted(prediction):
            partial(prediction)
            assert prediction.methods != ("resnet",) or go.wait(PATIENCE)

        return predict(predictor, source, settings, partial=parted, **options)

    monkeypatch.setattr(Predictor, "predict", slow)
    whole = pool.submit(explorer.runs.predict, "a", photo(), SHORT)
    until(lambda: claims(explorer) == 1)
    less = explorer.runs.predict("b", photo(), InferenceConfig(size=96, methods=("resnet",)))
    assert less.methods == ("resnet",) and not whole.done()
    go.set()
    assert np.array_equal(whole.result(PATIENCE).cams("resnet"), less.cams("resnet"))


@pytest.mark.parametrize(
    "changed",
    [
        InferenceConfig(size=96, loops=2),
        InferenceConfig(size=224, loops=1),
        InferenceConfig(size=96, loops=1, heads=True),
    ],
)
def test_other_settings_are_another_question(explorer, pool, held, changed):
    asked = [pool.submit(explorer.runs.predict, "a", photo(), SHORT)]
    until(lambda: claims(explorer) == 1)
    asked.append(pool.submit(explorer.runs.predict, "b", photo(), changed))
    until(lambda: claims(explorer) == 2)
    held.go.set()
    first, second = (one.result(PATIENCE) for one in asked)
    assert first is not second and len(held.calls) == 2


def test_an_error_reaches_all_who_asked_and_the_next_question_runs_anew(explorer, pool, monkeypatch):
    go, calls, predict = threading.Event(), [], Predictor.predict

    def broken(predictor, *given, **options):
        calls.append(1)
        assert go.wait(PATIENCE)
        if len(calls) == 1:
            raise MemoryError
        return predict(predictor, *given, **options)

    monkeypatch.setattr(Predictor, "predict", broken)
    asked = [pool.submit(explorer.runs.predict, session, photo(), SHORT) for session in "ab"]
    until(lambda: claims(explorer) == 2)
    go.set()
    for one in asked:
        with pytest.raises(MemoryError):
            one.result(PATIENCE)
    assert explorer.runs.predict("a", photo(), SHORT).methods and len(calls) == 2


def test_one_visitor_who_leaves_does_not_end_the_run_of_another(explorer, pool, held):
    asked = [pool.submit(explorer.runs.predict, session, photo(), SHORT) for session in "ab"]
    until(lambda: claims(explorer) == 2)
    explorer.engine.turns.leave("a")
    with pytest.raises(VisitorLeft):
        asked[0].result(PATIENCE)  # while the run is held
    held.go.set()
    assert asked[1].result(PATIENCE).methods
    explorer.runs.cache.drop("b")
    assert not len(explorer.runs.cache)


def test_a_run_that_nobody_awaits_ends_at_its_next_step(explorer, pool, held):
    gone = pool.submit(explorer.runs.predict, "a", photo(), LONG)
    assert held.began.wait(PATIENCE)
    explorer.engine.turns.leave("a")
    with pytest.raises(VisitorLeft):
        gone.result(PATIENCE)
    held.go.set()
    assert explorer.runs.predict("b", photo(), SHORT).methods  # the Predictor is free again
    assert claims(explorer) == 0


def test_a_closed_generator_leaves_the_order(explorer, tmp_path):
    parts = explorer.runs.predict_in_parts("a", photo(), SHORT)
    next(parts)
    parts.close()
    until(lambda: claims(explorer) == 0)


def test_what_is_known_does_not_wait_for_the_networks(explorer, pool, held, tmp_path):
    held.go.set()
    known = explorer.runs.predict("me", photo(), SHORT)
    held.go.clear()
    held.began.clear()
    running = pool.submit(explorer.runs.predict, "you", photo(1), SHORT)
    assert held.began.wait(PATIENCE)
    assert pool.submit(explorer.runs.predict, "me", photo(), SHORT).result(PATIENCE) is known
    assert not running.done()
    held.go.set()
    running.result(PATIENCE)


def test_an_example_does_not_wait_for_the_networks(checkpoint, pool, held, tmp_path):
    path = Path("app/examples/astronaut.jpg")
    explorer = Explorer(Engine(str(checkpoint)), PredictionCache(10**8), {})
    settings = InferenceConfig(size=224)
    held.go.set()
    explorer.runs.predict("maker", load_image(path), settings).save(tmp_path / "a.npz")
    explorer.examples["a"] = example = Example("a", "A", path, prediction=tmp_path / "a.npz")
    held.go.clear()
    held.began.clear()
    running = pool.submit(explorer.runs.predict, "you", photo(1), SHORT)
    assert held.began.wait(PATIENCE)
    assert pool.submit(explorer.example_payload, example, "224", "overlap").result(PATIENCE)[0]["stored"] is True
    assert pool.submit(explorer.analyze, str(path), "224", "overlap", "me").result(PATIENCE).example is example
    assert not running.done()
    held.go.set()
    running.result(PATIENCE)


def test_a_short_question_is_answered_between_the_steps_of_a_long_run(explorer, pool, monkeypatch):
    """The CAMs of both, and those of an explainer that needs gradients, are those of runs apart."""
    model = explorer.engine.model
    wanted = {size: Predictor.predict(model.predictor(), photo(), one) for size, one in ((96, SHORT), (448, LONG))}
    given = (photo(), SHORT, "gradcam", "resnet", [0], wanted[96].grid)
    heat = model.run(explained, *given)
    turns, pause = explorer.engine.turns, explorer.engine.turns.pause
    began, come = threading.Event(), threading.Event()
    ended: list[str] = []

    def paused() -> None:
        began.set()
        assert come.wait(PATIENCE)
        pause()

    def noted(future: Future, name: str) -> Future:
        future.add_done_callback(lambda _: ended.append(name))
        return future

    monkeypatch.setattr(turns, "pause", paused)
    long = noted(pool.submit(explorer.runs.predict, "a", photo(), LONG), "long")
    assert began.wait(PATIENCE)
    short = pool.submit(explorer.runs.predict, "b", photo(), SHORT)
    until(lambda: claims(explorer) == 2)
    other = turns.submit(lambda part: model.run_here(explained, *given), visitor=Visitor("c"))
    order: list[str] = []
    run = turns._run

    def recorded(work) -> None:
        run(work)
        order.append(work.kind.split()[0] if work.kind else "explainer")
        order.append(str(len(turns._running)))

    monkeypatch.setattr(turns, "_run", recorded)
    come.set()
    np.testing.assert_array_equal(other.result(), heat)
    for future, size in ((short, 96), (long, 448)):
        got = future.result(PATIENCE)
        for method in got.methods:
            np.testing.assert_array_equal(got.cams(method), wanted[size].cams(method))
    assert order == ["predict", "1", "explainer", "1"]  # each while the long run was under way


def test_score_cam_pauses_between_its_runs(explorer, pool, monkeypatch):
    analysis = Analysis(photo(), SHORT, explorer.runs.predict("a", photo(), SHORT), "a")
    asked: dict[str, Callable] = {}
    page = SimpleNamespace(explorer=explorer, on=lambda name, answer, **_: asked.setdefault(name, answer))
    explainers.register(cast("Page", page))
    details = {"method": "resnet", "classes": [0], "name": "scorecam"}
    alone = asked["explain"](analysis, details)
    turns, pause = explorer.engine.turns, explorer.engine.turns.pause
    began, come = threading.Event(), threading.Event()

    def paused() -> None:
        began.set()
        assert come.wait(PATIENCE)
        pause()

    monkeypatch.setattr(turns, "pause", paused)
    long = pool.submit(asked["explain"], analysis, details)
    assert began.wait(PATIENCE)
    short = turns.submit(lambda part: long.done(), visitor=Visitor("b"))
    come.set()
    assert short.result() is False  # it ran before the end of the other
    assert long.result(PATIENCE)["data"] == alone["data"]


def test_a_visitor_learns_the_place_through_the_progress_of_the_run(explorer, pool, held, monkeypatch):
    monkeypatch.setattr("app.core.tickets.REPORT_S", 0.01)
    heard: list[tuple[float, str]] = []
    first = pool.submit(explorer.runs.predict, "a", photo(1), SHORT)
    assert held.began.wait(PATIENCE)
    second = pool.submit(explorer.runs.predict, "b", photo(), SHORT, lambda part, text: heard.append((part, text)))
    until(lambda: heard)
    held.go.set()
    first.result(PATIENCE)
    second.result(PATIENCE)
    assert heard[0] == (0.0, "Waiting for 1 other request.")


# The page


def listener(demo, event: str):
    """The functions behind an event that run on the server."""
    return [fn.fn for fn in demo.fns.values() if fn.fn is not None and any(name == event for _, name in fn.targets)]


class Asked:
    session_hash = "gone"


@pytest.mark.parametrize("event", ["unload", "clear"])
def test_a_visitor_who_closes_the_page_or_removes_the_image_leaves_the_order(checkpoint, event):
    turns = (demo := build(AppConfig(checkpoint=str(checkpoint)))).engine.turns
    go = threading.Event()
    running = turns.submit(lambda part: go.wait(PATIENCE), visitor=Visitor("other"))
    waiting = turns.submit(lambda part: "late", visitor=Visitor("gone"))
    last = turns.submit(lambda part: "last", visitor=Visitor("last"))
    (leave,) = listener(demo, event)
    leave(Asked()) if event == "unload" else leave({"shown": 1}, Asked())
    assert present(turns.place(last)) == Wait(1, None)
    with pytest.raises(VisitorLeft):
        waiting.result()
    go.set()
    assert running.result() and last.result() == "last"
