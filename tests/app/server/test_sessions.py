"""How much memory a visitor costs once the answers are sent: some kilobytes, of a bounded number of visitors."""

import gc
import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from app import page as ui
from app.cli import AppConfig
from scripts.loadtest.client import PageClient
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint

DETAILS = {
    "method": "crt",
    "classes": [0],
    "loops": 1,
    "refined": True,
    "blocks": None,
    "pass_reduction": "sum",
    "x": 0.5,
    "y": 0.5,
    "size": "336",
    "mode": "overlap",
}
VISITORS = 8
ROUNDS = 3
BYTES = 48 * 2**10


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A running app that remembers three sessions, and its address."""
    monkeypatch.setattr(ui, "SESSIONS", 3)
    config = AppConfig(checkpoint=str(tiny_checkpoint(tmp_path / "tiny")), host="127.0.0.1")
    with running_app(config) as served:
        yield served


def visit(url: str, session: str) -> None:
    """Upload an image and ask for all that comes back in one piece."""
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((1024, 768), Image.Resampling.BICUBIC).save(stream, "PNG")
    page_client = PageClient(url, session)
    image = page_client.upload("a.png", stream.getvalue())
    assert isinstance(image, dict)
    for start in ("change/", "inspect/", "load_heads/", "ablate/"):
        endpoint = next(one for one in page_client.endpoints if one.name.startswith(start))
        assert page_client.send(endpoint, endpoint.good(image), DETAILS).kind == "answered", start
    page_client.close()


def held(demo) -> int:
    """Bytes of all objects of Python, without Predictions and decoded uploads, which have bounds of their own."""
    for round_number in range(ROUNDS):
        for number in range(VISITORS // 2):
            demo.cache.drop(f"visitor {round_number} {number}")
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - demo.images.nbytes


def test_a_visitor_costs_some_kilobytes(served):
    demo, url = served
    demo.app.state_holder.capacity = ui.SESSIONS + 2 * VISITORS  # a session costs nothing once it is forgotten
    for number in range(2):
        visit(url, f"warm {number}")
    tracemalloc.start(1)
    try:
        sizes = [held(demo)]
        for round_number in range(ROUNDS):
            for number in range(VISITORS // 2):
                visit(url, f"visitor {round_number} {number}")
            sizes.append(held(demo))
    finally:
        tracemalloc.stop()
    # What is made once falls in one round; what each visitor leaves, in all of them.
    grown = min(np.diff(sizes)) / (VISITORS // 2)
    assert grown < BYTES, f"{grown / 2**10:.0f} KiB a visitor"


def test_only_so_many_visitors_are_remembered(served):
    demo, url = served
    page_client = PageClient(url, "")
    endpoint = next(one for one in page_client.endpoints if one.name.startswith("change/"))
    for number in range(VISITORS):
        page_client.session = f"visitor {number}"
        assert page_client.send(endpoint, list(endpoint.values)).kind == "answered"
    page_client.close()
    assert list(demo.app.state_holder.session_data) == [f"visitor {number}" for number in range(VISITORS)[-3:]]
