"""The app in this process, for the tests that send it requests over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.cli import AppConfig
from app.page import build, launch_options
from app.server.hosting import Served


@contextmanager
def running_app(config: AppConfig) -> Iterator[tuple[Served, str]]:
    """The app's Blocks and its address; it ends with the block."""
    demo = build(config)
    try:
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **launch_options(config))
        yield demo, url
    finally:
        demo.close()
