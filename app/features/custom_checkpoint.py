"""A checkpoint of the user's own, only with `--allow-custom-checkpoints`: its name lets the server read any folder."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.core.analysis import Explorer
from app.core.engine import SOURCE_LENGTH
from app.rpc import QUIET, refusal, reply
from app.server.security import details_of
from app.viewer import Viewer

SLOT = {"concurrency_id": "swap", "concurrency_limit": 1}
_LOAD = """(source) => {
  document.querySelector('.crt-viewer').dispatchEvent(new CustomEvent('crt-swap', { detail: { source } }));
}"""
"""The button and the field hand what is written to the viewer, whose request it then is, with all that may fail."""


def fields() -> tuple[gr.Textbox, gr.Button]:
    """The field and the button, placed where this is called."""
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
    """Answer `swap`: load the checkpoint that `source` names. The answer is `name` and `classes`, their number.

    Args:
        explorer: whose current checkpoint is replaced.
        viewer: which sends the event.
        mode: the field of the cut-merge mode.
        networks: the field of the checkpoint.
        checkpoint: the field of the source.
        load: the button.
    """

    def swap(event: gr.EventData, chosen: str) -> tuple[Any, Any, Any]:
        details = details_of(event)
        try:
            model = explorer.engine.swap(str(details.get("source") or "")).result()
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return refusal("swap", details, error), gr.skip(), gr.skip()
        modes, names = list(explorer.modes), explorer.engine.names
        return (
            reply("swap", details, {"name": model.config.name, "classes": len(model.config.classes)}),
            gr.update(choices=modes, value=chosen if chosen in modes else modes[0]),
            gr.update(choices=names, value=names[0]),
        )

    gr.on([load.click, checkpoint.submit], None, [checkpoint], None, js=_LOAD)
    viewer.swap(swap, [mode], [viewer, mode, networks], **QUIET, **SLOT)
