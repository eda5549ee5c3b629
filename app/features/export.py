"""Exports: a tab as files, and the interactive page. What draws is loaded with the first one."""

from __future__ import annotations

import json
from typing import Any

from app.core.analysis import Analysis
from app.gradio_compat import serve_bytes
from app.rpc import Page


def register(page: Page) -> None:
    """Answer `export` and, about no image, `export_results`.

    The answer is the path of the requested file, its kind, name and size in bytes.

    With a figure for print also `caption`, the text for a file beside it, where that is wanted, and with a preview
    `width` and `height` of the printed figure in millimetres.

    Args:
        page: the components.
    """

    def served(kind: Any, name: str, data: bytes, more: dict[str, Any]) -> dict[str, Any]:
        return {"kind": kind, "name": name, "size": len(data), "download": serve_bytes(page.viewer, data, name), **more}

    def export(analysis: Analysis, details: dict[str, Any]) -> dict[str, Any]:
        from app.features import export_answer, export_page  # noqa: PLC0415 - matplotlib is loaded for the first figure

        if details.get("kind") == export_page.KIND:
            name, data = export_page.interactive_page(analysis, details, page)
            export_answer.check_length(data)
            return served(export_page.KIND, name, data, {})
        return served(*export_answer.file_of(export_answer.shown_by(analysis, details, page), details))

    def export_results(details: dict[str, Any]) -> dict[str, Any]:
        from app.features.export_answer import file_of  # noqa: PLC0415 - as above
        from app.features.export_results import ResultsView  # noqa: PLC0415

        return served(*file_of(ResultsView.of(json.loads(page.viewer.props["results"]), details), details))

    page.on("export", export, concurrency_id="export", concurrency_limit=1)
    page.on_no_image("export_results", export_results, concurrency_id="export", concurrency_limit=1)
