"""What a visitor chooses before the networks run: image, input size, cut-merge mode, checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import gradio as gr

from app.core.engine import Engine
from app.core.input_sizes import NATIVE, NATIVE_LIMIT, SIZES, start_size
from app.core.uploads import ImageUpload

MODE_NOTES = {
    "overlap": "tiles that overlap by half",
    "non-overlap": "tiles side by side",
    "bilinear": "one tile, its map made finer by interpolation",
    "deconvolution": "one tile, its map made finer by a trained layer",
}


class Inputs(NamedTuple):
    """The fields.

    Attributes:
        image: the upload.
        size: pixels of the longer side, or `NATIVE`.
        mode: of cut-merge.
        networks: the name of the checkpoint; hidden where there is one.
    """

    image: gr.Image
    size: gr.Dropdown
    mode: gr.Dropdown
    networks: gr.Dropdown


def input_fields(engine: Engine, modes: Sequence[str]) -> Inputs:
    """Make the fields, placed where this is called.

    Args:
        engine: whose checkpoints can be chosen.
        modes: of the checkpoint that is chosen at the start.

    Returns:
        The fields, at the values that the checkpoint recommends.
    """
    image = ImageUpload(
        label="Image",
        type="filepath",
        sources=["upload", "clipboard", "webcam"],
        height=260,
        buttons=[],
        elem_id="crt-image",
    )
    sizes = [(f"{size} px", str(size)) for size in SIZES] + [(f"native (up to {NATIVE_LIMIT} px)", NATIVE)]
    size = gr.Dropdown(sizes, value=start_size(engine.model), label="Input size", info="Pixels of the longer side")
    mode = gr.Dropdown(list(modes), value=modes[0], label="Cut-merge mode", info=mode_note(modes, modes[0]))
    networks = gr.Dropdown(
        engine.names,
        value=engine.names[0],
        label="Checkpoint",
        info="Model weights and class list",
        visible=len(engine.names) > 1,
        elem_id="crt-checkpoint",
    )
    return Inputs(image, size, mode, networks)


def mode_note(modes: Sequence[str], mode: str) -> str:
    """What a mode does, and why another is missing.

    Args:
        modes: that the checkpoint has.
        mode: that is chosen.

    Returns:
        One or two sentences.
    """
    what = MODE_NOTES.get(mode, mode) if mode in modes else "choose one"
    note = f"How a larger image goes through the transformer: {what}."
    if "deconvolution" not in modes:
        note += " This checkpoint has no trained layer for deconvolution."
    return note
