"""A Prediction as a Plotly figure for notebooks: the image and each method's CAM over it, raw values at the pointer."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from crt.cam_spec import CamSpec
from crt.data.images import Source, load_image
from crt.errors import InvalidSetting, count_of
from crt.models.outputs import VitOutputs
from crt.pass_reductions import attention_words
from crt.prediction_record import PredictionRecord
from crt.resample import upsample_cam
from crt.types import METHOD_TITLES, UNIT_NAMES, Method
from crt.viz.colours import COLORMAP, fit

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PANEL = 360
"""Pixels of a panel's longer side: a CAM is drawn with this many values, which keeps a notebook small."""
SIDE_MARGIN, TOP_MARGIN, BOTTOM_MARGIN = 24, 104, 84
"""Pixels between the panels, above them and below."""
OPACITY = 0.6


def cam_figure(
    record: PredictionRecord,
    class_id: int,
    cams: Mapping[Method, np.ndarray],
    *,
    image: Source | None = None,
    spec: CamSpec | None = None,
) -> Figure:
    """The image and, beside it, each method's CAM of one class over it: `Prediction.figure`.

    Every CAM is coloured from 0 to its own largest value and has a colour bar in its own unit: logits, times attention
    where it is refined. At the pointer a panel shows the position in pixels of the image and the raw value there.

    Args:
        record: what is drawn.
        class_id: the class, counted from 0.
        cams: of each method from left to right, (1, h, w) raw CAMs of the class on the method's cells.
        image: the image that was run; the one that the record keeps by default.
        spec: loop count and refinement of the CAMs; the checkpoint's default if none is given.

    Returns:
        The figure, (1 + number of methods) panels wide.

    Raises:
        InvalidSetting: no image, one of another size, or no Plotly.
        InvalidImage: the image cannot be read.
    """
    go, make_subplots = _plotly()
    pixels = _image_of(record, image)
    small = _fitted(pixels)
    height, width = small.shape[:2]
    titles = ["image", *(_panel_title(record, method, class_id, spec) for method in cams)]
    across = len(titles) * (width + SIDE_MARGIN) - SIDE_MARGIN
    figure = make_subplots(1, len(titles), subplot_titles=titles, horizontal_spacing=SIDE_MARGIN / across)
    step = pixels.shape[1] / width, pixels.shape[0] / height  # pixels of the image from value to value
    source = _data_uri(small)
    for column, method in enumerate((None, *cams), 1):
        axis = "" if column == 1 else str(column)
        figure.add_layout_image(
            source=source, xref=f"x{axis}", yref=f"y{axis}", x=0, y=0, sizex=pixels.shape[1], sizey=pixels.shape[0],
            sizing="stretch", layer="below",
        )  # fmt: skip
        figure.update_xaxes(range=[0, pixels.shape[1]], visible=False, constrain="domain", row=1, col=column)
        figure.update_yaxes(
            range=[pixels.shape[0], 0], visible=False, constrain="domain", scaleanchor=f"x{axis}", row=1, col=column
        )
        if method is not None:
            refined = isinstance(record.record(method), VitOutputs) and record.spec_of(method, spec).refined
            values = upsample_cam(cams[method], record.content_size(method), (height, width))[0]
            domain = figure.layout[f"xaxis{axis}"].domain
            unit = UNIT_NAMES["product" if refined else "cam"]
            figure.add_trace(_heatmap(go, values, step, unit, domain, METHOD_TITLES[method]), row=1, col=column)
    figure.update_layout(
        title={
            "text": _title(record, class_id, spec),
            "x": 0,
            "xref": "paper",
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 14},
        },
        width=across + 2 * SIDE_MARGIN,
        height=height + TOP_MARGIN + BOTTOM_MARGIN,
        margin={"l": SIDE_MARGIN, "r": SIDE_MARGIN, "t": TOP_MARGIN, "b": BOTTOM_MARGIN},
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def _heatmap(
    go: Any, values: np.ndarray, step: tuple[float, float], unit: str, domain: tuple[float, float], name: str
) -> Any:
    """(h, w) raw values as a heat map over the image, its colour bar under it."""
    top = float(values.max())
    return go.Heatmap(
        z=values,
        x0=step[0] / 2, dx=step[0], y0=step[1] / 2, dy=step[1],
        zmin=0, zmax=top if top > 0 else 1.0,
        colorscale=COLORMAP, opacity=OPACITY, name=name,
        hovertemplate="x %{x:.0f} px, y %{y:.0f} px<br>%{z:.4g} " + unit + "<extra>" + name + "</extra>",
        colorbar={
            "orientation": "h", "title": {"text": unit, "side": "bottom"}, "thickness": 10,
            "x": (domain[0] + domain[1]) / 2, "xanchor": "center", "len": domain[1] - domain[0],
            "y": 0, "yanchor": "top", "ypad": 6,
        },
    )  # fmt: skip


def _title(record: PredictionRecord, class_id: int, spec: CamSpec | None) -> str:
    """The class, the loop count of CRT, the refinement, and the checkpoint."""
    parts = [f"<b>{escape(record.classes[class_id])}</b>"]
    vits: list[Method] = [name for name in record.methods if isinstance(record.record(name), VitOutputs)]
    if vits:
        first: Method = "crt" if "crt" in vits else vits[0]
        found = record.spec_of(first, spec)
        parts += [count_of(found.loops, "loop")] if "crt" in vits else []
        how = f"refined: {attention_words(found.pass_reduction, found.blocks)}" if found.refined else "not refined"
        parts.append(how)
    parts.append(f"checkpoint {escape(str(record.provenance.get('checkpoint', '?')))}")
    return " · ".join(parts)


def _panel_title(record: PredictionRecord, method: Method, class_id: int, spec: CamSpec | None) -> str:
    """The method, and its score of the class."""
    score = record.scores(method, record.spec_of(method, spec).loops)[class_id]
    return f"{METHOD_TITLES[method]}<br><sub>score {score:.2f} (logit)</sub>"


def _image_of(record: PredictionRecord, image: Source | None) -> np.ndarray:
    """(H, W, 3) uint8: the image that was run. Raises InvalidSetting where it is not known or has another size."""
    pixels = record.image if image is None else load_image(image)
    if pixels is None:
        raise InvalidSetting("This Prediction does not keep its image: give the image too.")
    (height, width), shape = record.source, pixels.shape
    if shape[:2] != record.source:
        raise InvalidSetting(
            f"This image has {shape[1]} × {shape[0]} pixels, and the one that was run {width} × {height}: give that."
        )
    return pixels


def _fitted(image: np.ndarray) -> np.ndarray:
    """An image resized so that its longer side has `PANEL` pixels."""
    height, width = image.shape[:2]
    return fit(image, max(1, round(PANEL * width / max(height, width))), tallest=max(1.0, height / width))


def _data_uri(image: np.ndarray) -> str:
    """(H, W, 3) uint8 -> a PNG that stands in the figure itself."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _plotly() -> tuple[Any, Any]:
    """`plotly.graph_objects` and `make_subplots`. Raises InvalidSetting where Plotly is not installed."""
    try:
        from plotly import graph_objects  # noqa: PLC0415 - only where a figure is asked for
        from plotly.subplots import make_subplots  # noqa: PLC0415
    except ImportError as error:
        raise InvalidSetting("Plotly, which draws figures, is not installed: pip install plotly.") from error
    return graph_objects, make_subplots
