"""A checkpoint goes to a Hub and comes back the same; the Hub is a local fake."""

import os
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from crt.checkpoint import read_config, weights_sha256
from tests.helpers.fake_hub import serving
from tests.helpers.in_process import run_command
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[2]
PUSH_AND_LOAD = """
import contextlib, runpy
with contextlib.suppress(SystemExit):  # it ends with 0, and a failure would print no address
    runpy.run_module("scripts.push_to_hub", run_name="__main__")
from crt.checkpoint import load_checkpoint
print(load_checkpoint("user/tiny").sha256)
"""  # in a process of its own: the Hub's client reads its address when it starts


@pytest.fixture
def hub(tmp_path):
    with serving() as running:
        yield running


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tiny_checkpoint(tmp_path / "tiny", masks=True)
    (made / "README.md").write_text("---\nlicense: mit\n---\n# Tiny\n")
    (made / "notes.txt").write_text("not for others")
    return made


def test_what_is_pushed_is_what_is_loaded(hub, folder, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PUSH_AND_LOAD, "--checkpoint", str(folder), "--repo", "user/tiny"],
        cwd=ROOT,
        env={
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": hub.token,
            "HF_HUB_DISABLE_XET": "1",
            "NO_PROXY": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    commit, sha256 = done.stdout.splitlines()
    assert commit.startswith(f"{hub.url}/user/tiny/commit/")
    assert set(hub.files["user/tiny"]) == {path.name for path in folder.iterdir()} - {"notes.txt"}
    assert sha256 == weights_sha256(read_config(folder))


def test_what_cannot_be_pushed_is_refused_in_one_sentence(hub, folder, monkeypatch):
    def push() -> CompletedProcess[str]:
        return run_command("scripts.push_to_hub", "--checkpoint", folder, "--repo", "user/tiny")

    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    refused = push()
    assert refused.returncode == 1 and "error: The Hub did not take user/tiny" in refused.stderr
    (folder / "README.md").unlink()
    monkeypatch.setenv("HF_TOKEN", hub.token)
    bare = push()
    assert "has no model card" in bare.stderr and "Traceback" not in bare.stderr + refused.stderr
    assert not any(hub.files.values())
    (folder / "README.md").write_text("# Tiny\n")
    hub.shutdown()
    hub.server_close()
    away = push()
    assert "error: The Hub did not take user/tiny" in away.stderr and "Traceback" not in away.stderr
