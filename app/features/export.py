"""What is on the screen as files: a figure in three formats, the maps, the masks and the settings, as one ZIP."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

from app.core.analysis import Analysis
from app.gradio_compat import serve_bytes
from app.requests.export_request import ExportRequest, MapSpec
from app.requests.export_view import ExportView
from app.rpc import Page
from crt.errors import InvalidSetting
from crt.pseudo_labels.label_png import LABELS, indexed_png, labels_of_image
from crt.viz.plots import Kind

LIMIT = 64 * 2**20  # bytes of a file
FIGURES: tuple[Kind, ...] = ("png", "pdf", "svg")
EVERYTHING = "zip"


def register(page: Page) -> None:
    """Answer `export`: the file of the kind asked for, where the server may serve it from, and its name."""

    def export(look: Analysis, details: dict[str, Any]) -> dict[str, Any]:
        config = (look.model or page.explorer.engine.model).config
        kind, name, data = made(ExportView.of(look, ExportRequest.of(look, details), config), details.get("kind"))
        return {"kind": kind, "name": name, "size": len(data), "download": serve_bytes(page.viewer, data, name)}

    page.on("export", export, concurrency_id="export", concurrency_limit=1)


def made(screen: ExportView, kind: Any) -> tuple[str, str, bytes]:
    """Kind, name and bytes of the file asked for. Raises InvalidSetting for an unknown kind or too large a file."""
    if kind == EVERYTHING:
        data = archive(screen)
    elif kind in FIGURES:
        data = screen.figures([kind])[kind]
    else:
        raise InvalidSetting(f"Unknown kind of file: choose {', '.join((EVERYTHING, *FIGURES))}.")
    if len(data) > LIMIT:
        raise InvalidSetting(f"This file is larger than {LIMIT // 2**20} MB: export less at once.")
    return kind, f"{screen.name}.{kind}", data


def archive(screen: ExportView) -> bytes:
    """All files of a screen as the bytes of a ZIP; the same screen gives the same bytes."""
    files = {f"figure.{kind}": data for kind, data in screen.figures(FIGURES).items()}
    files["maps.npz"] = maps(screen)
    labelled = all(index < LABELS for index in screen.shown.classes)
    if labelled:
        files |= {f"mask_{wanted.key}.png": mask(screen, wanted) for wanted in screen.shown.maps}
    files["settings.json"] = (json.dumps(screen.settings(), indent=1) + "\n").encode()
    files["README.txt"] = (readme(screen, labelled=labelled) + "\n").encode(errors="replace")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped:
        for name, data in files.items():
            zipped.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def maps(screen: ExportView) -> bytes:
    """The maps of each network shown as the bytes of an npz: (K, h, w) float32 per network, spans, class names."""
    prediction, shown = screen.look.prediction, screen.shown
    arrays: dict[str, np.ndarray] = {
        "classes": np.array(screen.classes),
        "indices": np.array(shown.classes),
        "source": np.array(prediction.source),
    }
    for wanted in shown.maps:
        arrays[wanted.key] = prediction.cams(wanted.method, classes=shown.classes, **wanted.options)
        arrays[f"{wanted.key}.content_size"] = np.array(prediction.content_size(wanted.method))
        arrays[f"{wanted.key}.scores"] = prediction.scores(wanted.method, wanted.options["loops"])[list(shown.classes)]
    if shown.extra is not None:
        arrays |= {"extra": shown.extra.values, "extra.content_size": np.array(shown.extra.content_size)}
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # pyright: ignore[reportArgumentType]
    return stream.getvalue()


def mask(screen: ExportView, wanted: MapSpec) -> bytes:
    """The mask of the chosen classes by one map, in the image's own pixels, as the bytes of an indexed PNG."""
    prediction, shown = screen.look.prediction, screen.shown
    cells = prediction.cams(wanted.method, classes=shown.classes, **wanted.options)
    return indexed_png(
        labels_of_image(
            cells, prediction.content_size(wanted.method), prediction.source, shown.classes, shown.threshold
        )
    )


def readme(screen: ExportView, *, labelled: bool) -> str:
    """One paragraph about the files."""
    labels = (
        "mask_NETWORK.png are masks at the threshold in the image's own pixels, indexed in PASCAL VOC's palette: "
        "0 is background, k + 1 the class of index k; where classes overlap the stronger one, relative to its own "
        "largest value, wins. "
        if labelled
        else f"There are no masks, because an indexed PNG tells {LABELS} classes apart and one of these comes later. "
    )
    return (
        f"Class activation maps of {', '.join(screen.classes)}. figure.png (300 dpi), figure.pdf and figure.svg show "
        "what was on the screen; in the last two, text and outlines are vectors. maps.npz, which numpy.load reads, "
        "holds for each network an array (K, h, w) of raw, non-negative evidence for the K classes on a grid of cells, "
        "and NETWORK.content_size, the height and width of the image in cells: what lies beyond is padding. "
        f"{labels}settings.json holds every setting, the checkpoint's hash and the versions of the programs."
    )
