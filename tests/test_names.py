"""A public name stands for one thing in all modules of its folder."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INTERFACES: dict[str, set[str]] = {"crt": set(), "app": {"log", "register"}, "scripts": {"command", "main"}}
"""Names that modules of one kind have in common, with one meaning in all of them."""


def defined(source: str) -> set[str]:
    """The public classes, functions and constants that a module defines at its top."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("folder", INTERFACES)
def test_a_public_name_stands_for_one_thing(folder):
    files = (ROOT / folder).rglob("*.py")
    counts = Counter(name for file in files for name in defined(file.read_text(encoding="utf-8")))
    assert {name for name, count in counts.items() if count > 1} == INTERFACES[folder]


def test_every_kind_of_definition_is_read():
    source = "A, B = 1, 2\nC: int = 3\n_d = 4\ndef e(): f = 5\nclass G: h = 6\nimport i"
    assert defined(source) == {"A", "B", "C", "e", "G"}
