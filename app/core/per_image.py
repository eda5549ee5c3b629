"""A cache of arrays that networks compute from an image alone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from app.core.decoded import fingerprint
from app.core.models import Model

if TYPE_CHECKING:
    from crt.predictor import Predictor


class PerImage:
    """A cache of what networks compute from an image alone, for the images used last.

    Args:
        function: from a Predictor and (H, W, 3) uint8 to an array.
        kept: the most arrays.
    """

    def __init__(self, function: Callable[[Predictor, np.ndarray], np.ndarray], kept: int = 16) -> None:
        self.function, self.kept = function, kept
        self.known: OrderedDict[str, np.ndarray] = OrderedDict()
        self._turn = threading.Lock()

    def of(self, image: np.ndarray, model: Model) -> np.ndarray:
        """The array of an image.

        Args:
            image: (H, W, 3) uint8.
            model: the checkpoint, whose networks run if the array is not in the cache.

        Returns:
            What `function` returns.
        """
        key = f"{model.id}/{fingerprint(image)}"
        with self._turn:
            found = self.known.get(key)
        if found is None:
            found = model.run(self.function, image, same=fingerprint(image))
        with self._turn:
            self.known[key] = found
            self.known.move_to_end(key)
            while len(self.known) > self.kept:
                self.known.popitem(last=False)
        return found
