"""What the server does for nobody: fetch an address, write a session to disk, or fail at a question it cannot read."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.analysis import user_message
from app.gradio_compat import FILE_ROUTES, ROUTE_ERRORS, UNUSED_ROUTES, HookedBlocks, event_details
from app.viewer.files import ROUTE, served

log = logging.getLogger(__name__)

CLOSED = (*UNUSED_ROUTES, f"{ROUTE}/")
"""Routes that Gradio always has and this page never asks for, and what is no module of the viewer."""
ADDRESSES = ("http:", "https:")
OWN = frozenset({"/health", *served()})
"""Routes of this program: the state of the server, and every module of the viewer by its whole path."""
NAME = 255  # bytes of a part of a path
NOT_HERE = "Not found. Open the page itself."
NO_FETCH = "This server fetches no addresses: upload the image itself."
UNREADABLE = "Invalid request. Reload the page, or see the description of the endpoints."


class SafeBlocks(HookedBlocks):
    """Blocks that refuse a request with one sentence where Gradio would fetch an address or print a traceback."""

    def check_values(self, values: Any) -> None:
        """Raises gr.Error for a file that lies at an address."""
        if holds_address(values):
            raise gr.Error(NO_FETCH, print_exception=False)

    def request_error(self, error: Exception) -> gr.Error:
        """Whatever it is, it is about what the client sent."""
        log.warning("A question cannot be read: %s: %.200r", type(error).__name__, str(error))
        return gr.Error(UNREADABLE, print_exception=False)

    def server_error(self, error: Exception) -> gr.Error:
        """Our own sentence for our own errors, a plain one for all others."""
        return gr.Error(user_message(error), print_exception=False)


class RouteFilter:
    """ASGI middleware: one sentence where nothing of ours is, and to requests that a route of Gradio stumbles over.

    No code of this program runs in a route, but for `OWN`: questions are answered in the queue. An error of
    `ROUTE_ERRORS` that leaves a route is therefore about what the client sent, and is no failure of the server.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or route_path(scope) in OWN:
            await self.app(scope, receive, send)
            return
        if closed(route_path(scope)):
            await _refuse(404, NOT_HERE, scope, receive, send)
            return
        started = False

        async def follow(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, follow)
        except ROUTE_ERRORS as error:
            if started:
                if not isinstance(error.__cause__, HTTPException):
                    raise
                # The stream of an unknown session has said so already, and only has to end.
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            if type(error) is RuntimeError:  # anything may raise it
                raise
            log.warning("A request cannot be read: %s: %.200r", type(error).__name__, str(error))
            await _refuse(400, UNREADABLE, scope, receive, send)


def route_path(scope: Scope) -> str:
    """The path of a request as the routes have it: without the prefix of `GRADIO_ROOT_PATH`.

    Behind a proxy that keeps the prefix requests arrive with it, behind one that strips it without; both are answered.
    """
    path, prefix = scope["path"], scope.get("root_path", "").rstrip("/")
    while prefix and path.startswith(f"{prefix}/"):
        path = path[len(prefix) :]
    return path


def closed(path: str) -> bool:
    """Whether a path, decoded, is of a route that this page does not have."""
    lowered = path.lower()
    if lowered.startswith(CLOSED) or not path.isprintable():
        return True
    if any(len(part.encode()) > NAME for part in path.split("/")):  # no file has such a name
        return True
    return any(lowered.partition(files)[2].strip().startswith(ADDRESSES) for files in FILE_ROUTES)


def holds_address(value: Any) -> bool:
    """Whether a file among JSON values, as deep as they go, lies at an address instead of here."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            path = one.get("path")
            if isinstance(path, str) and path.strip().lower().startswith(ADDRESSES):
                return True
            rest.extend(one.values())
        elif isinstance(one, list | tuple):
            rest.extend(one)
    return False


def details_of(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent with an event; nothing where it is no object."""
    details = event_details(event)
    return dict(details) if isinstance(details, dict) else {}


def sanitize(value: Any, length: int) -> str:
    """Text that the browser gets back: at most `length` characters, each of which can be written as UTF-8."""
    return str(value or "")[:length].encode(errors="replace").decode()


async def _refuse(status: int, user_message: str, scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"detail": user_message}, status_code=status)(scope, receive, send)
