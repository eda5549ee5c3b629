"""What happens when somebody chooses a picture, an example, an input size or a mode."""

from __future__ import annotations

import hashlib
import io
import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.engine import Engine
from app.examples import Example
from app.payload import payload
from app.session import TraceCache
from crt.checkpoint import Method
from crt.errors import CrtError, InvalidImage, InvalidSetting
from crt.images import load_image
from crt.predictor import Settings
from crt.tiles import MODES
from crt.trace import TokenRecord, Trace

log = logging.getLogger(__name__)

LOOPS = 4  # recorded for every picture; the page chooses among them
SIZES = (224, 336, 448, 560, 672)
NATIVE = "native"
NATIVE_LIMIT = 1344  # pixels of the longer side; beyond it a CPU needs minutes
NATIVE_LEAST = 32
TITLES: dict[str, str] = {"resnet": "ResNet", "tscam": "TS-CAM", "crt": "CRT", "crt_cnn": "CRT's CNN", "done": "Maps"}
TROUBLE = "Something went wrong here, and the details are in the server's log: try again or try another picture."

Progress = Callable[[float, str], object]


def settings_of(size: str, mode: str, image: np.ndarray) -> tuple[Settings, bool]:
    """The page's choices -> Settings, and whether the native size was reduced. Raises InvalidSetting."""
    if mode not in MODES:
        raise InvalidSetting(f"Unknown cut-merge mode {mode!r}: choose one of {', '.join(MODES)}.")
    if str(size) == NATIVE:
        side = max(image.shape[:2])
        kept = min(max(side, NATIVE_LEAST), NATIVE_LIMIT)
        return Settings(size=None if kept == side else kept, mode=mode, loops=LOOPS), kept < side
    if str(size) not in {str(known) for known in SIZES}:
        raise InvalidSetting(f"Unknown input size {size!r}: choose {', '.join(map(str, SIZES))} or {NATIVE}.")
    return Settings(size=int(size), mode=mode, loops=LOOPS), False


