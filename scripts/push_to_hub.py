"""Put a checkpoint with its model card on the Hub, from where `--checkpoint user/name` loads it.

    hf auth login
    python -m scripts.push_to_hub --checkpoint checkpoints/mine --repo user/name

The checkpoint is read back strictly before anything is sent; only its config, its weights and its card are.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import tyro

from crt.checkpoint import CONFIG_FILE
from crt.errors import CrtError, InvalidCheckpoint, reason_of
from scripts.cli import run_cli

CARD_FILE = "README.md"


@dataclass(frozen=True)
class Push:
    """What goes where."""

    checkpoint: str
    """A checkpoint folder with a model card (README.md)."""
    repo: str
    """`user/name` on the Hub; made if it is not there."""
    private: bool = False
    """Make the repository private, where it is not there yet."""
    message: str = "A checkpoint of the CRT explorer"
    """Of the commit."""


def push(config: Push) -> str:
    """Send the folder -> the address of the commit.

    Raises InvalidCheckpoint for one that does not load or has no card, CrtError where the Hub takes none.
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    from crt.checkpoint import load_checkpoint, locate

    folder = locate(config.checkpoint)
    made = load_checkpoint(folder).config
    if not (folder / CARD_FILE).is_file():
        raise InvalidCheckpoint(f"{folder} has no model card: write {CARD_FILE}, or let scripts.report write it.")
    parts = (*made.networks.values(), made.relation, made.segmentation)
    files = [CARD_FILE, CONFIG_FILE, *(part.file for part in parts if part is not None)]
    hub = HfApi()
    try:
        hub.create_repo(config.repo, private=config.private, exist_ok=True)
        uploaded = hub.upload_folder(
            repo_id=config.repo, folder_path=folder, allow_patterns=files, commit_message=config.message
        )
    except (HfHubHTTPError, HFValidationError, httpx2.HTTPError, OSError) as error:
        raise CrtError(f"The Hub did not take {config.repo}: {reason_of(error)}.") from error
    return uploaded.commit_url


def main(config: Push) -> None:
    """Push and print the address."""
    print(push(config))


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Push, description=__doc__), main))
