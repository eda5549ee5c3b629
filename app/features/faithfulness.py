"""Faithfulness of one CAM: whether the class probability falls where the highlighted pixels are hidden. On request
only.

The browser requests one measure of one method, and the next when the answer has arrived. Every other request gets its
turn between two runs of the network, those of others who measure too.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from torch import Tensor

from app.core.analysis import Analysis, Explorer
from app.core.models import Model
from app.core.visitors import Wait, sentence_of, visiting
from app.features.faithfulness_answer import answer
from app.requests.validation import classes_of, map_options, method_of
from app.rpc import QUIET, REQUEST_LENGTH, Page, refusal, reply, request_id
from app.server.security import details_of, sanitize
from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.inference_config import InferenceConfig
from crt.metrics.faithfulness import MEASURES, FaithfulnessConfig, measure
from crt.metrics.faithfulness_results import Faithfulness
from crt.metrics.scored_class import scored_class
from crt.resample import upsample_cam

if TYPE_CHECKING:
    from crt.predictor import Predictor

Score = Callable[[Tensor], np.ndarray]
"""As `ScoredClass.score`."""
ENDED = 200  # requests that are remembered as cancelled
AT_ONCE = 4  # measurements, of which each keeps its changed images in memory
WAIT = 0.5  # seconds between two checks whether the client is still connected


def register(page: Page) -> None:
    """Answer `faithfulness` with progress and then one measure of one CAM, and `cancel`, which ends it.

    Args:
        page: the components.
    """
    job = FaithfulnessJob(page.explorer)
    page.stream("faithfulness", job.answers, concurrency_id="faithfulness", concurrency_limit=AT_ONCE)

    def cancel(event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        """It needs no image: the measurement is also ended because there is none any more."""
        details = details_of(event)
        try:
            job.cancel(request.session_hash or "", details)
            return reply("cancel", details, {})
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return refusal("cancel", details, error)

    page.viewer.cancel(cancel, None, [page.viewer], **QUIET, concurrency_limit=8)


class FaithfulnessJob:
    """Measures until the request is cancelled.

    Args:
        explorer: which runs the networks.
    """

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self._ended: dict[tuple[str, str], None] = {}  # sessions and ids of their requests, the oldest first

    def answers(self, analysis: Analysis, details: dict[str, Any]) -> Generator[dict[str, Any], None, dict[str, Any]]:
        """Measure one CAM.

        Args:
            analysis: the image on the page with its Prediction.
            details: values from the browser, not to be trusted.

        Yields:
            `{"done": fraction, "waiting": sentence}` after each run of the network, and about once a second while it
            waits behind others; the sentence is empty where it does not. What it returns is the `answer` with `ms`,
            its milliseconds.

        Raises:
            InvalidSetting: unknown values.
            Stopped: the request was cancelled.
        """
        subject, cam, config = self._subject(analysis, details)
        model = analysis.model or self.explorer.engine.model
        request = analysis.session, request_id(details)
        gone = threading.Event()
        reports: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        start = time.perf_counter()
        with ThreadPoolExecutor(1, "faithfulness") as pool:  # beside the runs, which take their turns in between
            job = pool.submit(
                _measure_for,
                analysis.session,
                model,
                subject,
                cam,
                config,
                waiting=lambda wait: reports.put({"waiting": sentence_of(wait)}),
                progress=lambda part, _: reports.put({"done": part, "waiting": ""}),
                should_stop=lambda: gone.is_set() or request in self._ended,
            )
            try:
                yield from _until_done(job, reports)
            finally:
                gone.set()  # the client is gone, or it is done
            found = job.result()
        return {**answer(found), "ms": 1000 * (time.perf_counter() - start)}

    def cancel(self, session: str, details: dict[str, Any]) -> None:
        """End a measurement that is under way or waits for its turn.

        Args:
            session: Gradio's session hash.
            details: values from the browser, not to be trusted; `target` is the id of the request.
        """
        self._ended[session, sanitize(details.get("target"), REQUEST_LENGTH)] = None
        while len(self._ended) > ENDED:
            del self._ended[next(iter(self._ended))]

    def _subject(self, analysis: Analysis, details: dict[str, Any]) -> tuple[ClassArgs, np.ndarray, FaithfulnessConfig]:
        """The class that is scored, the map (h, w) on its pixels, and how it is measured. Raises InvalidSetting."""
        method, classes, name = method_of(analysis, details), classes_of(analysis, details), details.get("measure")
        if len(classes) != 1:
            raise InvalidSetting("Faithfulness is measured for one class: choose one.")
        if not isinstance(name, str) or name not in MEASURES:
            raise InvalidSetting(f"Unknown measure: choose one of {', '.join(MEASURES)}.")
        options = map_options(analysis, method, details)
        subject = ClassArgs(analysis.image, analysis.settings, method, classes[0], options["loops"])
        height, width = analysis.prediction.grid.height, analysis.prediction.grid.width
        if details.get("chance") is True:
            return subject, np.ones((height, width), dtype=np.float32), FaithfulnessConfig((name,))
        maps = analysis.prediction.cams(method, classes=classes, **options)
        return (
            subject,
            upsample_cam(maps, analysis.prediction.content_size(method), (height, width))[0],
            FaithfulnessConfig((name,)),
        )


@dataclass(frozen=True)
class ClassArgs:
    """The arguments of `scored_class`.

    Attributes:
        image: (H, W, 3) uint8.
        settings: input size and mode.
        method: the network.
        index: class id from 0.
        loops: of CRT.
    """

    image: np.ndarray
    settings: InferenceConfig
    method: Method
    index: int
    loops: int


def measure_faithfulness(
    predictor: Predictor,
    subject: ClassArgs,
    cam: np.ndarray,
    config: FaithfulnessConfig,
    run_once: Callable[[Score, Tensor], np.ndarray] | None = None,
    **reported: Any,
) -> Faithfulness:
    """Measure the faithfulness of a CAM.

    Args:
        predictor: whose network scores the images.
        subject: image and class.
        cam: (h, w) on the pixels of the input size.
        config: what is measured.
        run_once: `run_once(score, images)` calls `score(images)` on the thread of all runs, so that others get their
            turn in between; None to call it here.
        **reported: `progress` and `should_stop` of `measure`.

    Returns:
        The measures.

    Raises:
        Stopped: `should_stop` returned True.
    """
    scored = scored_class(
        predictor, subject.image, subject.settings, method=subject.method, index=subject.index, loops=subject.loops
    )
    if run_once is not None:
        scored = replace(scored, score=partial(run_once, scored.score))
    return measure(scored, cam, config, **reported)


def _measure_for(
    session: str, model: Model, *given: Any, waiting: Callable[[Wait | None], object], **reported: Any
) -> Faithfulness:
    """`measure_faithfulness` for a visitor, each run of the network in its turn. `waiting`: as `Visitor` has it."""

    def run_once(score: Score, images: Tensor) -> np.ndarray:
        return model.run(_scored, score, images)

    with visiting(session, waiting, admitted=True):
        return model.run_here(measure_faithfulness, *given, run_once=run_once, **reported)


def _scored(_: Predictor, score: Score, images: Tensor) -> np.ndarray:
    return score(images)


def _until_done(job: Future[Faithfulness], reports: queue.SimpleQueue[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the job reports, as long as it works; only the newest if there is more than one."""
    report: dict[str, Any] = {"done": 0.0, "waiting": ""}
    while not job.done():
        try:
            report = report | reports.get(timeout=WAIT)
        except queue.Empty:
            continue
        while not reports.empty():
            report = report | reports.get()
        yield report
