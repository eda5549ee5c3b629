"""Every internal of Gradio that this app relies on. Written for Gradio 6.31.

No other module of the app imports a submodule of Gradio, reads an attribute that its documentation does not give, or
names one of its routes. Each assumption made here has a test in `tests/app/test_gradio_compat.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from errno import ENAMETOOLONG
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import gradio as gr
from gradio.components import Component
from gradio.exceptions import ComponentProcessingError
from gradio.processing_utils import check_all_files_in_cache, save_file_to_cache
from gradio.route_utils import FnIndexInferError
from starlette.requests import Request
from starlette.routing import BaseRoute

API = "/gradio_api"
"""The prefix of most routes."""
QUEUE_JOIN, CALL, UPLOAD = f"{API}/queue/join", f"{API}/call", f"{API}/upload"
"""What makes the server work: requests of the page, requests of programs, and uploads."""
FILE = f"{API}/file="
"""What follows is the path of a file in the cache, or an address that Gradio would fetch."""
Routes = Mapping[str, tuple[str, ...]]
"""The path of a route as Gradio registers it -> its methods that the page and programs use."""
PAGE_ROUTES: Routes = {
    "/": ("GET", "HEAD"),
    "/assets/{path:path}": ("GET",),
    "/config": ("GET",),
    "/favicon.ico": ("GET",),
    "/manifest.json": ("GET",),
    "/robots.txt": ("GET",),
    "/static/{path:path}": ("GET",),
    "/theme.css": ("GET",),
    f"{API}/app_id": ("GET",),
    f"{API}/cancel": ("POST",),
    f"{API}/file={{path_or_url:path}}": ("GET", "HEAD"),
    f"{API}/heartbeat/{{session_hash}}": ("GET",),
    f"{API}/info": ("GET",),
    f"{API}/queue/data": ("GET",),
    QUEUE_JOIN: ("POST",),
    f"{API}/reset": ("POST",),
    f"{API}/startup-events": ("GET",),
    UPLOAD: ("POST",),
    f"{API}/upload_progress": ("GET",),
}
"""What the page in the browser, `gradio_client` and `launch` itself ask for."""
CALL_ROUTES: Routes = {
    f"{CALL}/{{api_name}}": ("POST",),
    f"{CALL}/{{api_name}}/{{event_id}}": ("GET",),
    f"{CALL}/v2/{{api_name}}": ("POST",),
    f"{CALL}/v2/{{api_name}}/{{event_id}}": ("GET",),
}
"""The routes that the page's own description of the endpoints gives to programs."""
LAUNCH: Mapping[str, Any] = {"_frontend": False}
"""Keywords of `launch`, which else ends a server whose first answer takes three seconds, as while networks load."""
LOGIN_ROUTES: Routes = {"/login": ("POST",), "/logout": ("GET",)}
"""Only used with a password."""
LOGIN_COOKIE = "access-token-"
"""How the names of both cookies of the login begin; the one for other sites has `SameSite=none; Secure`."""
MCP_ROUTES: Routes = {f"{API}/mcp": ("DELETE", "GET", "POST"), f"{API}/mcp/{{path:path}}": ("DELETE", "GET", "POST")}
"""Only there with `launch(mcp_server=True)`: an app of its own, mounted at the first."""
READING_ROUTES = (
    QUEUE_JOIN,
    CALL,
    UPLOAD,
    FILE,
    f"{API}/cancel",
    f"{API}/heartbeat/",
    f"{API}/queue/data",
    f"{API}/mcp",
)
"""The beginnings of routes that read what a client sends: a body, a name, a session, a path."""
ROUTE_ERRORS = (FnIndexInferError, KeyError, TypeError, ValueError, RuntimeError)
"""What they raise at unknown names, wrong types, numbers that JSON cannot write, and streams cut short."""
VALUE_ERRORS = (
    gr.Error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
)
"""What components raise at values of another type, out of range, or nested too deeply, and at files that are gone."""


UNREAD_S = 300.0
"""Seconds after which a session that reads none of its messages loses them, with what it has in the queue."""
SWEEP_S = 5.0
"""Seconds between two searches for such sessions."""


class Unkept:
    """Mixin of a component whose updates no session keeps: what one sends is for the browser alone."""


