"""Every public function and class of the library and the app lists its arguments, results and errors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(path.relative_to(ROOT).as_posix() for top in ("crt", "app") for path in (ROOT / top).rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef
SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):$", re.MULTILINE)
SELF_EVIDENT = ("property", "cached_property", "overload", "functools.cached_property")
"""Decorators of what has no arguments or is documented elsewhere: one sentence is enough."""


def public(tree: ast.AST, path: str = "") -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """The name in its module and the node of every public class, method and function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            name = f"{path}{node.name}"
            yield name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{name}.")


@cache
def whole_names() -> frozenset[str]:
    """Names whose docstring is complete: an implementation of such a thing may refer to it."""
    trees = [ast.parse((ROOT / file).read_text(encoding="utf-8")) for file in FILES]
    found = [(name, node) for tree in trees for name, node in public(tree)]
    return frozenset(name for name, node in found if "\nArgs:" in (ast.get_docstring(node) or ""))


def sections(docstring: str) -> dict[str, dict[str, str]]:
    """The sections of a docstring: names and their words; of `Returns` and `Yields` the words under an empty name."""
    parts = SECTION.split(docstring)
    found: dict[str, dict[str, str]] = {}
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title in ("Returns", "Yields"):
            found[title] = {"": body.strip()}
            continue
        entries = re.findall(r"^    (\*{0,2}\w+): ?((?:.*\n?)(?:     +.*\n?|\n)*)", body, re.MULTILINE)
        found[title] = {name.lstrip("*"): words.strip() for name, words in entries}
    return found


def arguments(node: Function) -> list[str]:
    """The names of all arguments but self and cls."""
    spec = node.args
    names = [one.arg for one in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg) if one]
    return [name for name in names if name not in ("self", "cls") and not name.startswith("_")]


def raised(node: ast.AST) -> set[str]:
    """What a function raises in its own body by name, without what functions inside it do."""
    names: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(child, ast.Raise) and child.exc is not None:
            error = child.exc.func if isinstance(child.exc, ast.Call) else child.exc
            if isinstance(error, ast.Name) and error.id[:1].isupper():
                names.add(error.id)
        names |= raised(child)
    return names


def fields(node: ast.ClassDef) -> list[str]:
    """The public fields of a record that have no line of their own below them."""
    records = ("dataclass", "NamedTuple", "Protocol")
    kinds = [ast.unparse(one) for one in (*node.decorator_list, *node.bases)]
    if not any(record in words for record in records for words in kinds):
        return []
    names = []
    for one, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and not one.target.id.startswith("_"):
            documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if not documented and "ClassVar" not in ast.unparse(one.annotation):
                names.append(one.target.id)
    return names


def missing(node: Function | ast.ClassDef) -> list[str]:
    """What a docstring leaves out."""
    docstring = ast.get_docstring(node)
    if not docstring:
        return ["a docstring"]
    if (elsewhere := re.match(r"See `([\w.]+)`", docstring)) and elsewhere[1] in whole_names():
        return []
    listed = sections(docstring)
    if isinstance(node, ast.ClassDef):
        known = listed.get("Attributes", {}) | listed.get("Args", {})
        lacking = [f"Attributes: {name}" for name in fields(node) if not known.get(name)]
        for one in node.body:
            if isinstance(one, Function) and one.name == "__init__":
                inner = sections(ast.get_docstring(one) or "").get("Args", {})
                lacking += [f"Args: {name}" for name in arguments(one) if not (known | inner).get(name)]
        return lacking
    if any(ast.unparse(one).split("(")[0] in SELF_EVIDENT for one in node.decorator_list):
        return []
    lacking = [f"Args: {name}" for name in arguments(node) if not listed.get("Args", {}).get(name)]
    gives = node.returns is not None and ast.unparse(node.returns) not in ("None", "Never", "NoReturn")
    if arguments(node) and gives and not (listed.get("Returns") or listed.get("Yields")):  # else the sentence is enough
        lacking.append("Returns")
    lacking += [f"Raises: {name}" for name in sorted(raised(node) - listed.get("Raises", {}).keys())]
    return lacking


@pytest.mark.parametrize("file", FILES)
def test_a_docstring_names_all_that_goes_in_and_comes_out(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert {name: lacking for name, node in public(tree) if (lacking := missing(node))} == {}
