"""A run of what an answer needs, beside a run of all that the page shows."""

from __future__ import annotations

from typing import Any

from crt.predictor import InferenceConfig, Predictor
from scripts.bench.maps import MAP_LOOPS, photo
from scripts.bench.timing import compared, in_turns


def needed(predictor: Predictor, size: int, runs: int) -> dict[str, Any]:
    """Milliseconds of what `/predict`, `/cams` and `/masks` run for one image with the checkpoint's defaults."""
    loops, image = min(predictor.checkpoint.config.defaults.loops, MAP_LOOPS), photo()
    method = "crt" if "crt" in predictor.checkpoint.networks else next(iter(predictor.checkpoint.networks))
    settings = {
        "/masks": InferenceConfig(size=size, loops=loops, methods=(method,)),
        "/cams": InferenceConfig(size=size, loops=loops),
        "/predict": InferenceConfig(size=size, loops=MAP_LOOPS),
    }
    ways = {name: lambda one=one: predictor.predict(image, one) for name, one in settings.items()}
    return {"loops": loops, "network": method, **compared(in_turns(ways, runs), "/masks")}