class HookedBlocks(gr.Blocks):
    """Blocks that call the hooks of a subclass around each request, and let it word the errors.

    A session keeps what updates made of its fields, such as the choices of a dropdown, and nothing of `Unkept` ones.
    Gradio keeps the messages of a session until they are read, and they hold whole results: those that nothing reads
    go after `UNREAD_S`.

    Args:
        *given: Gradio's.
        **options: Gradio's.
    """

    _swept = 0.0
    """The time of the last search, on the clock of `time.monotonic`."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._waiting: dict[str, tuple[object, float]] = {}  # by session: its oldest message, and since when

    def check_values(self, values: Any) -> None:
        """Called before Gradio opens a file among a request's values; raises gr.Error to refuse.

        Args:
            values: JSON values of the request.
        """

    def request_error(self, error: Exception) -> gr.Error:
        """The error that a client receives if no component can read its values.

        Args:
            error: Gradio's.

        Returns:
            The error with its message.

        Raises:
            NotImplementedError: a subclass words it.
        """
        raise NotImplementedError

    def server_error(self, error: Exception) -> gr.Error:
        """The error that a client receives if its request failed on the server.

        Args:
            error: what was raised.

        Returns:
            The error with its message.

        Raises:
            NotImplementedError: a subclass words it.
        """
        raise NotImplementedError

    async def process_api(
        self, block_fn: Any, inputs: list[Any], state: Any = None, *further: Any, **keywords: Any
    ) -> dict[str, Any]:
        """As Gradio's, which then keeps every component that was updated, and every value for a deep link.

        Args:
            block_fn: Gradio's record of the function.
            inputs: JSON values.
            state: of the session.
            *further: Gradio's.
            **keywords: Gradio's.

        Returns:
            Gradio's.

        Raises:
            gr.Error: alone; `request_error` where the values are wrong, `server_error` for whatever else goes wrong.
        """
        await self._drop_unread(time.monotonic())
        try:
            return await super().process_api(block_fn, inputs, state, *further, **keywords)
        except gr.Error:
            raise
        except Exception as error:
            raise self.server_error(error) from error
        finally:
            if state is not None:
                state.config_values.clear()  # for deep links alone, whose route is closed
                fresh = {number: block for number, block in self.blocks.items() if isinstance(block, Unkept)}
                state.blocks_config.blocks.update(fresh)

    async def _drop_unread(self, now: float) -> None:
        """Let the messages go whose sessions have read none for `UNREAD_S`."""
        if now - self._swept < SWEEP_S:
            return
        self._swept, queue = now, self._queue
        unread = {
            session: cast("Any", messages)._queue[0]
            for session, messages in queue.pending_messages_per_session.items()
            if not messages.empty()
        }
        before = self._waiting
        self._waiting = {
            session: before[session] if session in before and before[session][0] is oldest else (oldest, now)
            for session, oldest in unread.items()
        }
        for session in [session for session, (_, since) in self._waiting.items() if now - since >= UNREAD_S]:
            await queue.clean_events(session_hash=session)
            queue.pending_messages_per_session.pop(session, None)
            queue.pending_event_ids_session.pop(session, None)
            del self._waiting[session]

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> Any:
        """As Gradio's.

        Args:
            block_fn: Gradio's record of the function.
            inputs: JSON values.
            state: of the session.
            explicit_call: Gradio's.

        Returns:
            Gradio's.

        Raises:
            gr.Error: a file that was not uploaded, or values that no component can read.
        """
        self.check_values(inputs)
        try:
            # Gradio checks only files with its mark, but its images need none: a path alone would be opened.
            check_all_files_in_cache(cast("Any", inputs))
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except Exception as error:
            raise self._read_error(error) from error

    async def call_function(
        self,
        block_fn: Any,
        processed_input: list[Any],
        iterator: Any = None,
        requests: Any = None,
        event_id: str | None = None,
        event_data: gr.EventData | None = None,
        *further: Any,
        **keywords: Any,
    ) -> Any:
        """As Gradio's.

        Args:
            block_fn: Gradio's record of the function.
            processed_input: arguments of the function.
            iterator: Gradio's.
            requests: Gradio's.
            event_id: Gradio's.
            event_data: of the event, if there is one.
            *further: Gradio's.
            **keywords: Gradio's.

        Returns:
            Gradio's.

        Raises:
            gr.Error: an event with a file from elsewhere, or one that the browser handles.
        """
        if block_fn.fn is None:  # Gradio lists listeners that are JavaScript alone with all others
            raise self.request_error(ValueError("an event of the browser alone"))
        try:
            if event_data is not None:
                check_all_files_in_cache(event_data._data)
        except Exception as error:
            raise self._read_error(error) from error
        known = (processed_input, iterator, requests, event_id, event_data)
        return await super().call_function(block_fn, *known, *further, **keywords)

    def _read_error(self, error: Exception) -> gr.Error:
        """The error of the request or of the server, by what Gradio met when it read the values."""
        cause = error.__cause__ if isinstance(error, ComponentProcessingError) else error
        wrong = isinstance(cause, VALUE_ERRORS) or (isinstance(cause, OSError) and cause.errno == ENAMETOOLONG)
        return self.request_error(error) if wrong else self.server_error(error)


def event_details(event: gr.EventData) -> Any:
    """The value that the browser sent with an event.

    Args:
        event: Gradio's.

    Returns:
        A JSON value, not to be trusted.
    """
    return event._data


def blocks_of(request: Request) -> Any:
    """The Blocks behind a route that was given to `launch(app_kwargs={"routes": ...})`.

    Args:
        request: to that route.

    Returns:
        The Blocks.
    """
    return request.app.blocks


def theme_css(theme: gr.Theme) -> str:
    """The variables of a theme, which Gradio serves as `/theme.css`.

    Args:
        theme: the theme.

    Returns:
        CSS: rules for `:root` and, where it is dark, for what is in `.dark`.
    """
    return theme._get_theme_css()


def serve_bytes(component: Component, data: bytes, name: str) -> str:
    """Write bytes where the server may serve them from; they are deleted as the component's other files are.

    Equal bytes have one path. Gradio's own `save_bytes_to_cache` writes them again in place, and whoever reads the file
    at that moment gets a part of it.

    Args:
        component: whose file it is.
        data: the content.
        name: of the file.

    Returns:
        Its path.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / Path(name).name
        file.write_bytes(data)
        return serve_file(component, file)


def serve_file(component: Component, file: Path) -> str:
    """As `serve_bytes`, for a copy of a file.

    Args:
        component: whose file it is.
        file: that is copied.

    Returns:
        The path of the copy.
    """
    path = save_file_to_cache(file, component.GRADIO_CACHE)
    component.temp_files.add(path)
    return path


def registered_paths(routes: Iterable[BaseRoute]) -> Iterator[str]:
    """The path of each route as it was registered, such as `/assets/{path:path}`; of a mounted app, where it stands.

    Args:
        routes: `demo.app.routes` of a launched page. FastAPI keeps a router that was included as one route of its own.

    Yields:
        The paths.
    """
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from registered_paths(included.routes)
        else:
            yield cast("Any", route).path
