"""What the server refuses: routes that are not allowed, files at other addresses, and malformed requests."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.messages import user_message
from app.gradio_compat import (
    CALL_ROUTES,
    FILE,
    LOGIN_ROUTES,
    MCP_ROUTES,
    PAGE_ROUTES,
    READING_ROUTES,
    ROUTE_ERRORS,
    HookedBlocks,
    Routes,
    event_details,
)
from app.viewer.files import served

log = logging.getLogger(__name__)

ADDRESSES = ("http:", "https:")
OWN = frozenset({"/health", *served()})
"""Routes of this program: the state of the server, and every module of the viewer by its whole path."""
ALLOWED: Routes = {**PAGE_ROUTES, **CALL_ROUTES}
"""Routes of Gradio that everybody may ask. All others are not found: Gradio registers more with each release."""
NAME = 255  # bytes of a part of a path
NOT_HERE = "Not found. Open the page itself."
NO_FETCH = "This server fetches no addresses: upload the image itself."
UNREADABLE = "Invalid request. Reload the page, or see the description of the endpoints."


class SafeBlocks(HookedBlocks):
    """Blocks that refuse a request with one sentence where Gradio would fetch an address or print a traceback."""

    def check_values(self, values: Any) -> None:
        """Raises gr.Error for a file at an address.

        Args:
            values: JSON values of a request.
        """
        if holds_address(values):
            raise gr.Error(NO_FETCH, print_exception=False)

    def request_error(self, error: Exception) -> gr.Error:
        """The message for values that cannot be read; Gradio's own error, for developers, goes to the log.

        Args:
            error: Gradio's.

        Returns:
            The error with its message.
        """
        log.warning("A request cannot be read: %s: %.200r", type(error).__name__, str(error))
        return gr.Error(UNREADABLE, print_exception=False)

    def server_error(self, error: Exception) -> gr.Error:
        """The message of a `CrtError`, or a general one for any other error.

        Args:
            error: what was raised.

        Returns:
            The error with its message.
        """
        return gr.Error(user_message(error), print_exception=False)


class RouteFilter:
    """ASGI middleware: 404 for every route that is not allowed, and 400 for what a route of Gradio cannot read.

    No code of this program runs in a route, but for `OWN`: requests are answered in the queue. An error of
    `ROUTE_ERRORS` that leaves one of `READING_ROUTES` is therefore about what the client sent. Every other error is one
    of the server: status 500, and its traceback in the log.

    Args:
        app: The application behind it.
        login: whether there is a password.
        mcp: Whether the MCP server is on.
    """

    def __init__(self, app: ASGIApp, *, login: bool = False, mcp: bool = False) -> None:
        self.app = app
        allowed = {**ALLOWED, **(LOGIN_ROUTES if login else {}), **(MCP_ROUTES if mcp else {})}
        self._allowed = [(compile_path(path)[0], methods) for path, methods in allowed.items()]

    def allows(self, method: str, path: str) -> bool:
        """Whether a route is open.

        Args:
            method: of the request, in capitals.
            path: decoded, and without the prefix of the server.

        Returns:
            Whether it is.
        """
        if path in OWN:
            return True
        if not path.isprintable() or any(len(part.encode()) > NAME for part in path.split("/")):
            return False
        if path.startswith(FILE) and path.removeprefix(FILE).strip().lower().startswith(ADDRESSES):
            return False
        plain = path[:-1] if path.endswith("/") and path.strip("/") else path  # Gradio has most routes in both ways
        return any(method in methods and pattern.match(plain) for pattern, methods in self._allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "websocket":  # the page has none
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = route_path(scope)
        if path == scope.get("root_path"):  # the page's own address, which Gradio completes by a slash
            path = "/"
        if not self.allows(scope["method"], path):
            await _refuse(404, NOT_HERE, scope, receive, send)
            return
        if path in OWN:
            await self.app(scope, receive, send)
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
                # The stream of an unknown session has sent its message already, and only has to end.
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            if type(error) is RuntimeError or not path.startswith(READING_ROUTES):  # anything may raise it
                raise
            log.warning("A request cannot be read: %s: %.200r", type(error).__name__, str(error))
            await _refuse(400, UNREADABLE, scope, receive, send)


def route_path(scope: Scope) -> str:
    """The path of a request as the routes have it: without the prefix of `GRADIO_ROOT_PATH`.

    Behind a proxy that keeps the prefix requests arrive with it, behind one that strips it without; both are answered.

    Args:
        scope: ASGI's.

    Returns:
        The path.
    """
    path, prefix = scope["path"], scope.get("root_path", "").rstrip("/")
    while prefix and path.startswith(f"{prefix}/"):
        path = path[len(prefix) :]
    return path


def holds_address(value: Any) -> bool:
    """Whether a file among JSON values, at any depth, lies at an address.

    Args:
        value: a JSON value.

    Returns:
        Whether it does.
    """
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
    """What the browser sent with an event.

    Args:
        event: Gradio's.

    Returns:
        The values by name, not to be trusted; none where it is no object.
    """
    details = event_details(event)
    return dict(details) if isinstance(details, dict) else {}


def sanitize(value: Any, length: int) -> str:
    """A text that goes back to the browser.

    Args:
        value: any.
        length: the most characters.

    Returns:
        The text, each of whose characters can be written as UTF-8.
    """
    return str(value or "")[:length].encode(errors="replace").decode()


async def _refuse(status: int, user_message: str, scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"detail": user_message}, status_code=status)(scope, receive, send)
