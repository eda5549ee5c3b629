"""What a tab shows as files: figures, their data and the settings, as one ZIP."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from app.core.analysis import Analysis
from app.core.models import Model
from app.features.export_ablate import AblateView
from app.features.export_layers import LayersView
from app.features.export_masks import MasksView
from app.requests.export_request import ExportRequest
from app.requests.export_sheet import Exported
from app.requests.export_view import ExportView
from app.requests.figure_options import SCREEN, FigureOptions
from app.rpc import Page
from crt.errors import InvalidSetting
from crt.viz.plots import Kind
from crt.viz.print_file import render
from crt.viz.print_size import MILLIMETRES

FILE_BYTES = 64 * 2**20  # bytes of a file
PREVIEW_DPI = 144
FIGURES: tuple[Kind, ...] = ("png", "pdf", "svg")
EVERYTHING = "zip"
MASK = "mask"
PREVIEW = "preview"


EXPORTERS: dict[str, Callable[[Analysis, dict[str, Any], Model, Page], Exported]] = {
    "explore": lambda analysis, details, model, page: ExportView.of(  # noqa: ARG005 - what others need
        analysis, ExportRequest.of(analysis, details), model.config
    ),
    "ablate": lambda analysis, details, model, page: AblateView.of(analysis, details, model, page.explorer),
    "layers": lambda analysis, details, model, page: LayersView.of(analysis, details, model),  # noqa: ARG005
    "masks": lambda analysis, details, model, page: MasksView.of(analysis, details, model),  # noqa: ARG005
}
"""What each tab about an image shows, from what the browser sends."""


def file_of(screen: Exported, details: dict[str, Any]) -> tuple[Any, str, bytes, dict[str, Any]]:
    """The requested file of a screen.

    Args:
        screen: the contents of the tab.
        details: values from the browser, not to be trusted: `kind`, `tile` and those of `FigureOptions`.

    Returns:
        Kind, name and bytes of the file, and what the answer holds besides, see `app.features.export`.

    Raises:
        InvalidSetting: an unknown kind, mask or option, or a file larger than `FILE_BYTES` bytes.
    """
    kind, options, more = details.get("kind"), FigureOptions.of(details), {}
    if kind == PREVIEW:
        name, data, more = preview(screen, options)
    else:
        kind, name, data = made(screen, kind, details.get("tile"), options)
    if options.caption == "file" and kind in FIGURES:
        more = {"caption": screen.sheet().caption(options)}
    return kind, name, data, more


def shown_by(analysis: Analysis, details: dict[str, Any], page: Page) -> Exported:
    """The contents of the requested tab.

    Args:
        analysis: the image on the page with its Prediction.
        details: values from the browser, not to be trusted.
        page: the components.

    Returns:
        The contents.

    Raises:
        InvalidSetting: an unknown tab, or wrong values.
    """
    tab = details.get("tab")
    if not isinstance(tab, str) or tab not in EXPORTERS:
        raise InvalidSetting(f"Unknown tab: choose one of {', '.join(EXPORTERS)}.")
    return EXPORTERS[tab](analysis, details, analysis.model or page.explorer.engine.model, page)


def preview(screen: Exported, options: FigureOptions) -> tuple[str, bytes, dict[str, Any]]:
    """The figure as it will be printed, with the pixels of a screen.

    Args:
        screen: the contents of the tab.
        options: for print.

    Returns:
        A file name, the bytes of a PNG, and `width` and `height` of the figure in millimetres.
    """
    figure = screen.sheet().figure(options)
    width, height = (round(side * MILLIMETRES, 1) for side in figure.get_size_inches())
    data = render(figure, "png", dpi=PREVIEW_DPI)
    check_length(data)
    return f"{screen.name}-preview.png", data, {"width": width, "height": height}


def made(screen: Exported, kind: Any, tile: Any = None, options: FigureOptions = SCREEN) -> tuple[str, str, bytes]:
    """Make the requested file.

    Args:
        screen: the contents of the tab.
        kind: one of `FIGURES`, `EVERYTHING` or `MASK`.
        tile: the name of a mask of the Masks tab, where `kind` is `MASK`.
        options: of figures for print.

    Returns:
        Kind, name and bytes of the file.

    Raises:
        InvalidSetting: an unknown kind or mask, or a file larger than `FILE_BYTES` bytes.
    """
    name = f"{screen.name}.{kind}"
    if kind == EVERYTHING:
        data = archive(screen, options)
    elif kind in FIGURES:
        data = screen.figures([kind], options)[kind]
    elif kind == MASK and isinstance(screen, MasksView):
        name, data = f"{screen.name}-{tile}.png", screen.png(tile)
    else:
        raise InvalidSetting(f"Unknown kind of file: choose {', '.join((EVERYTHING, *FIGURES))}.")
    check_length(data)
    return kind, name, data


def check_length(data: bytes) -> None:
    """Refuse a file that is too large.

    Args:
        data: its bytes.

    Raises:
        InvalidSetting: they are more than `FILE_BYTES`.
    """
    if len(data) > FILE_BYTES:
        raise InvalidSetting(f"This file is larger than {FILE_BYTES // 2**20} MB: export less at once.")


def archive(screen: Exported, options: FigureOptions = SCREEN) -> bytes:
    """All files of a screen as a ZIP; the same screen gives the same bytes.

    Args:
        screen: the contents of the tab.
        options: of figures for print.

    Returns:
        The bytes of the ZIP.
    """
    files = {f"figure.{kind}": data for kind, data in screen.figures(FIGURES, options).items()}
    if options.caption == "file":
        files["caption.txt"] = screen.sheet().caption(options).encode(errors="replace")
    files |= screen.files()
    files["settings.json"] = (json.dumps(screen.settings(), indent=1) + "\n").encode()
    files["README.txt"] = (screen.readme() + "\n").encode(errors="replace")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped:
        for name, data in files.items():
            zipped.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
