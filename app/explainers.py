"""One more map beside the others: what another explainer (pytorch-grad-cam) says of one of the networks."""

from __future__ import annotations

import time
from typing import Any

from app.asked import classes_of, method_of
from app.explore import Look
from app.page import MODEL, Page
from app.payload import encode_arrays
from crt.errors import InvalidSetting
from crt.explain import EXPLAINERS
from crt.images import resize_long_side, to_tensor


def wire(page: Page) -> None:
    """Answer `explain`: raw maps (K, h, w) of the classes asked for, on the cells of that network's own maps."""
    engine = page.explorer.engine

    def explain(look: Look, details: dict[str, Any]) -> dict[str, Any]:
        method, classes = method_of(look, details), classes_of(look, details)
        name = details.get("name")
        if not isinstance(name, str) or name not in EXPLAINERS:
            raise InvalidSetting(f"Unknown explainer: choose one of {', '.join(EXPLAINERS)}.")
        predictor = (look.model or engine.model).predictor()
        size = look.settings.size
        pixels = to_tensor(look.image if size is None else resize_long_side(look.image, size)).to(predictor.device)
        start = time.perf_counter()
        maps = EXPLAINERS[name].explain(predictor.checkpoint.networks[method], pixels, classes, look.trace.grid)
        arrays, data = encode_arrays({"maps": maps})
        took = 1000 * (time.perf_counter() - start)
        return {"title": EXPLAINERS[name].title, "ms": took, "arrays": arrays, "data": data}

    page.on("explain", explain, **MODEL)
