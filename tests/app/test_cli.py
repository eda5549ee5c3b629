"""`app.py` prints one line for what it cannot read, as the commands do."""

import runpy
import sys
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[2] / "app.py"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--no-such-option", "1"], "Unrecognized options: --no-such-option, 1"),
        (["--port", "high"], "--port"),
        (["--precision", "fp8"], "--precision"),
        (["--queue-size", "0"], "--queue-size is 0: give at least 1."),
        (["--device"], "--device"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_2(words, expected, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(APP), *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(APP), run_name="__main__")
    printed = capsys.readouterr()
    assert end.value.code == 2 and printed.out == ""
    assert printed.err.startswith("error: ") and printed.err.count("\n") == 1
    assert expected in printed.err and printed.err.endswith(f". All options: python {APP} --help\n")
