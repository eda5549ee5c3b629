"""Requests to a server of the tests that wait as long as a busy machine takes, where httpx waits five seconds."""

from functools import partial

import httpx
from gradio_client import Client

LIMIT_S = 300
get = partial(httpx.get, timeout=LIMIT_S)
post = partial(httpx.post, timeout=LIMIT_S)
program = partial(Client, verbose=False, httpx_kwargs={"timeout": LIMIT_S})
"""A program that uses the public endpoints."""
