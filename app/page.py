"""The page: components, and which event makes which request. Built once from an AppConfig."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from app import api
from app.cli import AppConfig
from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.checkpoint_sources import ROOT, bundled_checkpoints
from app.core.engine import Engine
from app.core.examples import gather
from app.features import (
    ablation,
    attention,
    custom_checkpoint,
    explainers,
    explore,
    export,
    faithfulness,
    masks,
    permalinks,
)
from app.gradio_compat import LAUNCH
from app.inputs import input_fields
from app.rpc import Page
from app.server.hosting import Served, server_options
from app.theme import CSS, HEADER, theme
from app.viewer import NO_RESULTS, Viewer

HOUR = 3600
LIGHT_THREADS = 40
"""Threads for answers that need no networks, beside those of the requests that wait for them."""
SESSIONS = 1000
"""Visitors whose fields the server keeps, some kilobytes each; the least recent one is dropped first."""
SUMMARY = ROOT / "results" / "summary.json"
"""What the Results tab shows, written by `scripts.report`."""
WORDS = {
    "common.complete": "Done",  # shown when an event has ended; Gradio has no word for it in any language
    "image.drop_to_upload": "Drop Image Here - or - Click to Upload",  # the upload's accessible name: its visible text
}
"""Texts of Gradio's own components in English."""

FEATURES: tuple[Callable[[Page], None], ...] = (
    explore.register,
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
                chosen = input_fields(engine, explorer.modes)
                own = custom_checkpoint.fields() if config.allow_custom_checkpoints else None
            with gr.Column(scale=4, min_width=320, elem_id="crt-main"):
                viewer = Viewer(
                    cards=json.dumps(explorer.cards()),
                    results=json.dumps(results()),
                    elem_id="crt-maps",
                )

        page = Page(config, explorer, viewer, *chosen, state)
        for wire in FEATURES:
            wire(page)
        if own is not None:
            custom_checkpoint.register(explorer, viewer, chosen.mode, chosen.networks, *own)
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


def _forget(cache: PredictionCache, engine: Engine):
    def forget(request: gr.Request) -> None:
        engine.turns.leave(request.session_hash or "")
        cache.drop(request.session_hash)

    return forget
