"""What errors say: never an empty reason, never `None`, and the whole sentence."""

from __future__ import annotations

import ast
import errno
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import timm
import torch

from crt import errors
from crt.checkpoint import Method, load_checkpoint
from crt.data import Sample
from crt.errors import CrtError, InvalidCheckpoint, InvalidDataset, InvalidSetting, count_of, reason_of
from crt.evaluation import pipeline_stage as stage
from crt.evaluation.pipeline_stage import make_each, write_manifest
from crt.metrics.faithfulness import FaithfulnessConfig
from crt.models.vit_backbone import build_vit
from crt.postprocess import cam_to_labels
from crt.prediction import Prediction
from crt.predictor import InferenceConfig, Predictor
from crt.pseudo_labels.label_png import labels_of_image
from crt.refine import attention_map
from scripts.download_voc import extract_voc
from scripts.explain import Explain, write
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for top in ("crt", "scripts", "app") for path in (ROOT / top).rglob("*.py")] + [ROOT / "app.py"]
OURS = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {"InvalidPrediction", "Stopped"}
WORDLESS = [
    OSError(),
    OSError(None, None),
    OSError("\n"),
    AssertionError(),
    ValueError(None),
    EOFError(""),
    TimeoutError(" \n "),
]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.ENOENT, "No such file or directory", "/a/b"), "No such file or directory"),
        (OSError("the archive ends early.\nmore"), "the archive ends early"),
        (KeyError("networks"), "there is no 'networks'"),
        (ValueError("\n first \nsecond"), "first"),
        (
            InvalidDataset("The list has 2 problems:\n- no image (2): a, b"),
            "The list has 2 problems: - no image (2): a, b",
        ),
        (InvalidSetting("Choose one."), "Choose one"),
        (RuntimeError("cut off …"), "cut off …"),
        *((error, type(error).__name__) for error in WORDLESS),
        (KeyError(), "KeyError"),
        (CrtError(), "CrtError"),
    ],
)
def test_a_reason_is_one_line_and_never_empty(error: BaseException, reason: str) -> None:
    assert reason_of(error) == reason


def whole(sentence: str) -> bool:
    """Whether a message has all its words: no `None`, nothing empty between its marks, and one full stop at its end."""
    faults = (r"\bNone\b", r": *[.:;)]", r"\( *\)", r"\.\.", r" {2,}", r" [.,;:)]", r"^$")
    return sentence.endswith((".", "?")) and not any(re.search(fault, sentence) for fault in faults)


@pytest.mark.parametrize("error", [*WORDLESS[:3], CrtError("Make it again."), OSError(errno.EIO, "Input/output error")])
def test_a_stage_that_fails_names_the_image_and_the_reason(error: Exception) -> None:
    def make(_: Sample) -> None:
        raise error

    with pytest.raises(CrtError) as caught:
        make_each([Sample("a", Path("a.png"), (0,))], lambda _: False, make, silent=True)
    assert whole(str(caught.value)), str(caught.value)
    assert str(caught.value) == f"a: {reason_of(error)}. Correct that and run the same command to go on."


@pytest.mark.parametrize("error", WORDLESS[:3])
def test_a_folder_that_cannot_be_written_is_refused_with_the_reason(tmp_path, monkeypatch, error: OSError) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(stage, "write_text", fail)
    with pytest.raises(InvalidSetting) as caught:
        write_manifest(tmp_path, {})
    assert whole(str(caught.value)), str(caught.value)


