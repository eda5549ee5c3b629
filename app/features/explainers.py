"""One more CAM beside the others: that of another explainer (pytorch-grad-cam) for one of the networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core.analysis import Analysis
from app.core.codec import encode_arrays
from app.core.decoded import fingerprint
from app.requests.validation import classes_of, method_of
from app.rpc import MODEL, Page
from crt.checkpoint import Method
from crt.data.resizing import resize_long_side, to_tensor
from crt.errors import InvalidSetting
from crt.inference_config import InferenceConfig
from crt.models.normalization import normalization_of
from crt.models.tiles import TileGrid

if TYPE_CHECKING:
    from crt.predictor import Predictor


def register(page: Page) -> None:
    """Answer `explain`: raw CAMs (K, h, w) of the requested classes, on the cells of that network's own CAMs.

    Args:
        page: the components.
    """
    engine = page.explorer.engine

    def explain(analysis: Analysis, details: dict[str, Any]) -> dict[str, Any]:
        method, classes = method_of(analysis, details), classes_of(analysis, details)
        from crt.analysis.explainers import EXPLAINERS  # noqa: PLC0415 - a fifth of the start, for one tool of the page

        name = details.get("name")
        if not isinstance(name, str) or name not in EXPLAINERS:
            raise InvalidSetting(f"Unknown explainer: choose one of {', '.join(EXPLAINERS)}.")
        start = time.perf_counter()
        model = analysis.model or engine.model
        maps = model.run(
            explained,
            analysis.image,
            analysis.settings,
            name,
            method,
            classes,
            analysis.prediction.grid,
            same=(fingerprint(analysis.image), analysis.settings, name, method, tuple(classes)),
            between=model.turns.pause,
        )
        arrays, data = encode_arrays({"maps": maps})
        took = 1000 * (time.perf_counter() - start)
        return {"title": EXPLAINERS[name].title, "ms": took, "arrays": arrays, "data": data}

    page.on("explain", explain, **MODEL)


def explained(
    predictor: Predictor,
    image: np.ndarray,
    settings: InferenceConfig,
    name: str,
    method: Method,
    classes: Sequence[int],
    grid: TileGrid,
    between: Callable[[], object] | None = None,
) -> np.ndarray:
    """Run an explainer.

    Args:
        predictor: whose networks are used.
        image: (H, W, 3) uint8.
        settings: input size and mode.
        name: of one of `EXPLAINERS`.
        method: the network.
        classes: K class ids from 0.
        grid: the tiles of the image at that size.
        between: called between two runs of the network.

    Returns:
        (K, h, w) float32, raw.
    """
    from crt.analysis.explainers import EXPLAINERS  # noqa: PLC0415 - as above

    network = predictor.checkpoint.networks[method]
    resized = image if settings.size is None else resize_long_side(image, settings.size)
    pixels = to_tensor(resized, *normalization_of(network)).to(predictor.device)
    return EXPLAINERS[name].explain(network, pixels, classes, grid, between)
