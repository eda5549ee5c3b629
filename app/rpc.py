"""The server's side of the page's requests: how a feature registers them, and how answers reach the page."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.cli import AppConfig
from app.core.analysis import Analysis, Explorer
from app.core.decoded import fingerprint
from app.core.messages import is_final, user_message
from app.core.visitors import sentence_of, visiting
from app.server.security import details_of, sanitize
from app.viewer import Viewer
from crt.errors import CrtError

MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": None}
"""Keywords of every event that may run the networks. Gradio hands all of them over at once, so that what is known is
answered at once; the others wait in `app.core.turns`."""

# Gradio's "always_last" repeats the details of the first event instead of sending those of the last.
QUIET: dict[str, Any] = {"trigger_mode": "multiple", "show_progress": "hidden", "api_visibility": "private"}
"""Keywords of every listener of the viewer's events."""

REQUEST_LENGTH = 64  # characters of a request's id that the browser gets back
Answer = Callable[[Analysis, dict[str, Any]], dict[str, Any]]
Stream = Callable[[Analysis, dict[str, Any]], Generator[dict[str, Any], None, dict[str, Any]]]


class CheckpointChanged(CrtError):
    """The request concerns CAMs of a checkpoint that the server no longer has."""


class ImageChanged(CrtError):
    """The request concerns CAMs of another image than the upload."""


@dataclass(frozen=True)
class Page:
    """The components that events read and write.

    Attributes:
        config: what the command line decides.
        explorer: which runs the networks.
        viewer: which sends the events and receives the answers.
        image: the upload.
        size: the field of the input size.
        mode: the field of the cut-merge mode.
        networks: the field of the checkpoint.
        state: of the session: its hash, and what the viewer shows.
    """

    config: AppConfig
    explorer: Explorer
    viewer: Viewer
    image: gr.Image
    size: gr.Dropdown
    mode: gr.Dropdown
    networks: gr.Dropdown
    state: gr.State

    def on(self, event: str, answer: Answer, **keywords: Any) -> None:
        """Answer an event of the viewer. An exception becomes the answer `{"error": message}`.

        Args:
            event: one of `app.viewer.viewer.EVENTS`.
            answer: from the `Analysis` of the run on the page, that of the fields where there is none, and the details
                from the browser, which are not to be trusted, to JSON values, `data` in bytes.
            **keywords: of the listener; give `**MODEL` if networks run.
        """

        def handle(
            event_data: gr.EventData,
            path: str | None,
            size: str,
            mode: str,
            request: gr.Request,
            progress: gr.Progress = gr.Progress(),  # noqa: B008 - this is how Gradio passes it
        ) -> Any:
            details = details_of(event_data)
            try:
                with visiting(request.session_hash or "", lambda wait: progress(0.0, desc=sentence_of(wait))):
                    analysis = self._analysis(details, path, size, mode, request)
                    return reply(event, details, self.viewer.packed(answer(analysis, details)))
            except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
                return refusal(event, details, error)

        self._listen(event, handle, keywords)

    def on_no_image(self, event: str, answer: Callable[[dict[str, Any]], dict[str, Any]], **keywords: Any) -> None:
        """As `on`, for an event that concerns no image.

        Args:
            event: one of `app.viewer.viewer.EVENTS`.
            answer: from the details to JSON values, as `on`'s.
            **keywords: of the listener.
        """

        def handle(event_data: gr.EventData) -> Any:
            details = details_of(event_data)
            try:
                return reply(event, details, self.viewer.packed(answer(details)))
            except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
                return refusal(event, details, error)

        getattr(self.viewer, event)(handle, None, [self.viewer], **{**QUIET, **keywords})

    def stream(self, event: str, answers: Stream, **keywords: Any) -> None:
        """As `on`, for a generator: what it yields is the request's `progress`, what it returns is the answer.

        Args:
            event: one of `app.viewer.viewer.EVENTS`.
            answers: a generator with the arguments of `on`'s `answer`.
            **keywords: of the listener; give `**MODEL` if networks run.
        """

        def handle(event_data: gr.EventData, path: str | None, size: str, mode: str, request: gr.Request) -> Any:
            details = details_of(event_data)
            try:
                steps = answers(self._analysis(details, path, size, mode, request), details)
                content = yield from _progress(event, details, steps)
                yield reply(event, details, self.viewer.packed(content))
            except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
                yield refusal(event, details, error)

        self._listen(event, handle, keywords)

    def _listen(self, event: str, handle: Callable[..., Any], keywords: dict[str, Any]) -> None:
        inputs = [self.image, self.size, self.mode]
        getattr(self.viewer, event)(handle, inputs, [self.viewer], **{**QUIET, **keywords})

    def _analysis(
        self, details: dict[str, Any], path: str | None, size: str, mode: str, request: gr.Request
    ) -> Analysis:
        model = self.explorer.engine.known(details.get("model"))
        if model is None:
            raise CheckpointChanged("Checkpoint changed; the maps are being recomputed.")
        shown = shown_of(self.explorer, path, details)  # the fields may be ahead of the maps
        size, mode = shown.get("size", size), shown.get("mode", mode)
        return self.explorer.analyze(path, size, mode, request.session_hash or "", model=model)


def shown_of(explorer: Explorer, path: str | None, details: dict[str, Any]) -> dict[str, Any]:
    """What a request says about the run on the page.

    Args:
        explorer: which reads the upload.
        path: of the upload.
        details: values from the browser, not to be trusted; `shown` has the run's `image` (its `fingerprint`), `size`
            and `mode`.

    Returns:
        `shown`; empty where the request concerns no run.

    Raises:
        ImageChanged: the upload is another image.
        InvalidImage: the upload cannot be read.
    """
    shown = details.get("shown")
    if not path or not isinstance(shown, dict):
        return {}
    if shown.get("image") != fingerprint(explorer.images.read(path)):
        raise ImageChanged("The maps are of the image before: wait for those of the new one, or choose it again.")
    return shown


def reply(event: str, details: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """An output for the viewer that answers a request.

    Args:
        event: one of `app.viewer.viewer.EVENTS`.
        details: of the request.
        content: JSON values.

    Returns:
        Gradio's update.
    """
    return Viewer.answer(event, {**content, "request": request_id(details)})


def refusal(event: str, details: dict[str, Any], error: Exception) -> dict[str, Any]:
    """An output for the viewer that answers a request by an error.

    Args:
        event: one of `app.viewer.viewer.EVENTS`.
        details: of the request.
        error: whose message the user reads.

    Returns:
        Gradio's update, with `changed` where the page has to run the networks again, and `final` where the same request
        would be refused again.
    """
    changed = {"changed": True} if isinstance(error, CheckpointChanged) else {}
    return reply(event, details, {"error": user_message(error), "final": is_final(error), **changed})


def request_id(details: dict[str, Any]) -> str:
    """The id that the page gave its request.

    Args:
        details: of the request.

    Returns:
        At most `REQUEST_LENGTH` characters.
    """
    return sanitize(details.get("request"), REQUEST_LENGTH)


def _progress(
    event: str, details: dict[str, Any], steps: Generator[dict[str, Any], None, dict[str, Any]]
) -> Generator[dict[str, Any], None, dict[str, Any]]:
    """Yields outputs for the viewer -> what the generator returns. Closing it closes `steps`."""
    try:
        while True:
            yield reply(event, details, {"progress": next(steps)})
    except StopIteration as end:
        return end.value
    finally:
        steps.close()
