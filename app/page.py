"""The page: components, and which event makes which request. Built once from an AppConfig."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from app import api
from app.cli import AppConfig
from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.checkpoint_sources import ROOT, bundled_checkpoints
from app.core.engine import Engine
from app.core.examples import gather
from app.core.input_sizes import NATIVE, NATIVE_LIMIT, SIZES, start_size
from app.core.models import Model
from app.core.uploads import ImageUpload
from app.features import (
    ablation,
    attention,
    custom_checkpoint,
    explainers,
    export,
    faithfulness,
    masks,
    permalinks,
)
from app.gradio_compat import LAUNCH, serve_file
from app.rpc import MODEL, QUIET, Page, refusal, reply
from app.server.hosting import Served, server_options
from app.server.security import details_of
from app.theme import CSS, HEADER, theme
from app.viewer import NO_RESULTS, Viewer
from crt.errors import InvalidSetting

HOUR = 3600
LIGHT_THREADS = 40
"""Threads for answers that need no networks, beside those of the requests that wait for them."""
SESSIONS = 1000
"""Visitors whose fields the server keeps, some kilobytes each; the least recent one is dropped first."""
SUMMARY = ROOT / "results" / "summary.json"
"""What the Results tab shows, written by `scripts.report`."""
MODE_NOTES = {
    "overlap": "tiles that overlap by half",
    "non-overlap": "tiles side by side",
    "bilinear": "one tile, its map made finer by interpolation",
    "deconvolution": "one tile, its map made finer by a trained layer",
}

CLEARED = "(image) => (image === null ? null : undefined)"
"""Empties the viewer as soon as the upload is empty, in the browser; `undefined` leaves it as it is."""

WORDS = {
    "common.complete": "Done",  # shown when an event has ended; Gradio has no word for it in any language
    "image.drop_to_upload": "Drop Image Here - or - Click to Upload",  # the upload's accessible name: its visible text
}
"""Texts of Gradio's own components in English."""

FEATURES: tuple[Callable[[Page], None], ...] = (
    ablation.register,
    attention.register,
    explainers.register,
    masks.register,
    permalinks.register,
    faithfulness.register,
    export.register,
)
"""What wires the events of the viewer's tabs, one function a feature."""


