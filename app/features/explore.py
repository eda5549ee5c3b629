"""The run of the page: an image, a size or a mode is chosen, and the maps come, network by network."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.core.engine import Engine
from app.core.input_sizes import start_size
from app.core.models import Model
from app.gradio_compat import serve_file
from app.inputs import mode_note
from app.rpc import MODEL, QUIET, Page, refusal, reply
from app.server.security import details_of
from crt.errors import InvalidSetting

CLEARED = "(image) => (image === null ? null : undefined)"
"""Empties the viewer as soon as the upload is empty, in the browser; `undefined` leaves it as it is."""
# In the queue as all others: an event outside the queue could be called around it.
LIGHT: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 8, "api_visibility": "private"}
"""Keywords of the listeners that run no networks."""


def register(page: Page) -> None:
    """Run the networks when the image or its settings change, and answer `example` and `rerun`.

    Args:
        page: the components.
    """
    explorer, viewer, image, state = page.explorer, page.viewer, page.image, page.state
    engine = explorer.engine

    def explain(
        path: str | None,
        size: str,
        mode: str,
        name: str,
        state: dict,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - this is how Gradio passes it
    ):
        if path is None:  # CLEARED has emptied the viewer
            yield gr.skip(), {**state, "shown": None}
            return
        model = _model(engine, name)
        known = {"session": request.session_hash or "", "shown": None}
        if state.get("shown") == (path, size, mode, model.id):  # an example or a link has brought its maps already
            yield gr.skip(), known
            return
        session = known["session"]
        for value in explorer.payloads(
            path, size, mode, session, lambda part, stage: progress(part, desc=stage), model
        ):
            yield value, known

    def explain_again(
        event: gr.EventData,
        path: str | None,
        size: str,
        mode: str,
        name: str,
        state: dict,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - as above
    ):
        yield from explain(path, size, mode, name, state, request, progress)
        yield reply("rerun", details_of(event), {}), gr.skip()

    def choose(event: gr.EventData, name: str, request: gr.Request) -> tuple[Any, ...]:
        """An example: its stored CAMs at once, and its image in the upload, whose change requests the rest."""
        details = details_of(event)
        try:
            example = explorer.examples.get(str(details.get("id")))
            if example is None:
                raise InvalidSetting("There is no such example: reload the page.")
            path = serve_file(image, example.path)
            model = _model(engine, name)
            start = (start_size(model), model.config.modes[0])
            value = explorer.example_payload(example, *start, model)
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return refusal("example", details, error), *(gr.skip(),) * 4
        new = {"session": request.session_hash, "shown": None if value is None else (path, *start, model.id)}
        shown = {} if value is None else {"value": value}
        return reply("example", details, {"stored": value is not None}) | shown, path, *start, new

    def switch(name: str) -> tuple:
        """Another checkpoint: it starts from its own size and mode."""
        model = _model(engine, name)
        modes = list(model.config.modes)
        return start_size(model), gr.update(choices=modes, value=modes[0], info=mode_note(modes, modes[0]))

    def cleared(state: dict, request: gr.Request) -> dict:
        engine.turns.leave(request.session_hash or "")
        return {**state, "shown": None}

    listener = {
        "fn": explain,
        "inputs": [image, page.size, page.mode, page.networks, state],
        "outputs": [viewer, state],
        "show_progress_on": viewer,
        "api_visibility": "private",
        **MODEL,
    }
    run = gr.on([image.change, page.size.input, page.mode.input], trigger_mode="always_last", **listener)
    switched = page.networks.input(switch, page.networks, [page.size, page.mode], trigger_mode="always_last", **LIGHT)
    rerun = switched.then(**listener)
    again = viewer.rerun(**{**listener, "fn": explain_again}, trigger_mode="multiple")
    image.change(None, image, viewer, js=CLEARED, api_visibility="private")
    # What is still computed belongs to an image that is gone.
    image.clear(None, cancels=[run, rerun, again])
    image.clear(cleared, state, state, **LIGHT)
    page.mode.change(
        lambda mode, name: gr.update(info=mode_note(_model(engine, name).config.modes, mode)),
        [page.mode, page.networks],
        page.mode,
        **LIGHT,
    )
    chosen = viewer.example(
        choose,
        page.networks,
        [viewer, image, page.size, page.mode, state],
        concurrency_limit=8,
        **QUIET,
    )
    image.input(None, cancels=[chosen], api_visibility="private")  # the user's own image wins


def _model(engine: Engine, name: str) -> Model:
    """The model that the field names; the current one where that has been replaced meanwhile."""
    return engine.named(name) if name in engine.names else engine.model
