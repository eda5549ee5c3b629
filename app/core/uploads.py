"""The upload."""

from __future__ import annotations

from typing import Any

import gradio as gr


class ImageUpload(gr.Image):
    """An upload that passes on the path unopened: `crt.data.images` reads it, with its limits and messages."""

    def preprocess(self, payload: Any) -> str | None:
        """The path of the uploaded file.

        Args:
            payload: Gradio's.

        Returns:
            The path, or None.
        """
        return payload.path if payload is not None else None

    def get_block_name(self) -> str:
        """Gradio's own image component draws it."""
        return "image"
