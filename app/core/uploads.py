"""The upload."""

from __future__ import annotations

from typing import Any

import gradio as gr


class ImageUpload(gr.Image):
    """An upload that hands on the path unopened: `crt.data.images` reads it, with its guards, and gives the reason."""

    def preprocess(self, payload: Any) -> str | None:
        """The path of the uploaded file, or None."""
        return payload.path if payload is not None else None

    def get_block_name(self) -> str:
        """Gradio's own image component draws it."""
        return "image"
