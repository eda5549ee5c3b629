"""Where checkpoints come from: folders of this repository, other folders, and Hub ids."""

from __future__ import annotations

from pathlib import Path

from crt.checkpoint import (
    CONFIG_FILE,
    expand_name,
)
from crt.errors import CrtError

ROOT = Path(__file__).resolve().parents[2]


def without_folder(error: CrtError, folder: Path) -> CrtError:
    """An error whose message names a folder by its last part alone, since the page's users need not learn its path.

    Args:
        error: its message may hold the whole path.
        folder: of the checkpoint.

    Returns:
        An error of the same class, with the same traceback.
    """
    message = str(error).replace(f"{folder}", folder.name) if folder.is_absolute() else str(error)
    return type(error)(message).with_traceback(error.__traceback__)


def bundled_checkpoints(checkpoint: str) -> tuple[str, ...]:
    """The other folders of `checkpoints/`, if the checkpoint is one of those in this repository.

    Args:
        checkpoint: a name, a folder or a Hub id.

    Returns:
        Their paths, sorted; none for any other checkpoint.
    """
    folder, shipped = expand_name(checkpoint).resolve(), ROOT / "checkpoints"
    if folder.parent != shipped:
        return ()
    others = (other for other in sorted(shipped.iterdir()) if (other / CONFIG_FILE).is_file() and other != folder)
    return tuple(map(str, others))


def source_of(checkpoint: str) -> str | None:
    """What a user's own program gives to `crt.load` for a checkpoint.

    Args:
        checkpoint: a name, a folder or a Hub id.

    Returns:
        A folder relative to the root of this repository, or a Hub id; None for a folder outside it, which no client
        needs.
    """
    folder = expand_name(checkpoint)
    if not folder.is_dir():
        return checkpoint
    folder = folder.resolve()
    return folder.relative_to(ROOT).as_posix() if folder.is_relative_to(ROOT) else None
