"""The image on the page, its run and the viewer as one HTML file that needs no server."""

from __future__ import annotations

import base64
import json
from typing import Any

from app.core.analysis import Analysis
from app.core.codec import image_url
from app.requests.export_common import file_name
from app.requests.saved_screen import SavedScreen
from app.rpc import Page
from app.viewer.saved_page import IMAGE_QUALITY, document

KIND = "page"


def interactive_page(analysis: Analysis, details: dict[str, Any], page: Page) -> tuple[str, bytes]:
    """The file, which opens with the screen that the browser describes.

    Args:
        analysis: the image on the page.
        details: values from the browser, not to be trusted: `query`, `scenes` and `drawn` of a `SavedScreen`.
        page: the app's.

    Returns:
        A file name of plain letters, and HTML in UTF-8.

    Raises:
        InvalidSetting: the details cannot be used.
    """
    saved = SavedScreen.of(analysis, details)
    header, data = page.explorer.encode(analysis)
    record = {
        "value": header
        | {"image": image_url(analysis.image, quality=IMAGE_QUALITY), "data": base64.b64encode(data).decode()},
        "results": json.loads(page.viewer.props["results"]),
        "saved": saved.values(),
    }
    return f"{file_name(analysis, [], KIND)}.html", document(record)
