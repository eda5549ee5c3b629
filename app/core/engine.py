"""The checkpoints behind the page: loaded in the background, replaced only by one that works."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from app.core.checkpoint_sources import source_of, without_folder
from app.core.models import Model
from app.core.turns import MOST_WAITING, Turns
from crt.checkpoint import CheckpointConfig, locate, read_config, weights_sha256
from crt.device import choose_device
from crt.errors import CrtError, InvalidCheckpoint, InvalidSetting
from crt.inference_config import InferenceConfig
from crt.precision import resolve
from crt.prediction import Prediction
from crt.types import Precision

if TYPE_CHECKING:
    from app.core.shared_predictor import SharedPredictor
    from crt.predictor import Predictor

log = logging.getLogger(__name__)
THREADS = torch.get_num_threads()  # of a run; all others of the server have one
SOURCE_LENGTH = 300  # characters of a folder or a Hub id
BROKEN = "This checkpoint could not be loaded, and the details are in the server's log: give another."


class Engine:
    """The current Model, and others to choose from, which load while the page is already open.

    The configs are read at once, so that a missing or foreign checkpoint is an InvalidCheckpoint at the start; the
    weights load in a thread, and `predictor` waits for them. A request takes `model` once, because it may be replaced
    at any time.

    Args:
        checkpoint: name, folder or Hub id of the current one.
        device: `auto`, `cpu` or `cuda`.
        extra_checkpoints: others that the page offers.
        precision: of all networks.
        most_waiting: runs that may wait; one more is refused.

    Raises:
        InvalidCheckpoint: a config is missing or cannot be read.
        InvalidSetting: two checkpoints have one name, or the machine does not have the device or precision.
    """

    def __init__(
        self,
        checkpoint: str,
        device: str = "auto",
        extra_checkpoints: Sequence[str] = (),
        precision: Precision = "fp32",
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self.device = choose_device(device)
        self.turns = Turns(most_waiting, _take_all_cores, self._between)
        self.bfloat16 = self.turns.call(lambda: resolve(precision, self.device.type)) == "bf16"
        torch.set_num_threads(1)  # of all threads that torch has not met yet
        folders = [locate(source) for source in (checkpoint, *extra_checkpoints)]
        configs = [read_config(folder) for folder in folders]
        models = [
            Model(config, weights_sha256(config), source_of(source), Future(), self.turns)
            for source, config in zip((checkpoint, *extra_checkpoints), configs, strict=True)
        ]
        self.model, self.others = models[0], tuple(models[1:])
        if len(set(self.names)) < len(models):
            raise InvalidSetting(f"Two checkpoints are named alike ({', '.join(self.names)}): rename one of them.")
        self._swapping = threading.Lock()
        work = [(folder, model.loaded) for folder, model in zip(folders, models, strict=True)]
        threading.Thread(target=self._load, args=(work,), name="load-models").start()

    @property
    def names(self) -> list[str]:
        """The names of all models, the current one's first."""
        return [model.config.name for model in (self.model, *self.others)]

    def named(self, name: str | None) -> Model:
        """The model of a name.

        Args:
            name: of a checkpoint; None or empty for the current one.

        Returns:
            The model.

        Raises:
            InvalidSetting: no checkpoint here has the name.
        """
        if not name:
            return self.model
        found = next((model for model in (self.model, *self.others) if model.config.name == name), None)
        if found is None:
            known = ", ".join(self.names)
            raise InvalidSetting(f"The networks {str(name)[:60]!r} are not offered here: choose among {known}.")
        return found

    def known(self, key: object) -> Model | None:
        """The model of an `id` that the browser sent back.

        Args:
            key: the id; None for the current model.

        Returns:
            The model; None if it has been replaced.
        """
        if key is None:
            return self.model
        return next((model for model in (self.model, *self.others) if model.id == key), None)

    @property
    def config(self) -> CheckpointConfig:
        """The config of the current model."""
        return self.model.config

    @property
    def sha256(self) -> str:
        """The hash over the current model's weights."""
        return self.model.sha256

    @property
    def ready(self) -> bool:
        """Whether `predictor` would answer at once."""
        return self.model.ready

    def predictor(self) -> Predictor:
        """The current Predictor; waits for it. Raises InvalidCheckpoint if the weights cannot be used."""
        return self.model.predictor()

    def swap(self, checkpoint: str) -> Future[Model]:
        """Load another checkpoint in a thread, test it, and only then replace the current one.

        A run that is under way ends with the model it began with.

        Args:
            checkpoint: a folder or a Hub id.

        Returns:
            A future of the new Model, or of InvalidCheckpoint, after which the old one stays.

        Raises:
            InvalidSetting: an unusable name, or another checkpoint is being loaded.
        """
        checkpoint = checkpoint.strip()
        if not checkpoint or len(checkpoint) > SOURCE_LENGTH or not checkpoint.isprintable():
            raise InvalidSetting("Give the folder of a checkpoint, or a Hub id user/name.")
        if not self._swapping.acquire(blocking=False):
            raise InvalidSetting("Another checkpoint is being loaded: try again when it is there.")
        pending: Future[Model] = Future()
        threading.Thread(target=self._swap, args=(checkpoint, pending), name="swap-model").start()
        return pending

    @contextmanager
    def _between(self) -> Iterator[None]:
        """As outside every run: a run that pauses has torch's modes of its own."""
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(self.device.type, enabled=False):
            yield

    def _made(self, source: str | Path) -> SharedPredictor:
        # The networks' libraries are a quarter of the start, and the page needs none of them.
        from app.core.shared_predictor import SharedPredictor  # noqa: PLC0415
        from crt.checkpoint import load_checkpoint  # noqa: PLC0415

        return SharedPredictor(load_checkpoint(source), device=self.device, bfloat16=self.bfloat16)

    def _load(self, work: Sequence[tuple[Path, Future[SharedPredictor]]]) -> None:
        for folder, pending in work:
            try:
                pending.set_result(self._made(folder))
            except CrtError as error:
                log.error("The checkpoint cannot be used: %s", error)  # noqa: TRY400 - the sentence is enough
                pending.set_exception(without_folder(error, folder))
            except Exception as error:
                log.exception("Loading the checkpoint failed")
                pending.set_exception(error)

    def _swap(self, checkpoint: str, pending: Future[Model]) -> None:
        folder = Path(checkpoint)
        try:
            folder = locate(checkpoint)
            predictor = self._made(folder)
            smoke_test(predictor)
            loaded: Future[SharedPredictor] = Future()
            loaded.set_result(predictor)
            made = predictor.checkpoint
            if made.config.name in self.names[1:]:
                raise InvalidCheckpoint(f"This page has another checkpoint named {made.config.name}: rename one.")
            model = Model(made.config, made.sha256, source_of(checkpoint), loaded, self.turns)
        except CrtError as error:
            self._swapping.release()
            pending.set_exception(without_folder(error, folder))
        except Exception as error:
            log.exception("Loading another checkpoint failed")
            self._swapping.release()
            pending.set_exception(InvalidCheckpoint(BROKEN).with_traceback(error.__traceback__))
        else:
            self.model = model
            self._swapping.release()
            pending.set_result(model)


def _take_all_cores() -> None:
    """Set torch's threads for the calling thread alone; torch keeps the number once it has been read."""
    torch.set_num_threads(THREADS)
    torch.get_num_threads()


def smoke_test(predictor: Predictor) -> Prediction:
    """Run the networks on a small image.

    Args:
        predictor: that is tested.

    Returns:
        The Prediction.

    Raises:
        InvalidCheckpoint: values are not finite.
    """
    ramp = np.linspace(0, 255, 48, dtype=np.uint8)
    image = np.stack([np.tile(ramp, (48, 1)), np.tile(ramp[:, None], (1, 48)), np.full((48, 48), 128, np.uint8)], -1)
    prediction = predictor.predict(image, InferenceConfig(size=48, mode=predictor.checkpoint.config.modes[0], loops=1))
    arrays = [array for record in prediction.records.values() for array in vars(record).values()]
    if not all(np.isfinite(array).all() for array in arrays):
        name = predictor.checkpoint.config.name
        raise InvalidCheckpoint(f"The networks of {name} give values that are not finite: give another checkpoint.")
    return prediction
