"""The same arithmetic on every machine that runs the tests, and which tests wait for `--nightly`.

One torch thread per test process: the networks of the tests are so small that more only wait for each other. And
`auto` means float32, whatever a probe would find here.
"""

import atexit
import os
import shutil
import sys
import tempfile
import threading
from importlib.util import find_spec

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("any machine", deadline=None)  # how long an example takes is no property of it
settings.load_profile("any machine")

PORTS = 100
"""Gradio takes a free port among so many: each worker of pytest-xdist has its own."""
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
os.environ.setdefault("GRADIO_SERVER_PORT", str(7860 + PORTS * _worker))
# A server that ends deletes its uploads, which are named by their content: each process has a folder of its own.
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="crt-tests-")
atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)
NO_DENSE_CRF = sys.version_info >= (3, 13) and find_spec("pydensecrf") is None
"""Elsewhere its absence is an error."""


def pytest_addoption(parser):
    parser.addoption("--nightly", action="store_true", help="also run the tests about load, time, and many processes")


def pytest_collection_modifyitems(config, items):
    """Without `--nightly` its tests are deselected; every slow benchmark is one of them."""
    for item in items:
        if item.path.parent.name == "bench" and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.nightly)
        if NO_DENSE_CRF and item.get_closest_marker("dense_crf"):
            item.add_marker(pytest.mark.skip(reason="pydensecrf2 does not build on this Python"))
    if config.getoption("--nightly"):
        return
    waiting = [item for item in items if item.get_closest_marker("nightly")]
    items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    if waiting:
        config.hook.pytest_deselected(items=waiting)


@pytest.fixture(scope="session", autouse=True)
def float32():
    """`auto` as on a machine without bfloat16 instructions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crt.precision.get_capabilities", dict)
        yield


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """No network is still being loaded when the next file begins: all threads draw from torch's one random stream."""
    yield
    for thread in threading.enumerate():
        if thread.name in ("load-models", "swap-model"):
            thread.join()
