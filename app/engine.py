"""The model behind the page: loaded once, in the background, shared by all sessions."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future

from crt.checkpoint import CheckpointConfig, load_checkpoint, locate, read_config, weights_sha256
from crt.errors import CrtError
from crt.predictor import Predictor, choose_device

log = logging.getLogger(__name__)


class Engine:
    """A Predictor that loads while the page is already open.

    The config is read at once, so that a missing or foreign checkpoint is an InvalidCheckpoint here and not later;
    weights load in a thread, and `predictor` waits for them.
    """

    def __init__(self, checkpoint: str, device: str = "auto") -> None:
        self.device = choose_device(device)
        self.folder = locate(checkpoint)
        self.config: CheckpointConfig = read_config(self.folder)
        self.sha256 = weights_sha256(self.config)
        self._future: Future[Predictor] = Future()
        threading.Thread(target=self._load, name="load-model").start()

    @property
    def ready(self) -> bool:
        """Whether `predictor` would answer at once."""
        return self._future.done()

    def predictor(self) -> Predictor:
        """The loaded Predictor; waits for it. Raises InvalidCheckpoint if the weights cannot be used."""
        return self._future.result()

    def _load(self) -> None:
        try:
            self._future.set_result(Predictor(load_checkpoint(self.folder), device=self.device))
        except CrtError as error:
            log.error("The checkpoint cannot be used: %s", error)  # noqa: TRY400 - the sentence is enough
            self._future.set_exception(error)
        except Exception as error:
            log.exception("Loading the checkpoint failed")
            self._future.set_exception(error)
