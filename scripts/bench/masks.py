"""From seeds to masks: the dense CRF, the IRN and the sparse random walk, of one image."""

from __future__ import annotations

from typing import Any

import numpy as np

from crt.checkpoint import load_checkpoint
from crt.errors import InvalidSetting
from crt.models.irn import edge_map
from crt.predictor import Predictor
from crt.pseudo_labels.crf import crf_labels
from crt.pseudo_labels.random_walk import random_walk
from scripts.bench.maps import photo
from scripts.bench.timing import in_milliseconds, in_turns


def masks(checkpoint: str, runs: int) -> dict[str, Any]:
    """Milliseconds of each stage of a 500 × 375 image with two classes. Raises InvalidSetting without relations."""
    predictor = Predictor(load_checkpoint(checkpoint))
    network = predictor.checkpoint.relation
    if network is None:
        raise InvalidSetting(f"{checkpoint} has no IRN: train one with scripts.train_irn.")
    image = photo()

    def edges() -> np.ndarray:
        """As the app computes them in float32."""
        with predictor.turn():
            return edge_map(network, image)

    edge = edges()
    seeds = np.random.default_rng(0).random((2, *edge.shape[-2:]), dtype=np.float32)
    labels = np.zeros(image.shape[:2], dtype=np.uint8)
    labels[100:300, 100:300], labels[50:90, 300:450] = 1, 2
    ways = {
        "dense CRF on labels": lambda: crf_labels(image, labels, 3),
        "IRN": edges,
        "random walk": lambda: random_walk(seeds, edge),
    }
    return {name: in_milliseconds(times) for name, times in in_turns(ways, runs).items()}
