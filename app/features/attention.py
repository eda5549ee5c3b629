"""The Layers tab and the click on a patch: what the class token or one patch token attends to, block by block."""

from __future__ import annotations

from typing import Any

from app.core.analysis import Analysis
from app.core.codec import encode_arrays
from app.core.decoded import fingerprint
from app.requests.validation import number, transformer_of
from app.rpc import MODEL, Page


def register(page: Page) -> None:
    """Answer `inspect` (one patch token) and `load_heads` (all heads and the rollout of the class token).

    Args:
        page: the components.
    """
    engine = page.explorer.engine

    def inspect(analysis: Analysis, details: dict[str, Any]) -> dict[str, Any]:
        from crt.predictor import Predictor  # noqa: PLC0415 - timm is loaded with the networks

        method = transformer_of(analysis, details)
        at = (number(details, "y", 0, 1), number(details, "x", 0, 1))
        model = analysis.model or engine.model
        same = fingerprint(analysis.image), analysis.settings, method, at
        token = model.run(Predictor.token, analysis.image, analysis.settings, method=method, at=at, same=same)
        arrays, data = encode_arrays({"attention": token.attention, "similarity": token.similarity})
        where = {"tile": token.tile, "patch": token.patch, "cell": token.cell}
        return {"method": method, **where, "prefix": token.prefix_attention.tolist(), "arrays": arrays, "data": data}

    def load_heads(analysis: Analysis, details: dict[str, Any]) -> dict[str, Any]:
        from crt.predictor import Predictor  # noqa: PLC0415 - as above

        method = transformer_of(analysis, details)
        layers = (analysis.model or engine.model).run(
            Predictor.layers,
            analysis.image,
            analysis.settings,
            method=method,
            same=(fingerprint(analysis.image), analysis.settings, method),
        )
        arrays, data = encode_arrays({"heads": layers.heads, "rollout": layers.rollout})
        return {"method": method, "arrays": arrays, "data": data}

    page.on("inspect", inspect, **MODEL)
    page.on("load_heads", load_heads, **MODEL)
