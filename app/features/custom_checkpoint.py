"""A checkpoint of the user's own, only with `--allow-custom-checkpoints`: its name can make the server read folders."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.core.analysis import Explorer, user_message
from app.core.models import SOURCE_LENGTH
from app.viewer import Viewer

SLOT = {"concurrency_id": "swap", "concurrency_limit": 1}


def fields() -> tuple[gr.Textbox, gr.Button]:
    """The field and the button, where they are called for."""
    with gr.Column(elem_id="crt-own"):
        checkpoint = gr.Textbox(
            label="Checkpoint (folder or Hub id)", placeholder="user/name", max_length=SOURCE_LENGTH
        )
        return checkpoint, gr.Button("Load", size="md")


def register(
    explorer: Explorer,
    viewer: Viewer,
    mode: gr.Dropdown,
    networks: gr.Dropdown,
    checkpoint: gr.Textbox,
    load: gr.Button,
) -> None:
    """Load what the field names, and tell the page as an answer to `swap`, which then asks for new CAMs.

    `state` of the answer: loading, done (with `name` and `classes`, their number), or failed (with `error`).
    """

    def swap(source: str, chosen: str):
        yield Viewer.answer("swap", {"state": "loading"}), gr.skip(), gr.skip()
        try:
            model = explorer.engine.swap(source or "").result()
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            yield Viewer.answer("swap", {"state": "failed", "error": user_message(error)}), gr.skip(), gr.skip()
            return
        content: dict[str, Any] = {"name": model.config.name, "classes": len(model.config.classes)}
        modes, names = list(explorer.modes), explorer.engine.names
        kept = chosen if chosen in modes else modes[0]
        yield (
            Viewer.answer("swap", {"state": "done", **content}),
            gr.update(choices=modes, value=kept),
            gr.update(choices=names, value=names[0]),
        )

    gr.on(
        [load.click, checkpoint.submit],
        swap,
        [checkpoint, mode],
        [viewer, mode, networks],
        trigger_mode="once",
        show_progress="hidden",
        api_visibility="private",
        **SLOT,
    )
