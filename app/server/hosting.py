"""Hosting: the state of the server, a password, and a rate limit for each client."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.cli import AppConfig
from app.core.cache import PredictionCache
from app.core.decoded import DecodedImages
from app.core.engine import Engine
from app.gradio_compat import CALL, LOGIN_COOKIE, LOGIN_ROUTES, QUEUE_JOIN, UPLOAD, blocks_of
from app.server.compression import COMPRESSION, CompressTexts
from app.server.security import NOT_HERE, RouteFilter, SafeBlocks, route_path
from app.viewer.files import ROUTE, served

USER = "crt"
"""The user name that goes with the password."""
LOGIN_HELP = f"The user name is {USER}. If this form comes back after the login, open the page in a tab of its own."
"""Over plain http no browser lets a login hold inside another site; see `PartitionLogin`."""
WINDOW = 60.0  # seconds
CLIENTS = 10_000  # whose requests are counted at a time; beyond it the least recent one is dropped
COUNTED = (QUEUE_JOIN, CALL, UPLOAD)
"""The routes that are counted: requests of the page and of programs, and uploads."""


class RateLimit:
    """At most `most` requests in any minute for each client. Threads may share it.

    Args:
        most: requests in a minute.
        clock: seconds, monotonic.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Count a request of a client.

        Args:
            client: its address.

        Returns:
            0; over the limit the seconds to wait, and the request is not counted.
        """
        now = self._clock()
        with self._lock:
            times = self._times.setdefault(client, deque())
            self._times.move_to_end(client)
            if len(self._times) > CLIENTS:
                self._times.popitem(last=False)
            while times and now - times[0] >= WINDOW:
                times.popleft()
            if len(times) >= self.most:
                return times[0] + WINDOW - now
            times.append(now)
            return 0.0


class LimitRequests:
    """ASGI middleware: 429 with one sentence for a client over the limit.

    Args:
        app: the application behind it.
        limit: counts the requests.
    """

    def __init__(self, app: ASGIApp, limit: RateLimit) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 429."""
        if scope["type"] == "http" and scope["method"] == "POST" and route_path(scope).startswith(COUNTED):
            seconds = math.ceil(self.limit.wait(client_of(Request(scope))))
            if seconds:
                refusal = JSONResponse(
                    {"detail": f"Rate limit reached; try again in {seconds} s."},
                    status_code=429,
                    headers={"Retry-After": str(seconds)},
                )
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


class PartitionLogin:
    """ASGI middleware: lets the login hold where the page is shown inside another site.

    Browsers keep no cookies of a site inside another one, except `Partitioned` ones, of which each outer site has its
    own. They must be `Secure`: inside another site the login needs https, or an address of this machine.

    Args:
        app: the application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the cookie that a login sets gets its attribute on the way back."""
        if scope["type"] != "http" or route_path(scope).rstrip("/") not in LOGIN_ROUTES:
            await self.app(scope, receive, send)
            return

        async def partitioned(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {
                    **message,
                    "headers": [(name, _partition(name, value)) for name, value in message["headers"]],
                }
            await send(message)

        await self.app(scope, receive, partitioned)


def _partition(name: bytes, value: bytes) -> bytes:
    """The value of a header of a response."""
    ours = name.lower() == b"set-cookie" and value.startswith(LOGIN_COOKIE.encode())
    return value + b"; Partitioned" if ours and b"samesite=none" in value.lower() else value


def client_of(request: Request) -> str:
    """The address that a request came from.

    Args:
        request: any.

    Returns:
        The address; on a Space the one that its proxy wrote last, which no client can choose.
    """
    forwarded = request.headers.get("x-forwarded-for", "") if os.environ.get("SPACE_ID") else ""
    return forwarded.rpartition(",")[2].strip() or (request.client.host if request.client else "")


class Served(SafeBlocks):
    """The page with the models and the Predictions behind it, for the state of the server."""

    engine: Engine
    cache: PredictionCache
    images: DecodedImages


def health(request: Request) -> JSONResponse:
    """Answer `/health`: ok; loading, while the networks load; broken (503), if they cannot be loaded.

    Args:
        request: any.

    Returns:
        JSON: `status`, `checkpoint`, and `cache_mib`: of all Predictions held, and the limit.
    """
    page = blocks_of(request)
    model = page.engine.model
    broken = model.ready and model.loaded.exception() is not None
    status = "broken" if broken else "ok" if model.ready else "loading"
    held = {"held": round(page.cache.nbytes / 2**20, 1), "limit": round(page.cache.limit / 2**20, 1)}
    state_of_server = {"status": status, "checkpoint": model.config.name, "cache_mib": held}
    return JSONResponse(state_of_server, status_code=503 if broken else 200)


def viewer_module(request: Request) -> Response:
    """A module of the viewer, one of a fixed table. It needs no password, because the repository is public.

    Its address changes with its content, so a browser may keep it for ever.

    Args:
        request: its path names version and module.

    Returns:
        The module, or 404.
    """
    content = served().get(f"{ROUTE}/{request.path_params['version']}/{request.path_params['name']}")
    if content is None:
        return JSONResponse({"detail": NOT_HERE}, status_code=404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="text/javascript", headers=headers)


def server_options(config: AppConfig) -> dict[str, Any]:
    """Keywords of `Blocks.launch` for hosting a `Served`: open routes, the limit, and the password if one is set.

    Args:
        config: what the command line decides.

    Returns:
        The keywords.
    """
    mcp = find_spec("mcp") is not None  # the extra gradio[mcp] is the user's choice
    limit = config.requests_per_minute
    password = config.password or os.environ.get("CRT_PASSWORD")
    return {
        "app_kwargs": {
            "routes": [
                Route("/health", health, methods=["GET"]),
                Route(
                    f"{ROUTE}/{{version}}/{{name:path}}",
                    viewer_module,
                    methods=["GET"],
                    middleware=[Middleware(GZipMiddleware, compresslevel=COMPRESSION)],
                ),
            ],
            "middleware": [
                Middleware(RouteFilter, login=bool(password), mcp=mcp),
                *([Middleware(PartitionLogin)] if password else []),
                *([Middleware(LimitRequests, limit=RateLimit(limit))] if limit else []),
                Middleware(CompressTexts),
            ],
        },
        "mcp_server": mcp,
        "auth": (USER, password) if password else None,
        "auth_message": LOGIN_HELP if password else None,
    }
