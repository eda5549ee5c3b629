"""From an image, an example, an input size or a mode to an `Analysis`: the page's state on the server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from app.core.cache import PredictionCache
from app.core.checkpoint_sources import ROOT
from app.core.codec import image_url, payload
from app.core.decoded import DecodedImages, fingerprint
from app.core.engine import Engine
from app.core.examples import Example
from app.core.input_sizes import LOOPS, choice_of, coarse_input, settings_of, start_size
from app.core.messages import message_payload
from app.core.models import Model
from app.core.progress import Progress
from app.core.runs import Runs
from crt.checkpoint import METHODS, Method
from crt.data.further_images import further_images
from crt.errors import InvalidImage
from crt.inference_config import InferenceConfig
from crt.prediction import Prediction

_ENCODING = ThreadPoolExecutor(2, "encoding")


@dataclass(frozen=True)
class Analysis:
    """The image on the page and what the networks gave for it.

    Attributes:
        image: (H, W, 3) uint8, upright; of a very large JPEG at a part of the size that `prediction.source` has.
        settings: input size, mode and loop count of the run.
        prediction: what the networks gave.
        session: Gradio's session hash.
        capped: whether the native size was reduced to `NATIVE_LIMIT` pixels.
        example: the example with these pixels, if there is one.
        model: the checkpoint of the run; None in tests without one.
    """

    image: np.ndarray
    settings: InferenceConfig
    prediction: Prediction
    session: str
    capped: bool = False
    example: Example | None = None
    model: Model | None = None


class Explorer:
    """Answers the page's requests from the cache, from a stored Prediction, or by a run of the networks.

    Args:
        engine: the checkpoints.
        cache: Predictions of all sessions.
        examples: by id.
    """

    def __init__(self, engine: Engine, cache: PredictionCache, examples: dict[str, Example]) -> None:
        self.engine = engine
        self.examples = examples
        self.runs = Runs(engine, cache, examples)
        self.images = DecodedImages()

    @property
    def modes(self) -> tuple[str, ...]:
        """The cut-merge modes that the first checkpoint can do."""
        return self.engine.config.modes

    def analyze(
        self,
        path: str | None,
        size: str,
        mode: str,
        session: str,
        progress: Progress | None = None,
        model: Model | None = None,
        methods: tuple[Method, ...] | None = None,
        loops: int = LOOPS,
    ) -> Analysis:
        """Read an image file and make its Prediction, or take both from the caches.

        Args:
            path: of an uploaded file.
            size: one of `SIZES` as text, or `NATIVE`.
            mode: one of `MODES`.
            session: Gradio's session hash.
            progress: called with the share that is done, 0 … 1, and the stage.
            model: the checkpoint; the current one if None.
            methods: the networks that are needed; all if None.
            loops: the largest loop count that is needed, at most `LOOPS`.

        Returns:
            The analysis, whose Prediction may hold more than that.

        Raises:
            InvalidImage: there is no image, or it cannot be read.
            CrtError: as `Runs.predict` does.
        """
        model = model or self.engine.model
        settings, capped = settings_of(size, mode, self._read(path))
        settings = replace(settings, methods=methods, loops=loops)
        prediction = self.runs.predict(session, self._read(path), settings, progress, model)
        image = self._read(path)
        return Analysis(image, settings, prediction, session, capped, self.runs.example_of(image), model)

    def payload(
        self,
        path: str,
        size: str,
        mode: str,
        session: str,
        progress: Progress | None = None,
        model: Model | None = None,
    ) -> Any:
        """As `analyze`, as a value for the viewer. Never raises.

        Args:
            path: of an uploaded file.
            size: one of `SIZES` as text, or `NATIVE`.
            mode: one of `MODES`.
            session: Gradio's session hash.
            progress: called with the share that is done, 0 … 1, and the stage.
            model: the checkpoint; the current one if None.

        Returns:
            Header and bytes of the run (`app.core.codec.payload`), or the message of an error.
        """
        try:
            model = model or self.engine.model
            found = self.analyze(path, size, mode, session, progress, model)
            return self._encode(
                model,
                found.prediction,
                found.image,
                found.capped,
                found.example,
                chosen=(size, mode),
                further=further_images(path),
            )
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return message_payload(error)

    def payloads(
        self,
        path: str | None,
        size: str,
        mode: str,
        session: str,
        progress: Progress | None = None,
        model: Model | None = None,
    ) -> Iterator[Any]:
        """As `payload`, with what is there before the run has ended. Never raises.

        Args:
            path: of an uploaded file.
            size: one of `SIZES` as text, or `NATIVE`.
            mode: one of `MODES`.
            session: Gradio's session hash.
            progress: called with the share that is done, 0 … 1, and the stage.
            model: the checkpoint; the current one if None.

        Yields:
            Header and bytes of the parts of the run, each with all that the one before it has and `pending`, the
            networks that are still to come, in its header; then those of the whole run, without `pending`. Or the
            message of an error.
        """
        try:
            image, model = self._read(path), model or self.engine.model
            settings, capped = settings_of(size, mode, image)
            example = self.runs.example_of(image)
            url = _ENCODING.submit(image_url, image)  # while the first network runs
            common: dict[str, Any] = {"chosen": (size, mode), "further": further_images(path or "")}
            del image
            for prediction, whole in self.runs.predict_in_parts(session, self._read(path), settings, progress, model):
                common["url"] = url.result()
                missing = {} if whole else _missing(model, settings, prediction)
                yield self._encode(model, prediction, self._read(path), capped, example, **common, **missing)
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            yield message_payload(error)

    def cards(self) -> list[dict[str, Any]]:
        """The examples as the page shows them. The first whose Prediction is stored for the settings that the page
        starts with has `first`: the page opens with it, without running a network.
        """
        cards: list[dict[str, Any]] = [example.card() for example in self.examples.values()]
        model = self.engine.model
        for card, example in zip(cards, self.examples.values(), strict=True):
            settings, _ = settings_of(start_size(model), model.config.modes[0], example.image)
            if example.stored(model.sha256, settings) is not None:
                card["first"] = True
                break
        return cards

    def example_payload(self, example: Example, size: str, mode: str, model: Model | None = None) -> Any | None:
        """An example's stored Prediction as a value for the viewer.

        Args:
            example: the example.
            size: one of `SIZES` as text, or `NATIVE`.
            mode: one of `MODES`.
            model: the checkpoint; the current one if None.

        Returns:
            Header and bytes; None where no such Prediction is stored, so that the networks have to run.
        """
        settings, _ = settings_of(size, mode, example.image)
        model = model or self.engine.model
        stored = example.stored(model.sha256, settings)
        if stored is None:
            return None
        return self._encode(model, stored, example.image, False, example, chosen=(size, mode), stored=True)

    def encode(self, analysis: Analysis) -> tuple[dict[str, Any], bytes]:
        """An analysis as a value for the viewer.

        Args:
            analysis: the image on the page.

        Returns:
            Header and bytes of the run.
        """
        return self._encode(
            analysis.model or self.engine.model,
            analysis.prediction,
            analysis.image,
            analysis.capped,
            analysis.example,
            chosen=choice_of(analysis.settings),
        )

    def _encode(
        self,
        model: Model,
        prediction: Prediction,
        image: np.ndarray,
        capped: bool,
        example: Example | None,
        *,
        chosen: tuple[str, str],
        **extra: Any,
    ) -> Any:
        config = model.config
        return payload(
            prediction,
            image,
            single_label=config.single_label,
            capped=capped,
            defaults=asdict(config.defaults),
            imageId=fingerprint(image),
            coarse=coarse_input(image, prediction.grid),
            example=example.id if example else None,
            chosen={"size": str(chosen[0]), "mode": chosen[1], "checkpoint": self._name(model)},
            imageFile=_file_of(example) if example else None,
            checkpoint=model.public(),
            masks=example.masks if example else [],
            credit=example.credit if example else "",
            **extra,
        )

    def _read(self, path: str | None) -> np.ndarray:
        if not path:
            raise InvalidImage("There is no image: choose one.")
        return self.images.read(path)

    def _name(self, model: Model) -> str:
        """How a link names the checkpoint; empty for the one that the page starts with."""
        return "" if model is self.engine.model else model.config.name


def _missing(model: Model, settings: InferenceConfig, prediction: Prediction) -> dict[str, Any]:
    """What the header of a part has beside that of a whole run: the networks to come, and the largest loop count."""
    networks = model.config.networks
    pending = [method for method in METHODS if method in networks and method not in prediction.methods]
    return {"pending": pending, "maxLoops": settings.loops if "crt" in networks else 0}


def _file_of(example: Example) -> str | None:
    """Where an example's image lies in this repository, or None for one from elsewhere."""
    path = example.path.resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else None
