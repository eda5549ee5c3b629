"""The page itself and its description for programs are sent compressed: hundreds of kilobytes of text."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.gradio_compat import API
from app.server.security import route_path

COMPRESSION = 5
"""1 to 9: beyond it texts hardly become smaller."""
COMPRESSED = ("", "/", "/config", f"{API}/info")
"""Routes of Gradio whose answers are texts that do not stream; the first two are the page."""


class CompressTexts:
    """ASGI middleware: gzip for the routes of `COMPRESSED`, where the client takes it.

    Args:
        app: The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._compressed = GZipMiddleware(app, compresslevel=COMPRESSION)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        packed = scope["type"] == "http" and route_path(scope).removeprefix(scope.get("root_path", "")) in COMPRESSED
        await (self._compressed if packed else self.app)(scope, receive, send)
