"""Where the networks run: on one thread of the server, or where a ZeroGPU Space lends a GPU; the answers are alike."""

import multiprocessing
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import numpy as np
import pytest
import torch

from app.core import engine, zero
from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.features import attention as layers
from app.features import explainers, faithfulness, masks
from crt.errors import InvalidSetting
from crt.predictor import InferenceConfig, Predictor
from tests.app.features.test_faithfulness import ASKED, whole
from tests.app.requests.test_validation import WALK, Wired
from tests.helpers.tiny import tiny_checkpoint

IMAGE = np.random.default_rng(0).integers(0, 256, (70, 110, 3), dtype=np.uint8)
SETTINGS = InferenceConfig(size=96, loops=2)
QUESTIONS = {
    "inspect": {"method": "crt", "x": 0.1, "y": 0.9},
    "load_heads": {"method": "tscam"},
    "explain": {"method": "crt", "classes": [1], "name": "gradcam"},
    "walk": WALK,
    "deeplab": {},
}


@pytest.fixture(scope="module")
def explorer(tmp_path_factory) -> Explorer:
    return Explorer(
        Engine(str(tiny_checkpoint(tmp_path_factory.mktemp("tiny"), masks=True))), PredictionCache(10**8), {}
    )


@pytest.fixture
def lent(monkeypatch):
    """As on a ZeroGPU Space, as far as a call can tell: a forked process, and pickles both ways. -> the calls made."""
    calls = []

    def call(*given):
        calls.append(given[1].__name__)
        fork = multiprocessing.get_context("fork")
        here, there = fork.Pipe()
        data = pickle.dumps(given)

        def work():
            there.send(zero._call(*pickle.loads(data)))

        process = fork.Process(target=work)
        process.start()
        there.close()  # then `recv` ends with a process that fails
        result = here.recv()
        process.join()
        return result

    monkeypatch.setattr(zero, "_lent", call)
    return calls


def answers(explorer: Explorer, session: str) -> dict:
    prediction = explorer.runs.predict(session, IMAGE, SETTINGS, progress=lambda part, stage: None)
    analysis, wired = Analysis(IMAGE, SETTINGS, prediction, session), Wired(explorer)
    for feature in (layers, explainers, masks):
        feature.register(wired)
    found = {event: wired.answers[event](analysis, details) for event, details in QUESTIONS.items()}
    _, last = whole(faithfulness.FaithfulnessJob(explorer).answers(analysis, {**ASKED, "measure": "confidence"}))
    found["faithfulness"] = last
    for answer in found.values():
        answer.pop("ms", None)
    return {"maps": prediction.cams("crt").tobytes(), **found}


def test_each_question_is_answered_alike_where_the_gpu_is_lent(explorer, monkeypatch, lent):
    there = answers(explorer, "there")
    assert set(lent) == {"predict", "token", "layers", "explained", "edges_of", "parsed", "measure_faithfulness"}
    monkeypatch.setattr(zero, "_lent", zero._call)
    assert answers(explorer, "here") == there
    assert len(lent) == 7


def test_an_error_of_ours_comes_back_as_it_is(explorer, lent):
    with pytest.raises(InvalidSetting, match="Unknown class 99"):
        explorer.engine.model.run(
            faithfulness.measure_faithfulness, faithfulness.ClassArgs(IMAGE, SETTINGS, "crt", 99, 0), None, None
        )


def test_all_runs_are_on_one_thread_and_long_work_is_not(explorer):
    model = explorer.engine.model
    with ThreadPoolExecutor(4) as askers:
        seen = set(askers.map(lambda _: model.run(lambda predictor: threading.get_ident()), range(8)))
    assert len(seen) == 1 and threading.get_ident() not in seen
    assert model.run_here(lambda predictor: threading.get_ident()) == threading.get_ident()
    asked = ContextVar("asked")
    asked.set("by me")  # Gradio knows by such whose progress it is
    assert model.run(lambda predictor: asked.get()) == "by me"
    with pytest.raises(ZeroDivisionError):
        model.run(lambda predictor: 1 / 0)


def test_runs_have_all_cores_and_other_threads_one(tmp_path, monkeypatch):
    """Whatever the probe of the precision did before, or did not do."""
    monkeypatch.setattr(engine, "THREADS", 2)
    try:
        for precision in ("fp32", "auto"):
            made = Engine(str(tiny_checkpoint(tmp_path / precision)), precision=precision)
            assert made.model.run(lambda predictor: torch.get_num_threads()) == 2
            with ThreadPoolExecutor(1) as other:
                assert other.submit(torch.get_num_threads).result() == 1
    finally:
        torch.set_num_threads(1)


def test_elsewhere_a_call_is_a_call(explorer):
    reports = []
    explorer.engine.model.run(Predictor.predict, IMAGE, SETTINGS, progress=lambda part, stage: reports.append(part))
    assert reports[-1] == 1
    assert zero.spaces is None and zero._lent is zero._call