def read(path: str) -> np.ndarray:
    """An uploaded file -> (H, W, 3) uint8. Raises InvalidImage, whose sentence never names a path of the server."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InvalidImage("This picture is no longer here: choose it again.") from error
    return load_image(data)


def fingerprint(image: np.ndarray) -> str:
    """sha256 of the pixels of an upright RGB picture, and of its shape."""
    return hashlib.sha256(str(image.shape).encode() + image.tobytes()).hexdigest()


def notice(message: str) -> dict[str, str]:
    """A value for the viewer that says one sentence and leaves the maps on the page as they are."""
    return {"run": secrets.token_hex(8), "message": message}


def sentence(error: Exception) -> str:
    """What the user reads: our own sentence for our own errors, a plain one for all others, which are logged."""
    if isinstance(error, CrtError):
        return str(error)
    log.error("A request failed", exc_info=error)
    return TROUBLE


@dataclass(frozen=True)
class Look:
    """What is on the page: the picture (H, W, 3) uint8, how the networks see it, and what they saw."""

    image: np.ndarray
    settings: Settings
    trace: Trace
    session: str
    capped: bool = False
    example: Example | None = None


class Explorer:
    """The page's questions, answered from the cache, a stored Trace, or a look of the networks."""

    def __init__(self, engine: Engine, cache: TraceCache, examples: dict[str, Example]) -> None:
        self.engine = engine
        self.cache = cache
        self.examples = examples

    @property
    def modes(self) -> tuple[str, ...]:
        """The cut-merge modes that this checkpoint can do."""
        networks = self.engine.config.networks.values()
        able = all(spec.deconvolution for spec in networks if spec.kind == "vit")
        return tuple(mode for mode in MODES if mode != "deconvolution" or able)

    def trace(self, session: str, image: np.ndarray, settings: Settings, progress: Progress | None = None) -> Trace:
        """The Trace of a picture: this session's, one stored with an example, or a new one. Raises CrtError."""
        if settings.mode not in self.modes:
            raise InvalidSetting(
                "This checkpoint has no deconvolution head, which is trained with the network: choose another mode."
            )
        picture = fingerprint(image)
        trace = self.cache.get(session, picture, settings)
        if trace is None:
            example = self.example_of(image)
            trace = example.stored(self.engine.sha256, settings) if example else None
            if trace is None:
                if progress and not self.engine.ready:
                    progress(0.0, "Loading the networks")
                predictor = self.engine.predictor()
                tell = progress or (lambda part, stage: None)  # noqa: ARG005
                trace = predictor.trace(image, settings, progress=lambda part, stage: _titled(tell, part, stage))
            self.cache.put(session, picture, settings, trace)
        return trace

    def look(self, path: str | None, size: str, mode: str, session: str, progress: Progress | None = None) -> Look:
        """The picture of a file with its Trace, from the cache where it is there. Raises CrtError."""
        if not path:
            raise InvalidImage("There is no picture: choose one.")
        image = read(path)
        settings, capped = settings_of(size, mode, image)
        trace = self.trace(session, image, settings, progress)
        return Look(image, settings, trace, session, capped, self.example_of(image))

    def show(self, path: str, size: str, mode: str, session: str, progress: Progress | None = None) -> Any:
        """A picture file -> a value for the viewer: the maps, or a sentence why there are none. Never raises."""
        try:
            look = self.look(path, size, mode, session, progress)
            return self._payload(look.trace, look.image, look.capped, look.example, chosen=(size, mode))
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return notice(sentence(error))

    def show_example(self, example: Example, size: str, mode: str) -> Any | None:
        """An example's stored Trace as a value for the viewer, or None if the networks have to look at it."""
        settings, _ = settings_of(size, mode, example.image)
        stored = example.stored(self.engine.sha256, settings)
        return (
            self._payload(stored, example.image, False, example, chosen=(size, mode), stored=True) if stored else None
        )

    def maps(self, path: str, size: str, mode: str, loops: int, refined: bool, names: str, session: str) -> bytes:
        """Class maps as the bytes of an npz: one array (K, h, w) per method, `classes`, `spans`. Raises CrtError."""
        image = read(path)
        settings, _ = settings_of(size, mode, image)
        known = self.engine.config.classes
        wanted = [name.strip() for name in names.split(",") if name.strip()] or list(known)
        if unknown := [name for name in wanted if name not in known]:
            raise InvalidSetting(f"Unknown class {unknown[0]!r}: choose among {', '.join(known)}.")
        trace = self.trace(session, image, settings)
        chosen = [known.index(name) for name in wanted]
        arrays: dict[str, np.ndarray] = {"classes": np.array(wanted), "source": np.array(trace.source)}
        for method in trace.methods:
            count = _loops_of(trace, method, int(loops))
            arrays[method] = trace.maps(method, loops=count, refined=bool(refined), classes=chosen)
            arrays[f"{method}.span"] = np.array(trace.span(method))
            arrays[f"{method}.scores"] = trace.scores(method, count)[chosen]
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)  # pyright: ignore[reportArgumentType]
        return stream.getvalue()

    def _payload(
        self,
        trace: Trace,
        image: np.ndarray,
        capped: bool,
        example: Example | None,
        *,
        chosen: tuple[str, str],
        **extra: Any,
    ) -> Any:
        config = self.engine.config
        return payload(
            trace,
            image,
            single_label=config.single_label,
            capped=capped,
            defaults=asdict(config.defaults),
            pictureId=fingerprint(image),
            example=example.id if example else None,
            chosen={"size": str(chosen[0]), "mode": chosen[1]},
            checkpoint={"name": config.name, "sha256": self.engine.sha256},
            masks=example.masks if example else [],
            credit=example.credit if example else "",
            **extra,
        )

    def example_of(self, image: np.ndarray) -> Example | None:
        """The example with exactly these pixels, so that its mask stays when its size or mode is changed."""
        return next((one for one in self.examples.values() if np.array_equal(one.image, image)), None)


def _titled(tell: Progress, part: float, stage: str) -> None:
    tell(part, TITLES.get(stage, stage))


def _loops_of(trace: Trace, method: Method, loops: int) -> int:
    """The loop count asked for, which only CRT has. Raises InvalidSetting if it is not recorded."""
    record = trace.record(method)
    if method != "crt" or not isinstance(record, TokenRecord):
        return 0
    if not 0 <= loops <= record.loops:
        raise InvalidSetting(f"The loop count is {loops}: choose 0 to {record.loops}.")
    return loops
