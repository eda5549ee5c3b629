"""A checkpoint in use: its networks, and how a run of them gets its turn."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.core import zero
from app.core.tickets import Ticket
from app.core.turns import Turns
from crt.checkpoint import CheckpointConfig

if TYPE_CHECKING:
    from app.core.shared_predictor import SharedPredictor


@dataclass(frozen=True)
class Model:
    """A checkpoint in use.

    Attributes:
        config: of the checkpoint.
        sha256: over its weights.
        source: what a user's own program gives to `crt.load`; None for a folder outside this repository.
        loaded: the Predictor, once the weights are loaded.
        turns: the one thread of all runs of all models, and their order. The memory and the OpenMP helpers that a run
            needs stay with its thread, and the server has dozens of threads: with more helpers than cores a run takes
            half as long again.
        id: of this loading, so that Predictions of one model are never taken for another's.
    """

    config: CheckpointConfig
    sha256: str
    source: str | None
    loaded: Future[SharedPredictor]
    turns: Turns
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def ready(self) -> bool:
        """Whether `predictor` would answer at once."""
        return self.loaded.done()

    def predictor(self) -> SharedPredictor:
        """The loaded Predictor; waits for it. Raises InvalidCheckpoint if the weights cannot be used."""
        return self.loaded.result()

    def run(self, function: Callable[..., Any], *given: Any, same: Hashable | None = None, **named: Any) -> Any:
        """Run a function on the thread of all runs, in the turn of the visitor of the context.

        Args:
            function: called with the Predictor and the arguments that follow.
            *given: its further arguments.
            same: names what is asked of the function; equal requests that wait or run are answered by one run. None
                for a run of its own.
            **named: its keywords.

        Returns:
            What it returns; its exceptions are raised here.

        Raises:
            QueueFull: too many runs wait.
            VisitorLeft: the visitor has left.
        """
        name = getattr(function, "__qualname__", "")
        key = None if same is None else (name, self.id, same)
        return self.start(lambda _: self.run_here(function, *given, **named), key=key, kind=name).result()

    def start(
        self,
        work: Callable[[Callable[[Any], None]], Any],
        *,
        key: Hashable | None = None,
        answers: Callable[[Any], bool] | None = None,
        kind: str = "",
        units: float = 1.0,
    ) -> Ticket:
        """Put work into the order of all runs, once the networks are loaded, so that no other waits for that.

        Args:
            work: as `Turns.submit` takes it; calls `run_here`.
            key: names the question, with this model.
            answers: whether work of another key answers the question too.
            kind: what the expected seconds are measured for.
            units: how much of its kind it is.

        Returns:
            The claim of the visitor of the context.

        Raises:
            InvalidCheckpoint: the weights cannot be used.
            QueueFull: too many runs wait.
        """
        self.predictor()
        return self.turns.submit(work, key=key, answers=answers, kind=f"{kind} {self.id}", units=units)

    def run_here(self, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Run a function on the caller's thread, for long work that runs the networks by `run`.

        Both `run` and this follow `app.core.zero`.

        Args:
            function: called with the Predictor and the arguments that follow.
            *given: its further arguments.
            **named: its keywords.

        Returns:
            What it returns; its exceptions are raised here.
        """
        return zero.run(self.id, self.predictor(), function, *given, **named)

    def public(self) -> dict[str, Any]:
        """What the browser receives. `relation`: the constant of random-walk pseudo labels, None without an IRN."""
        config = self.config
        return {
            "name": config.name,
            "sha256": self.sha256,
            "id": self.id,
            "source": self.source,
            "relation": config.relation.threshold if config.relation else None,
            "segmentation": config.segmentation is not None,
            "modes": list(config.modes),
        }
