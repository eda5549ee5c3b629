"""Every command of the documentation is one that the programs read, and every block of Python and data works."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import sys
import tomllib
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import pytest
import tyro
from PIL import Image

from app.cli import AppConfig
from crt.data import read_folders, read_labels_file, with_boxes
from crt.usage import parsed
from tests.docs.blocks import Block, blocks_of, commands_in, lines_of, pages
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = [block for page in pages() for block in blocks_of(page)]
LANGUAGES = {"sh", "python", "csv", "json", "text", "nginx", "bibtex"}
NEEDS = {
    "account": "an account at the Hub; tests/scripts/test_push_to_hub.py has a Hub of its own",
    "container": "an engine for containers; tests/nightly/test_docker.py takes the Dockerfile apart",
    "data": "a data set, or networks trained on one",
    "installation": "an environment of its own; .ci/run and the workflows make them",
    "results": "the files of results/; tests/scripts/report makes the same pages from them",
    "server": "a running app; tests/app and tests/browser start it",
    "time": "minutes; tests/scripts/bench and tests/scripts/loadtest run the short versions",
    "weights": "files of others; tests/crt/checkpoint imports such files",
}
"""What keeps a block from running here, as `<!-- needs: … -->` above it says; `test_a_block_of_the_shell_runs` runs
the others."""
MAKES = {"README.md": "maps.png", "guide.md": "site/index.html"}
LAUNCHERS = (("torchrun",), ("accelerate", "launch"))
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
COMMANDS = sorted({(page.name, line) for page in pages() for line in commands_in(page)})
OTHERS: dict[str, Callable[[list[str]], bool]] = {
    "bash": lambda words: words == ["scripts/test.sh"],
    "curl": lambda words: words == ["http://127.0.0.1:7860/health"],
    "docker": lambda words: words[0] == "build" or (words[0] == "run" and starts_the_app(words)),
    "grep": lambda words: words[:2] == ["-v", "pydensecrf2"] and (ROOT / words[2]).is_file(),
    "hf": lambda words: words[0] == "upload" or words == ["auth", "login"],
    "mkdocs": lambda words: words[0] in ("build", "serve"),
    "pip": lambda words: words[0] == "install" and all(map(can_be_installed, words[1:])),
    "source": lambda words: words == [".venv/bin/activate"],
}
"""Programs that are not run here: what may follow them."""


def can_be_installed(word: str) -> bool:
    """Whether a word after `pip install` is a file of requirements, this repository, or gradio with its extra."""
    if word == "-r":
        return True
    if word.endswith(".txt"):
        return (ROOT / word).is_file() or word == "requirements-without-crf.txt"
    extras = re.fullmatch(r"\.(?:\[([\w,]+)\])?", word)
    return word == "gradio[mcp]" or (extras is not None and set((extras[1] or "dev").split(",")) <= set(EXTRAS))


def starts_the_app(words: list[str]) -> bool:
    """Whether what a container runs is the app with options that it reads; its own command if nothing is given."""
    return "app.py" not in words or isinstance(parse(words[words.index("app.py") :]), AppConfig)


def parse(words: list[str]) -> object:
    """What a command line of Python means to its program, which is not run. Raises WrongUsage."""
    if words[0] == "app.py":
        return parsed(lambda: tyro.cli(AppConfig, args=words[1:]))
    assert words[0] == "-m" and words[1].split(".")[0] == "scripts", words
    module, arguments = words[1], words[2:]
    if module == "scripts":
        return None
    given = [module, *arguments]
    places = ("scripts.cli.run_cli", "scripts.dataset_stage.run_cli")  # the second may hold the first already
    with ExitStack() as changed:
        for place in places:
            changed.enter_context(patch(place, lambda parse, act: parsed(parse)))
        changed.enter_context(patch.object(sys, "argv", given))
        changed.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", "'.*' found in sys.modules", RuntimeWarning)  # runpy's: it runs once more
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            return end.code
    raise AssertionError(f"{module} reads no options")


def python_words(line: str) -> list[str] | None:
    """What follows the interpreter in a command, without variables and launchers; None for another program."""
    words = shlex.split(line)
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    for launcher in LAUNCHERS:
        if tuple(words[: len(launcher)]) == launcher:
            return words[words.index("-m") :]
    name = words[0].removeprefix(".venv/bin/")
    if re.fullmatch(r"python(3\.1[123])?", name) and words[1:3] != ["-m", "venv"]:
        return words[1:]
    return None


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda value: str(value)[:80])
def test_a_command_is_one_that_its_program_reads(page: str, line: str) -> None:
    words = python_words(line)
    if words is not None:
        assert not isinstance(parse([word for word in words if word != "--help"]), int), f"{page}: {line}"
        return
    first, *rest = [word for word in shlex.split(line.partition(" > ")[0]) if not re.fullmatch(r"[A-Z_]+=.*", word)]
    name = first.removeprefix(".venv/bin/")
    if name.startswith("python"):
        assert rest == ["-m", "venv", ".venv"], f"{page}: {line}"
        return
    assert name in OTHERS and OTHERS[name](rest), f"{page}: {line}"


def test_the_commands_are_found() -> None:
    lines = [line for _, line in COMMANDS]
    assert len(lines) > 60 and "python app.py --checkpoint checkpoints/mine" in lines
    assert any(line.startswith("torchrun ") for line in lines) and any("evaluate pointing" in line for line in lines)
    assert lines_of("a --b \\\n    c  # d\ne && f\n\n# g\n") == ["a --b      c", "e", "f", "# g"]


@pytest.mark.parametrize(
    "words", [["-m", "scripts.explain"], ["app.py", "--more", "x"], ["-m", "scripts.evaluate", "x"]]
)
def test_a_wrong_command_is_refused(words: list[str]) -> None:
    with pytest.raises(ValueError, match="options"):
        parse(words)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.id)
def test_every_block_has_a_language_that_is_checked(block: Block) -> None:
    assert block.language in LANGUAGES and (not block.needs or block.needs in NEEDS), block


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photo.jpg and an example, where the names of the bundled checkpoints are those of tiny ones."""
    for name in ("voc", "cub"):
        tiny_checkpoint(tmp_path / "checkpoints" / name, name=name)
    example = tmp_path / "app/examples/cat.jpg"
    example.parent.mkdir(parents=True)
    for path in (tmp_path / "photo.jpg", example):
        Image.effect_noise((80, 60), 80).convert("RGB").save(path)
    monkeypatch.setattr("crt.checkpoint.sources.BUNDLED", tmp_path / "checkpoints")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(words: list[str]) -> int:
    """Run `-m scripts.…` as its command does -> its exit code."""
    with patch.object(sys, "argv", words[1:]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'.*' found in sys.modules", RuntimeWarning)
        try:
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            return int(end.code or 0)
    raise AssertionError(f"{words[1]} has no exit code")


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "sh" and not block.needs], ids=lambda block: block.id
)
def test_a_block_of_the_shell_runs(block: Block, workplace: Path) -> None:
    photos = workplace / "photos"
    photos.mkdir()
    (workplace / "photo.jpg").rename(photos / "photo.jpg")
    for line in lines_of(block.text):
        words = python_words(line)
        assert words is not None and run(words) == 0, f"{block.page}: {line}"
    assert (workplace / MAKES[block.page]).is_file()


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("page", sorted({block.page for block in BLOCKS if block.language == "python"}))
def test_the_python_of_a_page_runs_from_top_to_bottom(page: str) -> None:
    names: dict[str, object] = {}
    for block in BLOCKS:
        if (block.page, block.language, block.needs) == (page, "python", ""):
            exec(compile(block.text, f"{block.id}.py", "exec"), names)
    assert "crt" in names


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language in ("csv", "json")], ids=lambda block: block.id
)
def test_the_tables_of_data_are_read(block: Block, tmp_path: Path) -> None:
    file = tmp_path / f"labels.{block.language}"
    file.write_text(block.text, encoding="utf-8")
    listed = json.loads(block.text) if block.language == "json" else [*map(first_cell, block.text.splitlines()[1:])]
    for name in listed:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (120, 100)).save(path)
    if block.text.startswith("id,"):
        images = with_boxes(read_folders(tmp_path, classes=sorted({Path(name).parent.name for name in listed})), file)
        assert len(images) == len(listed) and all(sample.boxes for sample in images.samples)
    else:
        images = read_labels_file(file)
        assert images.classes == ("cat", "dog") and [len(one.labels) for one in images.samples] == [2, 1, 0]


def first_cell(row: str) -> str:
    return row.partition(",")[0]


def test_the_images_of_the_readme_are_in_the_repository() -> None:
    names = re.findall(r"[\w/]+\.jpg", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert names and all((ROOT / name).is_file() for name in names)
