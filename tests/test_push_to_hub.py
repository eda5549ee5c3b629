"""A checkpoint goes to a Hub and comes back the same; the Hub is a local fake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crt.checkpoint import read_config, weights_sha256
from tests.fake_hub import serving
from tests.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[1]


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


def python(hub, tmp_path, *words: str, token: str | None = None) -> subprocess.CompletedProcess:
    """A command in a process of its own, which reads the Hub's address when it starts."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "home"),
        "HF_TOKEN": token or hub.token,
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_what_is_pushed_is_what_is_loaded(hub, folder, tmp_path):
    words = ["-m", "scripts.push_to_hub", "--checkpoint", str(folder), "--repo", "user/tiny"]
    pushed = python(hub, tmp_path, *words)
    assert pushed.returncode == 0, pushed.stderr
    assert pushed.stdout.strip().startswith(f"{hub.url}/user/tiny/commit/")
    assert set(hub.files["user/tiny"]) == {path.name for path in folder.iterdir()} - {"notes.txt"}
    program = "from crt.checkpoint import load_checkpoint as load; print(load('user/tiny').sha256)"
    loaded = python(hub, tmp_path, "-c", program)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.strip() == weights_sha256(read_config(folder))


@pytest.mark.slow
def test_what_cannot_be_pushed_is_said_in_one_sentence(hub, folder, tmp_path):
    words = ["-m", "scripts.push_to_hub", "--checkpoint", str(folder), "--repo", "user/tiny"]
    refused = python(hub, tmp_path, *words, token="hf_wrong")
    assert refused.returncode == 1 and "error: The Hub did not take user/tiny" in refused.stderr
    (folder / "README.md").unlink()
    bare = python(hub, tmp_path, *words)
    assert "has no model card" in bare.stderr and "Traceback" not in bare.stderr + refused.stderr
    assert not any(hub.files.values())
    (folder / "README.md").write_text("# Tiny\n")
    hub.shutdown()
    hub.server_close()
    away = python(hub, tmp_path, *words)
    assert "error: The Hub did not take user/tiny" in away.stderr and "Traceback" not in away.stderr