def build(config: AppConfig) -> Served:
    """Build the whole page.

    Args:
        config: what the command line decides.

    Returns:
        The page, not yet launched.

    Raises:
        InvalidCheckpoint: a checkpoint cannot be used.
        InvalidDataset: the folder of examples cannot be read.
        InvalidSetting: two checkpoints of one name, or a device that this machine does not have.
    """
    engine = Engine(
        config.checkpoint,
        config.device,
        bundled_checkpoints(config.checkpoint) if config.extra_checkpoints is None else config.extra_checkpoints,
        config.precision,
        config.queue_size,
    )
    cache = PredictionCache(config.cache_mb * 2**20)
    explorer = Explorer(engine, cache, gather(config.examples, config.class_names))

    with Served(title="CRT explorer", delete_cache=(HOUR, 2 * HOUR), analytics_enabled=False) as demo:
        demo.engine, demo.cache, demo.images = engine, cache, explorer.images
        gr.HTML(HEADER, elem_id="crt-header", apply_default_css=False)
        state = gr.State({}, time_to_live=HOUR, delete_callback=lambda value: cache.drop((value or {}).get("session")))
        with gr.Row(elem_id="crt-row"):
            with gr.Column(scale=1, min_width=260, elem_id="crt-side"):
                image = ImageUpload(
                    label="Image",
                    type="filepath",
                    sources=["upload", "clipboard", "webcam"],
                    height=260,
                    buttons=[],
                    elem_id="crt-image",
                )
                sizes = [(f"{size} px", str(size)) for size in SIZES] + [(f"native (up to {NATIVE_LIMIT} px)", NATIVE)]
                size = gr.Dropdown(
                    sizes, value=start_size(engine.model), label="Input size", info="Pixels of the longer side"
                )
                modes = explorer.modes
                mode = gr.Dropdown(
                    list(modes), value=modes[0], label="Cut-merge mode", info=_mode_note(modes, modes[0])
                )
                networks = gr.Dropdown(
                    engine.names,
                    value=engine.names[0],
                    label="Checkpoint",
                    info="Model weights and class list",
                    visible=len(engine.names) > 1,
                    elem_id="crt-checkpoint",
                )
                own = custom_checkpoint.fields() if config.allow_custom_checkpoints else None
            with gr.Column(scale=4, min_width=320, elem_id="crt-main"):
                viewer = Viewer(
                    cards=json.dumps(explorer.cards()),
                    results=json.dumps(results()),
                    elem_id="crt-maps",
                )

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
            return start_size(model), gr.update(choices=modes, value=modes[0], info=_mode_note(modes, modes[0]))

        listener = {
            "fn": explain,
            "inputs": [image, size, mode, networks, state],
            "outputs": [viewer, state],
            "show_progress_on": viewer,
            "api_visibility": "private",
            **MODEL,
        }
        run = gr.on([image.change, size.input, mode.input], trigger_mode="always_last", **listener)
        # In the queue as all others: an event outside the queue could be called around it.
        light = {"show_progress": "hidden", "concurrency_limit": 8, "api_visibility": "private"}
        switched = networks.input(switch, networks, [size, mode], trigger_mode="always_last", **light)
        rerun = switched.then(**listener)
        again = viewer.rerun(**{**listener, "fn": explain_again}, trigger_mode="multiple")
        image.change(None, image, viewer, js=CLEARED, api_visibility="private")
        # What is still computed belongs to an image that is gone.
        image.clear(None, cancels=[run, rerun, again])

        def cleared(state: dict, request: gr.Request) -> dict:
            engine.turns.leave(request.session_hash or "")
            return {**state, "shown": None}

        image.clear(cleared, state, state, **light)
        mode.change(
            lambda mode, name: gr.update(info=_mode_note(_model(engine, name).config.modes, mode)),
            [mode, networks],
            mode,
            **light,
        )
        chosen = viewer.example(
            choose,
            networks,
            [viewer, image, size, mode, state],
            concurrency_limit=8,
            **QUIET,
        )
        image.input(None, cancels=[chosen], api_visibility="private")  # the user's own image wins
        page = Page(config, explorer, viewer, image, size, mode, networks, state)
        for wire in FEATURES:
            wire(page)
        if own is not None:
            custom_checkpoint.register(explorer, viewer, mode, networks, *own)
        api.register(explorer)
        demo.unload(_forget(cache, engine))
    demo.queue(max_size=config.queue_size, api_open=False)
    return demo


def launch_options(config: AppConfig) -> dict[str, Any]:
    """Keywords of `Blocks.launch`. None leaves a value to its GRADIO_* variable.

    Args:
        config: what the command line decides.

    Returns:
        The keywords.
    """
    return {
        "server_name": config.host,
        "server_port": config.port,
        "share": True if config.share else None,
        "max_threads": config.queue_size + 1 + LIGHT_THREADS,
        "max_file_size": f"{config.max_upload_mb}mb",
        "allowed_paths": [],
        "show_error": False,
        "strict_cors": True,
        "run_history": False,
        "enable_monitoring": False,
        "state_session_capacity": SESSIONS,
        "ssr_mode": False,
        "footer_links": ["api"],
        "i18n": gr.I18n(en=WORDS),
        "theme": theme(),
        "css": CSS,
        **LAUNCH,
        **server_options(config),
    }


def results() -> dict[str, Any]:
    """What `SUMMARY` holds; `NO_RESULTS` where the results are left out."""
    return json.loads(SUMMARY.read_text(encoding="utf-8")) if SUMMARY.is_file() else NO_RESULTS


def _model(engine: Engine, name: str) -> Model:
    """The model that the field names; the current one where that has been replaced meanwhile."""
    return engine.named(name) if name in engine.names else engine.model


def _mode_note(modes: Sequence[str], mode: str) -> str:
    """What a mode does, and why another is missing."""
    what = MODE_NOTES.get(mode, mode) if mode in modes else "choose one"
    note = f"How a larger image goes through the transformer: {what}."
    if "deconvolution" not in modes:
        note += " This checkpoint has no trained layer for deconvolution."
    return note


def _forget(cache: PredictionCache, engine: Engine):
    def forget(request: gr.Request) -> None:
        engine.turns.leave(request.session_hash or "")
        cache.drop(request.session_hash)

    return forget
