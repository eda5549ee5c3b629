"""The notebook runs as it is committed, on the bundled checkpoint and without a network."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from crt.checkpoint import METHODS, read_config

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "notebooks" / "quickstart.ipynb"
PLOTLY = "application/vnd.plotly.v1+json"
MAX_BYTES = 20_000


def test_it_is_committed_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs and cell.execution_count is None for cell in code)
    assert NOTEBOOK.stat().st_size < MAX_BYTES


@pytest.mark.slow
def test_every_cell_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [output.data[PLOTLY] for output in outputs if PLOTLY in output.get("data", {})]
    assert len(shown) == 1 and shown[0]["data"]
    printed = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    networks = read_config(ROOT / "checkpoints" / "voc").networks
    assert printed.splitlines()[0].split() == [method for method in METHODS if method in networks]
    assert printed.endswith("True\n")
    assert not [output for output in outputs if output.output_type == "error"]
