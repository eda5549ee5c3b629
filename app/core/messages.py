"""What the user reads where there are no CAMs: messages of errors."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from crt.errors import CrtError, InvalidCheckpoint, InvalidImage, InvalidSetting

log = logging.getLogger(__name__)
INTERNAL_ERROR = "Internal error: try again, or try another image; the server's log has the details."


def message_payload(error: Exception) -> dict[str, Any]:
    """A value for the viewer that shows a message and leaves the CAMs on the page as they are.

    Args:
        error: whose message the user reads.

    Returns:
        A JSON value.
    """
    return {"run": secrets.token_hex(8), "message": user_message(error), "final": is_final(error)}


def is_final(error: Exception) -> bool:
    """Whether the same request would be refused again, so that trying again is no help.

    Args:
        error: any.

    Returns:
        True for what is wrong with the image, a setting or the checkpoint.
    """
    return isinstance(error, InvalidImage | InvalidSetting | InvalidCheckpoint)


def user_message(error: Exception) -> str:
    """The message of an error for the user. An unexpected error is logged with its traceback.

    Args:
        error: any.

    Returns:
        The sentence of a `CrtError`; `INTERNAL_ERROR` for any other.
    """
    if isinstance(error, CrtError):
        return str(error)
    log.error("A request failed", exc_info=error)
    return INTERNAL_ERROR
