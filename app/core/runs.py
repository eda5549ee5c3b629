"""Predictions of the page's images: from the cache, stored with an example, or of a run of the networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from app.core.cache import PredictionCache
from app.core.decoded import fingerprint, pixels_sha256, source_size
from app.core.engine import Engine
from app.core.examples import Example
from app.core.input_sizes import LOOPS
from app.core.models import Model
from app.core.progress import Progress, RunStage, throttle
from app.core.tickets import Ticket
from app.core.visitors import Wait, current_visitor, sentence_of, visiting
from crt.cam_spec import CamSpec
from crt.checkpoint import METHODS, Method
from crt.data.resizing import resize_long_side
from crt.errors import InvalidSetting
from crt.inference_config import InferenceConfig
from crt.prediction import Prediction


class Runs:
    """Runs each network once for each image, input size and mode.

    Args:
        engine: the checkpoints.
        cache: Predictions of all sessions.
        examples: by id.
    """

    def __init__(self, engine: Engine, cache: PredictionCache, examples: dict[str, Example]) -> None:
        self.engine = engine
        self.cache = cache
        self.examples = examples

    def cached(
        self, session: str, image: np.ndarray, settings: InferenceConfig, model: Model | None = None
    ) -> Prediction | None:
        """The Prediction of an image in the cache.

        Args:
            session: Gradio's session hash, which keeps it there.
            image: (H, W, 3) uint8.
            settings: of the run.
            model: the checkpoint; the current one if None.

        Returns:
            The Prediction, which may hold more than a run with these settings gives, or None.
        """
        return self.cache.get(session, _key(model or self.engine.model, image), settings)

    def predict(
        self,
        session: str,
        image: np.ndarray,
        settings: InferenceConfig,
        progress: Progress | None = None,
        model: Model | None = None,
    ) -> Prediction:
        """The Prediction of an image: from the cache, stored with an example, or of a new run.

        Args:
            session: Gradio's session hash.
            image: (H, W, 3) uint8.
            settings: of the run.
            progress: called with the share that is done, 0 … 1, and the stage.
            model: the checkpoint; if None the one that is current at the call, for the whole run.

        Returns:
            The Prediction.

        Raises:
            InvalidSetting: the checkpoint does not have this mode, or the image needs too many tiles.
            InvalidCheckpoint: the weights cannot be used.
            QueueFull: too many runs wait.
            VisitorLeft: the visitor has left.
        """
        parts = self.predict_in_parts(session, image, settings, progress, model)
        del image  # as there
        *_, (prediction, _) = parts
        return prediction

    def predict_in_parts(
        self,
        session: str,
        image: np.ndarray,
        settings: InferenceConfig,
        progress: Progress | None = None,
        model: Model | None = None,
    ) -> Iterator[tuple[Prediction, bool]]:
        """As `predict`, with what is there before the run has ended.

        Args:
            session: Gradio's session hash.
            image: (H, W, 3) uint8.
            settings: of the run.
            progress: called with the share that is done, 0 … 1, and the stage.
            model: the checkpoint; if None the one that is current at the call, for the whole run.

        Yields:
            Predictions of more and more networks and loop counts, as `Predictor.predict` reports them, and whether it
            is the last one, which is whole.

        Raises:
            InvalidSetting: the checkpoint does not have this mode, or the image needs too many tiles.
            InvalidCheckpoint: the weights cannot be used.
            QueueFull: too many runs wait.
            VisitorLeft: the visitor has left.
        """
        model = model or self.engine.model
        known = self._known(session, image, settings, model)
        if known is not None:
            yield known, True
            return
        if progress and not model.ready:
            progress(0.0, "Loading the networks")
        key, report = _key(model, image), throttle(progress)
        ticket = self._start(session, image, settings, progress, model)
        del image  # a large one that waits would only fill the memory
        try:
            for part in ticket.parts():
                if isinstance(part, RunStage):
                    report(part.share, part.name)
                elif _holds(part, settings, model):  # of a run for more than this
                    prediction = part
                    break
                else:
                    yield part, False
            else:
                prediction = ticket.result()
        finally:
            ticket.leave()
        self.cache.put(session, key, settings, prediction)
        yield prediction, True

    def _start(
        self, session: str, image: np.ndarray, settings: InferenceConfig, progress: Progress | None, model: Model
    ) -> Ticket:
        """Put a run of the networks into the order, or join one that gives as much. Its parts are `RunStage` and
        Predictions.
        """
        size, digest, key = source_size(image), pixels_sha256(image), _key(model, image)
        pixels = image if settings.size is None else resize_long_side(image, settings.size)
        wanted = _wanted(settings, model)

        def work(part: Callable[[Any], None]) -> Prediction:
            from app.core.shared_predictor import SharedPredictor  # noqa: PLC0415 - it came with the networks

            held = self._held(key, settings, wanted)  # now, as others may have run meanwhile
            records = {} if held is None else held.records
            missing = tuple(method for method in wanted if method not in records)
            if held is not None and not missing:
                return held

            def whole(prediction: Prediction) -> Prediction:
                """With what the cache holds, and the image that was resized, not its pixels at the input size."""
                provenance = prediction.provenance | {"image_sha256": digest, "settings": asdict(settings)}
                return replace(prediction, source=size, records=records | prediction.records, provenance=provenance)

            prediction = model.run_here(
                SharedPredictor.predict,
                pixels,
                replace(settings, methods=missing) if records else settings,
                pause=model.turns.pause,
                progress=lambda share, name: part(RunStage(share, name)),
                partial=lambda prediction: part(whole(prediction)),
            )
            return whole(prediction)

        def waiting(wait: Wait | None) -> None:
            if progress is not None:
                progress(0.0, sentence_of(wait))

        count = sum(1 + (settings.loops if method == "crt" else 0) for method in wanted)
        with visiting(session, current_visitor().waiting if progress is None else waiting):
            return model.start(
                work,
                key=_Run(key, settings),
                answers=lambda other: (
                    isinstance(other, _Run) and other.image == key and other.settings.covers(settings)
                ),
                kind=f"predict {settings.mode}",
                units=pixels.shape[0] * pixels.shape[1] * count,
            )

    def _held(self, key: str, settings: InferenceConfig, wanted: Sequence[Method]) -> Prediction | None:
        """What the cache has of a run with these settings: each wanted network that any run of this image has given."""
        held = None
        for known, prediction in self.cache.parts(key):
            covered: list[Method] = [name for name in wanted if known.covers(replace(settings, methods=(name,)))]
            if covered:
                records = {} if held is None else held.records
                records = {**records, **{name: prediction.records[name] for name in covered}}
                provenance = prediction.provenance | {"settings": asdict(settings)}
                held = replace(prediction, records=records, provenance=provenance)
        return held

    def _known(self, session: str, image: np.ndarray, settings: InferenceConfig, model: Model) -> Prediction | None:
        """From the cache, or stored with an example. Raises InvalidSetting for a mode of no use."""
        if settings.mode not in model.config.modes:
            raise InvalidSetting(
                f"This checkpoint cannot do {settings.mode}, because a deconvolution is trained with the network: "
                f"choose {' or '.join(model.config.modes)}."
            )
        if (prediction := self.cached(session, image, settings, model)) is not None:
            return prediction
        wanted = _wanted(settings, model)
        held = self._held(_key(model, image), settings, wanted)
        if held is not None and set(held.methods) >= set(wanted):
            self.cache.put(session, _key(model, image), settings, held)
            return held
        all_of_it = replace(settings, methods=None, loops=max(settings.loops, LOOPS))  # as the page records it
        example = self.example_of(image)
        for one in dict.fromkeys((settings, all_of_it)) if example else ():
            if example and (prediction := example.stored(model.sha256, one)) is not None:
                # Its file may be older than what the checkpoint recommends now.
                prediction = replace(prediction, default_spec=CamSpec.of(model.config.defaults))
                self.cache.put(session, _key(model, image), one, prediction)
                return prediction
        return None

    def example_of(self, image: np.ndarray) -> Example | None:
        """The example with exactly these pixels, so that its masks stay when its size or mode is changed.

        Args:
            image: (H, W, 3) uint8.

        Returns:
            The example, or None.
        """
        return next((one for one in self.examples.values() if np.array_equal(one.image, image)), None)


@dataclass(frozen=True)
class _Run:
    """What a run of the networks is known by while it waits or runs: model and pixels (`_key`), and its settings."""

    image: str
    settings: InferenceConfig


def _holds(prediction: Prediction, settings: InferenceConfig, model: Model) -> bool:
    """Whether a part of a run holds all that a run with these settings gives."""
    wanted, loops = _wanted(settings, model), settings.loops
    return set(wanted) <= set(prediction.methods) and ("crt" not in wanted or prediction.clamp("crt", loops) == loops)


def _wanted(settings: InferenceConfig, model: Model) -> list[Method]:
    """The networks of a checkpoint that a run with these settings gives."""
    return [method for method in METHODS if method in model.config.networks and method in (settings.methods or METHODS)]


def _key(model: Model, image: np.ndarray) -> str:
    """What a Prediction is kept under: model, pixels, and the size of the file, which its masks have."""
    height, width = source_size(image)
    return f"{model.id}/{fingerprint(image)}/{height}x{width}"
