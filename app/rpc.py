"""What a feature of the page is wired to, and how its questions are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.cli import AppConfig
from app.core.analysis import Analysis, Explorer, user_message
from app.server.security import details_of, sanitize
from app.viewer import Viewer

MODEL = {"concurrency_id": "model", "concurrency_limit": 1}
"""Keywords of every event that runs the networks: they take turns."""

CHANGED = "Checkpoint changed; the maps are being recomputed."
KEY = 4000  # characters of what the browser may have echoed
Answer = Callable[[Analysis, dict[str, Any]], dict[str, Any]]
Stream = Callable[[Analysis, dict[str, Any]], Iterator[dict[str, Any]]]


@dataclass(frozen=True)
class Page:
    """The components that events read and write. `image`, `size`, `mode`, `networks` and `state` say what is
    being looked at, and with which model.
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
        """Answer an event of the viewer with what `answer(look, details)` returns: JSON values, and `data` in bytes.

        `look` is the image on the page with its Prediction, `details` what the browser sent: not to be trusted. An
        exception becomes `{"error": sentence}`. Answers carry the question's `run` and `key`. `keywords` go to the
        listener; give `**MODEL` if networks run.
        """

        def once(look: Analysis, details: dict[str, Any]) -> Iterator[dict[str, Any]]:
            yield answer(look, details)

        self.stream(event, once, **keywords)

    def stream(self, event: str, answers: Stream, **keywords: Any) -> None:
        """As `on`, for several answers to one question. Each should hold all that came before it."""

        def handle(event_data: gr.EventData, path: str | None, size: str, mode: str, request: gr.Request):
            details = details_of(event_data)
            mine = {name: sanitize(details.get(name), KEY) for name in ("run", "key")}
            try:
                model = self.explorer.engine.known(details.get("model"))
                if model is None:
                    yield Viewer.answer(event, {**mine, "error": CHANGED, "changed": True})
                    return
                look = self.explorer.look(path, size, mode, request.session_hash or "", model=model)
                for content in answers(look, details):
                    yield Viewer.answer(event, {**mine, **self.viewer.packed(content)})
            except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
                yield Viewer.answer(event, {**mine, "error": user_message(error)})

        listener = getattr(self.viewer, event)
        # Gradio's "always_last" repeats the details of the first event instead of sending those of the last.
        options = {"trigger_mode": "multiple", "show_progress": "hidden", "api_visibility": "private", **keywords}
        listener(handle, [self.image, self.size, self.mode], [self.viewer], **options)
