"""The client of the page's queue: what it reads of a streamed answer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scripts.loadtest.client import Endpoint, PageClient

STREAM = (
    {"msg": "process_starts"},
    {"msg": "process_generating", "output": {"data": [1], "duration": 0.25}},
    {"msg": "process_generating", "output": {"data": [2], "duration": 0.5}},
    {"msg": "process_completed", "success": True, "output": {"data": [3], "duration": 0.001}},
)


@contextmanager
def streamed(*_: object, **__: object) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(iter_lines=lambda: iter([*(f"data: {json.dumps(one)}" for one in STREAM), ""]))


def test_the_servers_time_is_that_of_all_parts():
    client = PageClient.__new__(PageClient)
    client.http = cast("Any", SimpleNamespace(post=lambda *_, **__: SimpleNamespace(status_code=200), stream=streamed))
    client.session = "s"
    found = client.send(cast("Endpoint", SimpleNamespace(number=1)), [])
    assert found.kind == "answered" and found.data == [3]
    assert found.server_s == pytest.approx(0.751)
