"""A Predictor for many visitors; imported, with the libraries of the networks, where networks are loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from crt.data.images import Source
from crt.inference_config import InferenceConfig
from crt.prediction import Prediction
from crt.predictor import Partial, Predictor, Progress


class SharedPredictor(Predictor):
    """A Predictor whose run can be paused between two of its steps."""

    def predict(
        self,
        source: Source,
        settings: InferenceConfig | None = None,
        *,
        progress: Progress | None = None,
        partial: Partial | None = None,
        keep_image: bool = False,
        pause: Callable[[], object] | None = None,
    ) -> Prediction:
        """As `Predictor.predict`.

        Args:
            source: an image as `crt.load_image` takes it.
            settings: input size, mode and what is recorded; `default_settings` if none is given.
            progress: called with the share that is done, 0 … 1, and the stage.
            partial: called with Predictions of what is recorded so far.
            keep_image: whether the Prediction keeps the image's pixels.
            pause: called between the steps, while the Predictor is free for other calls on this thread.

        Returns:
            The Prediction.

        Raises:
            InvalidImage: the image cannot be used.
            InvalidSetting: the checkpoint or an image of this size does not allow `settings`.
        """

        def report(part: float, stage: str) -> None:
            if pause is not None:
                with self.paused():
                    pause()
            if progress is not None:
                progress(part, stage)

        return super().predict(source, settings, progress=report, partial=partial, keep_image=keep_image)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A context inside `progress` in which other calls of this Predictor run, on this thread too.

        Yields:
            Nothing.
        """
        held = self._lock.held_here()
        if held:
            self._lock.release()
        try:
            yield
        finally:
            if held:
                self._lock.acquire()
