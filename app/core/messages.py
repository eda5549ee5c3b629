"""What the user reads where there are no CAMs: messages of errors."""

from __future__ import annotations

import logging
import secrets

from crt.errors import CrtError

log = logging.getLogger(__name__)
INTERNAL_ERROR = "Internal error: try again, or try another image; the server's log has the details."


def message_payload(message: str) -> dict[str, str]:
    """A value for the viewer that shows a message and leaves the CAMs on the page as they are.

    Args:
        message: one sentence.

    Returns:
        A JSON value.
    """
    return {"run": secrets.token_hex(8), "message": message}


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
