"""Predictions of all sessions, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from crt.inference_config import InferenceConfig
from crt.prediction import Prediction

PredictionKey = tuple[str, InferenceConfig]


@dataclass
class _Entry:
    """A Prediction and the sessions that have requested it."""

    prediction: Prediction
    sessions: set[str | None] = field(default_factory=set)


class PredictionCache:
    """An LRU cache of Predictions over all sessions that never holds more than `limit` bytes.

    A Prediction is found by the pixels that it was made of, whoever has them, and is dropped when the last session that
    has requested it ends. Threads may share a cache.

    Args:
        limit: bytes of all Predictions together.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._entries: OrderedDict[PredictionKey, _Entry] = OrderedDict()
        self._bytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all Predictions held."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, session: str | None, image: str, settings: InferenceConfig) -> Prediction | None:
        """A Prediction of an image that holds all that a run with these settings gives.

        Args:
            session: Gradio's session hash; the Prediction is kept as long as this session.
            image: a name of model and pixels.
            settings: of the run.

        Returns:
            The Prediction, which may hold more networks and loop counts, or None.
        """
        with self._lock:
            entry = self._covering(session, image, settings)
            return None if entry is None else entry.prediction

    def parts(self, image: str) -> list[tuple[InferenceConfig, Prediction]]:
        """All Predictions of an image.

        Args:
            image: a name of model and pixels.

        Returns:
            Each with the settings of its run, those used last at the end.
        """
        with self._lock:
            return [(key[1], entry.prediction) for key, entry in self._entries.items() if key[0] == image]

    def put(self, session: str | None, image: str, settings: InferenceConfig, prediction: Prediction) -> None:
        """Keep a Prediction, in place of those that hold a part of it, and drop those unused for longest.

        One that is a part of another, or larger than the limit, is not kept.

        Args:
            session: Gradio's session hash.
            image: a name of model and pixels.
            settings: of the run.
            prediction: that is kept.
        """
        with self._lock:
            if prediction.nbytes > self.limit or self._covering(session, image, settings) is not None:
                return
            entry = _Entry(prediction, {session})
            for key in [key for key in self._entries if key[0] == image and settings.covers(key[1])]:
                entry.sessions |= self._remove(key).sessions
            while self._bytes + prediction.nbytes > self.limit:
                self._remove(next(iter(self._entries)))
            self._entries[image, settings] = entry
            self._bytes += prediction.nbytes

    def drop(self, session: str | None) -> None:
        """Drop what only a session that has ended has requested.

        Args:
            session: Gradio's session hash.
        """
        with self._lock:
            for key, entry in list(self._entries.items()):
                entry.sessions.discard(session)
                if not entry.sessions:
                    self._remove(key)

    def _covering(self, session: str | None, image: str, settings: InferenceConfig) -> _Entry | None:
        """The entry that holds all of this, now used by the session."""
        covering = (key for key in self._entries if key[0] == image and key[1].covers(settings))
        if (key := next(covering, None)) is None:
            return None
        self._entries.move_to_end(key)
        self._entries[key].sessions.add(session)
        return self._entries[key]

    def _remove(self, key: PredictionKey) -> _Entry:
        entry = self._entries.pop(key)
        self._bytes -= entry.prediction.nbytes
        return entry
