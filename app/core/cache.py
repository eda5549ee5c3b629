"""Predictions of all sessions, bounded in bytes; no session reads those of another."""

from __future__ import annotations

import threading
from collections import OrderedDict

from crt.prediction import Prediction
from crt.predictor import InferenceConfig

PredictionKey = tuple[str, str, InferenceConfig]


class PredictionCache:
    """An LRU cache of Predictions over all sessions that never holds more than `limit` bytes.

    A Prediction is found only by the session that put it there. Threads may share a cache.

    Args:
        limit: bytes of all Predictions together.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._predictions: OrderedDict[PredictionKey, Prediction] = OrderedDict()
        self._bytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all Predictions held."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._predictions)

    def get(self, session: str, image: str, settings: InferenceConfig) -> Prediction | None:
        """The Prediction that a session made of an image.

        Args:
            session: Gradio's session hash.
            image: a name of model and image.
            settings: of the run.

        Returns:
            The Prediction, or None.
        """
        with self._lock:
            prediction = self._predictions.get((session, image, settings))
            if prediction is not None:
                self._predictions.move_to_end((session, image, settings))
            return prediction

    def put(self, session: str, image: str, settings: InferenceConfig, prediction: Prediction) -> None:
        """Keep a Prediction and drop those unused for longest. One larger than the limit is not kept.

        Args:
            session: Gradio's session hash.
            image: a name of model and image.
            settings: of the run.
            prediction: that is kept.
        """
        with self._lock:
            self._remove((session, image, settings))
            if prediction.nbytes > self.limit:
                return
            while self._bytes + prediction.nbytes > self.limit:
                self._remove(next(iter(self._predictions)))
            self._predictions[(session, image, settings)] = prediction
            self._bytes += prediction.nbytes

    def drop(self, session: str | None) -> None:
        """Drop everything of a session that has ended.

        Args:
            session: Gradio's session hash.
        """
        with self._lock:
            for key in [key for key in self._predictions if key[0] == session]:
                self._remove(key)

    def _remove(self, key: PredictionKey) -> None:
        prediction = self._predictions.pop(key, None)
        if prediction is not None:
            self._bytes -= prediction.nbytes
