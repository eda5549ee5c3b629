"""The server's threads share two memory pools, so that what one has freed is there for the next."""

import ast
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
THREADS = """
import ctypes, threading
{before}
started, ended = threading.Barrier(9), threading.Barrier(9)
def work():
    started.wait()
    kept = [bytearray(50_000) for _ in range(40)]
    ended.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
started.wait()
ctypes.CDLL(None).malloc_stats()
ended.wait()
"""


def arenas(before: str, **environment: str) -> int:
    """How many pools glibc has made for eight threads in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    done = subprocess.run(
        [sys.executable, "-c", THREADS.format(before=before)],
        capture_output=True, text=True, cwd=ROOT, env=clean | environment, check=True, timeout=600,
    )  # fmt: skip
    return len(re.findall(r"^Arena \d+:", done.stderr, re.MULTILINE))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a pool for each thread")
def test_threads_share_two_pools():
    limit = "from app.server.memory import limit_arenas; print(limit_arenas())"
    assert arenas("") > 2
    assert arenas(limit) <= 2
    assert arenas(limit, MALLOC_ARENA_MAX="4") > 2  # what the host has set stays


def test_the_page_limits_its_pools_first_of_all():
    tree = ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))
    (main,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    assert ast.unparse(main.body[1]) == "limit_arenas()"  # after the docstring
