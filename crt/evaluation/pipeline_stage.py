"""A stage of the pipeline: one file for each image, resumable, shared between processes, nothing half written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from crt.data import ImageDataset, Sample
from crt.data.error_collector import ErrorCollector
from crt.errors import CrtError, InvalidSetting, reason_of
from crt.io_utils import write_text

SETTINGS = "stage.json"


@dataclass(frozen=True)
class StageResult:
    """How many images there are of a stage, in this process.

    Attributes:
        new: made now.
        before: there before.
    """

    new: int
    before: int


def write_manifest(folder: Path, settings: dict[str, Any]) -> None:
    """Write down what the files of a folder are made with. Settings that made no file yet are replaced.

    Args:
        folder: it is made if need be.
        settings: plain JSON values.

    Raises:
        InvalidSetting: the folder holds files made otherwise, or cannot be written.
    """
    text = json.dumps(settings, indent=1) + "\n"
    path = folder / SETTINGS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else None
        if before == text:
            return
        # Read again after `_has_files`: another process may have replaced other settings, and made one, meanwhile.
        if before is not None and _has_files(folder) and path.read_text(encoding="utf-8") != text:
            raise InvalidSetting(f"{folder} holds files made with other settings: choose another folder for these.")
        write_text(path, text)
    except OSError as error:
        raise InvalidSetting(
            f"{folder} cannot be used ({reason_of(error)}): choose a folder that can be written."
        ) from error


def _has_files(folder: Path) -> bool:
    """Whether a folder holds more than its settings, whole or just being written."""
    return any(not path.name.removeprefix(".").startswith(SETTINGS) for path in folder.iterdir())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what `write_manifest` wrote down.

    Args:
        folder: of a stage.

    Returns:
        The settings.

    Raises:
        InvalidSetting: no stage made the folder.
    """
    try:
        return json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"{folder} holds no finished stage: make it with its command first.") from error


def require(folder: Path, images: ImageDataset, suffix: str, command: str) -> None:
    """Refuse a folder that lacks the file of an image.

    Args:
        folder: of an earlier stage.
        images: each of which must have a file.
        suffix: of the files, after the id.
        command: that makes them, for the message.

    Raises:
        InvalidDataset: files are missing; the message has the ids.
    """
    problems = ErrorCollector(f"The folder {folder}")
    for sample in images.samples:
        if not (folder / f"{sample.id}{suffix}").is_file():
            problems.add(f"not there: run {command} again for", sample.id)
    problems.raise_if_any()


def make_each(
    samples: Sequence[Sample],
    done: Callable[[Sample], bool],
    make: Callable[[Sample], object],
    *,
    workers: int = 0,
    silent: bool = False,
) -> StageResult:
    """Call `make` for each sample that is not `done`; what was made before an error stays.

    Args:
        samples: the images.
        done: whether the file of a sample is there and whole.
        make: writes it; picklable where there are workers.
        workers: processes that share the samples; this one alone for 0 and 1.
        silent: whether there is no progress bar.

    Returns:
        How many were made, and were there before.

    Raises:
        CrtError: an image failed; the message names it.
    """
    missing = [sample for sample in samples if not done(sample)]
    with tqdm(total=len(missing), unit="image", disable=silent, mininterval=5.0) as bar:
        if workers > 1:
            with ProcessPoolExecutor(min(workers, max(1, len(missing))), get_context("spawn")) as pool:
                for _ in pool.map(_named, repeat(make), missing):
                    bar.update()
        else:
            for sample in missing:
                _named(make, sample)
                bar.update()
    return StageResult(len(missing), len(samples) - len(missing))


def _named(make: Callable[[Sample], object], sample: Sample) -> None:
    """Call `make`; an error becomes a CrtError that names the image."""
    try:
        make(sample)
    except (CrtError, OSError) as error:
        raise CrtError(f"{sample.id}: {reason_of(error)}. Correct that and run the same command to go on.") from error
