"""`python -m scripts` lists every command once, with what it does, without importing any."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.__main__ import DEVELOPERS, GROUPS, commands, grouped, main

ROOT = Path(__file__).resolve().parents[2]


def test_every_group_names_commands_that_are_there() -> None:
    named = [name for names in GROUPS.values() for name in names]
    assert set(named) <= set(commands()) and len(named) == len(set(named))


def test_every_command_is_listed_once(capsys) -> None:
    main()
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert sorted(name for name, _ in lines) == sorted(commands())
    assert dict(lines) == commands()
    assert all(len(text) > 20 for _, text in lines)
    assert grouped(commands())[DEVELOPERS], "the tools of developers are in no group"


def test_a_command_is_a_module_that_can_be_run() -> None:
    found = commands()
    for name in found:
        path = ROOT / "scripts" / name.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()
    assert {"train_crt", "bench", "report"} <= set(found) and not {"output", "bench.timing", ""} & set(found)


def test_the_list_needs_no_library() -> None:
    """Where nothing is installed: `-S` leaves site-packages out, `-I` all paths but that of the program."""
    code = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); runpy.run_module('scripts', run_name='__main__')"
    ran = subprocess.run([sys.executable, "-IS", "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "train_crt" in ran.stdout and "Train\n" in ran.stdout
