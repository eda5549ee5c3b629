"""The data of Explore's export: raw CAMs, masks and a description, from the Prediction."""

from __future__ import annotations

import io
from typing import Protocol

import numpy as np

from app.core.analysis import Analysis
from app.requests.export_request import ExportRequest, MapSpec
from crt.postprocess import MAX_CLASSES
from crt.pseudo_labels.label_png import indexed_png, labels_of_image


class ShownMaps(Protocol):
    """The maps on the screen with their settings: `app.requests.export_view.ExportView`."""

    @property
    def analysis(self) -> Analysis:
        """The image with its Prediction."""
        ...

    @property
    def shown(self) -> ExportRequest:
        """The settings of the page."""
        ...

    @property
    def class_ids(self) -> tuple[int, ...]:
        """Of the maps, each once."""
        ...

    @property
    def classes(self) -> list[str]:
        """Their names."""
        ...


def files_of(screen: ShownMaps) -> dict[str, bytes]:
    """The files of the export without the figures.

    Args:
        screen: the maps on the screen with their settings.

    Returns:
        CAMs as one npz and a mask for each, by file name.
    """
    files = {"maps.npz": maps(screen)}
    if labelled(screen):
        files |= {f"mask_{wanted.key}.png": mask(screen, wanted) for wanted in screen.shown.maps}
    return files


def labelled(screen: ShownMaps) -> bool:
    """Whether an indexed PNG has a value for each chosen class.

    Args:
        screen: the maps on the screen with their settings.

    Returns:
        Whether it has.
    """
    return all(index < MAX_CLASSES for index in screen.class_ids)


def maps(screen: ShownMaps) -> bytes:
    """The CAMs of each network on the screen.

    Args:
        screen: the maps on the screen with their settings.

    Returns:
        The bytes of an npz: (K, h, w) float32 per network, content sizes, scores and class names.
    """
    prediction, shown = screen.analysis.prediction, screen.shown
    arrays: dict[str, np.ndarray] = {
        "classes": np.array(screen.classes),
        "indices": np.array(screen.class_ids),
        "source": np.array(prediction.source),
    }
    for wanted in shown.maps:
        arrays[wanted.key] = prediction.cams(wanted.method, classes=wanted.classes, **wanted.options)
        arrays[f"{wanted.key}.content_size"] = np.array(prediction.content_size(wanted.method))
        arrays[f"{wanted.key}.scores"] = prediction.scores(wanted.method, wanted.options["loops"])[list(wanted.classes)]
        if wanted.named:
            arrays[f"{wanted.key}.indices"] = np.array(wanted.classes)
    for added in shown.added_panels:
        arrays[added.key] = added.values
        arrays[f"{added.key}.content_size"] = np.array(added.content_size)
        if added.classes:
            arrays[f"{added.key}.indices"] = np.array(added.classes)
    return packed(arrays)


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """Arrays as an npz.

    Args:
        arrays: by name.

    Returns:
        The bytes of the file.
    """
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # pyright: ignore[reportArgumentType]
    return stream.getvalue()


def mask(screen: ShownMaps, wanted: MapSpec) -> bytes:
    """The mask of its classes by one CAM.

    Args:
        screen: the maps on the screen with their settings.
        wanted: the CAM.

    Returns:
        The bytes of an indexed PNG of the image's own size.
    """
    prediction, shown = screen.analysis.prediction, screen.shown
    cells = prediction.cams(wanted.method, classes=wanted.classes, **wanted.options)
    size = prediction.content_size(wanted.method)
    return indexed_png(labels_of_image(cells, size, prediction.source, wanted.classes, shown.threshold))


def readme(screen: ShownMaps) -> str:
    """One paragraph about the files.

    Args:
        screen: the maps on the screen with their settings.

    Returns:
        The text.
    """
    named = any(wanted.named for wanted in screen.shown.maps)
    name = "NETWORK_CLASS" if named else "NETWORK"
    own = f" {name}.indices are the classes of each." if named else ""
    labels = (
        f"mask_{name}.png are masks at the threshold, {LABEL_WORDS}; where classes overlap the stronger one, relative "
        "to its own largest value, wins. "
        if labelled(screen)
        else f"There are no masks, because an indexed PNG holds {MAX_CLASSES} classes and one of these comes later. "
    )
    more = "".join(f"{added.key} (h, w) is the map of the panel {added.title}. " for added in screen.shown.added_panels)
    return (
        f"Class activation maps of {', '.join(screen.classes)}. {FIGURE_WORDS} maps.npz, which numpy.load reads, "
        f"holds for each map an array {name} (K, h, w) of raw, non-negative evidence for the K classes on a grid of "
        f"cells, and {name}.content_size, the height and width of the image in cells: what lies beyond is padding."
        f"{own} {more}{labels}{SETTINGS_WORDS}"
    )


FIGURE_WORDS = (
    "figure.png (300 dpi), figure.pdf and figure.svg show what was on the screen; in the last two, text and outlines "
    "are vectors."
)
LABEL_WORDS = "in the image's own pixels, indexed in PASCAL VOC's palette: 0 is background, k + 1 the class of index k"
SETTINGS_WORDS = "settings.json holds every setting, the checkpoint's hash and the versions of the programs."
