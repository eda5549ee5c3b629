"""Which images are kept for links, and for how long."""

import pytest

from app.core.image_store import ImageStore
from crt.errors import InvalidSetting


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_image_is_kept_for_its_time_and_no_longer():
    clock = Clock()
    store = ImageStore(limit=100, age=60, clock=clock)
    store.put("a", ".png", b"12345")
    clock.now = 59.9
    assert store.get("a") == (".png", b"12345")
    store.put("a", ".png", b"12345")  # asked for again: its time begins anew
    clock.now = 119
    assert store.get("a") is not None
    clock.now = 120
    assert store.get("a") is None
    assert store.nbytes == 0


def test_the_store_is_bounded_and_the_oldest_go_first():
    store = ImageStore(limit=10)
    for name in "abc":
        store.put(name, "", b"1234")
    assert store.get("a") is None
    assert store.get("b") and store.get("c")
    assert store.nbytes == 8
    store.put("c", "", b"12345678")  # larger than before, so b must go
    assert store.get("b") is None
    assert store.nbytes == 8
    with pytest.raises(InvalidSetting, match="too large"):
        store.put("d", "", b"1" * 11)
    assert store.get("c")