@pytest.mark.parametrize("error", [AssertionError(), ValueError()])
def test_a_backbone_that_refuses_without_words(monkeypatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(InvalidCheckpoint) as caught:
        build_vit("deit_tiny_patch16_224")
    assert whole(str(caught.value)), str(caught.value)


@pytest.mark.parametrize("error", [EOFError(), tarfile.TarError()])
def test_an_archive_that_breaks_off_without_words(tmp_path, monkeypatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(tarfile, "open", fail)
    with pytest.raises(InvalidDataset) as caught:
        extract_voc(tmp_path / "voc.tar", tmp_path / "VOCdevkit" / "VOC2012")
    assert whole(str(caught.value)), str(caught.value)


@pytest.mark.parametrize("error", [OSError(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_file_that_cannot_be_written_is_named(tmp_path, error: OSError) -> None:
    def fail(_: object) -> None:
        raise error

    config = Explain(tmp_path / "cat.png", output=tmp_path / "cat.npz")
    with pytest.raises(InvalidSetting) as caught:
        write(config, cast("Prediction", SimpleNamespace(save=fail)), *cast("tuple", (None, [], [], {}, None)))
    assert whole(str(caught.value)) and "cat.npz cannot be written" in str(caught.value)


def test_lists_that_are_empty_leave_no_gap(tmp_path) -> None:
    with pytest.raises(InvalidSetting) as caught:
        FaithfulnessConfig(())
    assert whole(str(caught.value)), str(caught.value)
    predictor = Predictor(load_checkpoint(tiny_checkpoint(tmp_path, methods=("resnet",))))
    unusable: tuple[tuple[Method, ...], ...] = ((), ("crt",))
    for methods in unusable:
        with pytest.raises(InvalidSetting) as caught:
            predictor.predict(ROOT / "app/examples/cat.jpg", InferenceConfig(methods=methods))
        assert whole(str(caught.value)) and "choose among resnet" in str(caught.value)


def raised(source: str) -> Iterator[tuple[ast.Raise, set[str]]]:
    """Every `raise`, and the names of the exceptions that are being handled around it."""

    def walk(node: ast.AST, names: frozenset[str]) -> Iterator[tuple[ast.Raise, set[str]]]:
        if isinstance(node, ast.ExceptHandler) and node.name:
            names |= {node.name}
        if isinstance(node, ast.Raise):
            yield node, set(names)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, names)

    yield from walk(ast.parse(source), frozenset())


def bare_reasons(source: str) -> list[str]:
    """Messages that take over the text of an exception as it is, which may be empty or None."""
    found = []
    for node, names in raised(source):
        for part in ast.walk(node.exc) if node.exc is not None else ():
            if isinstance(part, ast.FormattedValue) and part.conversion == -1:
                value = part.value
                if isinstance(value, ast.Attribute) and value.attr == "strerror":
                    value = value.value
                if isinstance(value, ast.Name) and value.id in names:
                    found.append(ast.unparse(node))
    for handler in ast.walk(ast.parse(source)):
        if isinstance(handler, ast.ExceptHandler) and handler.name and not own(handler):
            found += [ast.unparse(node) for node in ast.walk(handler) if takes_over(node, handler.name)]
    return found


def own(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches errors of this package alone, whose texts are whole sentences."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind) for kind in kinds if kind is not None} <= OURS


def takes_over(node: ast.AST, name: str) -> bool:
    """Whether the text of an exception goes into a longer one, is handed on, or is returned."""
    if isinstance(node, ast.FormattedValue):
        return node.conversion == -1 and ast.unparse(node.value) in (name, f"str({name})", f"{name}.strerror")
    logged = isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log.")
    given: list[ast.expr | None] = list(node.args) if isinstance(node, ast.Call) and not logged else []
    if isinstance(node, ast.Return):
        given = list(node.value.elts) if isinstance(node.value, ast.Tuple) else [node.value]
    return any(part is not None and ast.unparse(part) == f"str({name})" for part in given)


def wordless(source: str) -> list[str]:
    """Errors of this package that are raised without a message."""
    return [
        ast.unparse(node)
        for node, _ in raised(source)
        if (isinstance(node.exc, ast.Name) and node.exc.id in OURS)
        or (isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) in OURS and not node.exc.args)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_message_takes_over_a_text_that_may_be_empty(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert wordless(source) == []
    assert bare_reasons(source) == []


def test_the_checks_of_the_sources_can_fail() -> None:
    handled = "try:\n    pass\nexcept OSError as error:\n    raise InvalidSetting(f'a {%s}') from error"
    for text in ("error", "error.strerror"):
        assert bare_reasons(handled % text)
    for text in ("error!r", "reason_of(error)", "path"):
        assert bare_reasons(handled % text) == []
    handled = "try:\n    pass\nexcept %s as error:\n    %s"
    for text in ("problems.add('a', str(error))", "problems.add('a', f'{error}')", "return 'a', str(error)"):
        assert bare_reasons(handled % ("OSError", text)) and bare_reasons(handled % ("(CrtError, OSError)", text))
        assert bare_reasons(handled % ("CrtError", text)) == []
    assert wordless("raise CrtError()") and wordless("raise InvalidImage") and not wordless("raise CrtError('a')")


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (1, ("map",), "1 map"),
        (0, ("map",), "0 maps"),
        (2, ("class", "classes"), "2 classes"),
        (1, ("class", "x"), "1 class"),
    ],
)
def test_a_number_agrees_with_its_noun(number: int, words: tuple[str, ...], text: str) -> None:
    assert count_of(number, *words) == text


def test_messages_about_one_thing_use_the_singular() -> None:
    with pytest.raises(InvalidSetting, match=r"^1 map for 2 classes: give one for each\.$"):
        cam_to_labels(np.zeros((1, 4, 4), np.float32), (0, 1))
    with pytest.raises(InvalidSetting, match=r"^2 maps for 1 class: give one for each\.$"):
        labels_of_image(np.zeros((2, 4, 4), np.float32), (4, 4), (8, 8), (0,))
    with pytest.raises(InvalidSetting, match=r"needs 2 passes, only 1 was run"):
        attention_map(torch.ones(1, 2, 1, 4), 2)


COMMAND_LINE = re.compile(r"(?<![\w-])--[a-z]|\bscripts\.|\bpython -m\b")
"""An option, or the name of a command."""


def texts_of(source: str) -> Iterator[str]:
    """All constant texts of a module but its docstrings; of an f-string its constant parts."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("text", ['f"{out} is taken: choose another --out."', '"run scripts.make_cams"'])
def test_an_option_in_a_message_is_found(text: str) -> None:
    assert any(map(COMMAND_LINE.search, texts_of(f'"""--documented"""\nraise CrtError({text})')))


def test_the_library_names_no_option_and_no_command() -> None:
    """Its callers have no command line; `usage` is what the app and the commands share."""
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {text}"
        for path in (ROOT / "crt").rglob("*.py")
        if path.name != "usage.py"
        for text in texts_of(path.read_text(encoding="utf-8"))
        if COMMAND_LINE.search(text)
    }
    assert not found
