"""From the name of a checkpoint, or an id on the Hub, to its folder."""

from __future__ import annotations

from pathlib import Path

from crt.checkpoint.schema import CONFIG_FILE
from crt.errors import InvalidCheckpoint

BUNDLED = Path(__file__).resolve().parents[2] / "checkpoints"
"""The folder of this repository whose checkpoints are known by their names."""


def locate(source: str | Path) -> Path:
    """Find the folder of a checkpoint, fetching it from the Hub if need be.

    Args:
        source: a folder; the name of a bundled checkpoint, such as `voc`; or a Hub id `user/name`. A folder in the
            working directory comes before a bundled checkpoint of the same name.

    Returns:
        A folder that exists.

    Raises:
        InvalidCheckpoint: there is nothing of this name, or it cannot be fetched.
    """
    folder = expand_name(source)
    if folder.is_dir():
        return folder
    if str(source).count("/") != 1 or str(source).startswith((".", "/", "~")):
        names = bundled_names()
        bundled = f", the name of a bundled one ({', '.join(names)})" if names else ""
        raise InvalidCheckpoint(
            f"There is no folder {source}: give a checkpoint folder{bundled} or a Hub id user/name."
        )
    # Loaded for what is not on this machine alone.
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    name, files = str(source), [CONFIG_FILE, "*.safetensors"]
    try:
        # Of no fixed revision, because the id is the user's own; nothing of it is run or unpickled.
        fetched = snapshot_download(name, allow_patterns=files)  # nosec B615
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise InvalidCheckpoint(f"{source} is no folder here and could not be fetched from the Hub.") from error
    return Path(fetched)


def expand_name(source: str | Path) -> Path:
    """Find a bundled checkpoint by its name.

    Args:
        source: a name, a folder or a Hub id.

    Returns:
        The folder of the bundled checkpoint, unless the working directory has one of this name; else `source` itself.
    """
    folder = Path(source).expanduser()
    return BUNDLED / folder if not folder.is_dir() and str(source) in bundled_names() else folder


def bundled_names() -> list[str]:
    """Names of the checkpoints that lie beside this package; none where the package alone is installed."""
    return sorted(config.parent.name for config in BUNDLED.glob(f"*/{CONFIG_FILE}"))
