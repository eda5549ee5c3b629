"""The one-way arrows between the folders, and no unpickling, read from the syntax tree of every file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {  # the longest matching folder decides
    "crt/train": ("app", "scripts", "tests", "gradio", "plotly", "tyro", "argparse"),
    "crt": ("crt.train", "app", "scripts", "tests", "gradio", "plotly", "tyro", "argparse"),
    "crt/viz": ("crt.train", "app", "scripts", "tests", "gradio", "tyro", "argparse"),
    "app": ("crt.train", "scripts", "tests", "tyro", "argparse"),
    "scripts": ("app", "tests", "gradio", "argparse"),
    "app.py": ("crt.train", "scripts", "tests", "argparse"),
}
FLOORS = (
    *("errors", "types", "io_utils", "fair_lock", "precision", "resample", "threshold", "pass_reductions", "cam_spec"),
    *("inference_config", "device", "usage"),
    *("data", "models", "checkpoint", "refine", "postprocess", "prediction_io", "prediction_record"),
    *("viz", "prediction", "analysis"),
    *("network_input", "predictor", "loading", "multiscale", "pseudo_labels", "metrics", "evaluation", "sheets"),
    "train",
)
"""The rooms of `crt` from the ground up: each imports from those before it only."""
PICKLE = ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
LOADS = ("torch.load", "numpy.load", "torch.hub", "torch.package")
READER = "crt/checkpoint/foreign.py"
"""The one file that reads pickles, of other programs' weights, and only as `torch.load(..., weights_only=True)`."""
ARRAYS = ("np.load", "numpy.load", "np.lib.format.read_array")
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [ROOT / "app.py", *(p for top in ("crt", "app", "scripts") for p in (ROOT / top).rglob("*.py"))]
)


def imported(tree: ast.AST, file: str) -> set[str]:
    """Every dotted name that a file imports, at its top or inside a function, relative imports made absolute."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = list(Path(file).parent.parts)
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            names |= {
                arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            }
    return names


def arrows_broken(source: str, file: str) -> list[str]:
    """What a file imports and must not."""
    rules = [folder for folder in FORBIDDEN if file == folder or file.startswith(f"{folder}/")]
    banned = FORBIDDEN[max(rules, key=len)]
    names = imported(ast.parse(source), file)
    return sorted(name for name in names if any(name == one or name.startswith(f"{one}.") for one in banned))


def floors_broken(source: str, file: str) -> list[str]:
    """What a file of `crt` imports from its own floor's neighbours above."""
    own = file.split("/")[1].removesuffix(".py")
    rooms = {name.split(".")[1] for name in imported(ast.parse(source), file) if name.startswith("crt.")}
    known = {room for room in rooms if room in FLOORS}
    return sorted(room for room in known if FLOORS.index(room) > FLOORS.index(own))


def unpickling(source: str, file: str = "") -> list[str]:
    """Where a file loads pickles: such modules and functions, or arrays without `allow_pickle=False`.

    In `READER` a call of `torch.load` with the literal `weights_only=True` passes.
    """
    tree = ast.parse(source)
    safe = {id(part) for node in ast.walk(tree) if file == READER and _weights_only(node) for part in ast.walk(node)}
    found = [name for name in imported(tree, "") if name.split(".")[0] in PICKLE or name in LOADS]
    for node in ast.walk(tree):
        if id(node) in safe:
            continue
        if isinstance(node, ast.Attribute) and node.attr == "load" and ast.unparse(node.value) == "torch":
            found.append("torch.load")
        elif isinstance(node, ast.Attribute) and node.attr == "read_pickle":
            found.append(node.attr)
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            found.append("allow_pickle")
        elif isinstance(node, ast.keyword) and node.arg == "weights_only":
            found.append("weights_only")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ARRAYS:
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if given.get("allow_pickle") != "False":
                found.append("np.load")
    return sorted(found)


def _weights_only(node: ast.AST) -> bool:
    """Whether a node is such a call."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) != "torch.load":
        return False
    return [ast.unparse(word.value) for word in node.keywords if word.arg == "weights_only"] == ["True"]


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_every_folder_is_read():
    assert {file.split("/")[0] for file in SOURCES} == {"app.py", "app", "crt", "scripts"}


@pytest.mark.parametrize("file", SOURCES)
def test_file_keeps_the_rules(file):
    source = (ROOT / file).read_text(encoding="utf-8")
    assert arrows_broken(source, file) == []
    assert unpickling(source, file) == []


LIBRARY = [file for file in SOURCES if file.startswith("crt/") and file != "crt/__init__.py"]


def test_every_room_of_the_library_has_its_floor():
    assert {file.split("/")[1].removesuffix(".py") for file in LIBRARY} == set(FLOORS)


@pytest.mark.parametrize("file", LIBRARY)
def test_a_room_imports_from_lower_floors_only(file):
    assert floors_broken((ROOT / file).read_text(encoding="utf-8"), file) == []


def test_a_way_up_is_caught():
    assert floors_broken("from crt.predictor import Predictor", "crt/models/vit.py") == ["predictor"]
    assert floors_broken("from crt.sheets import Extra", "crt/prediction.py") == ["sheets"]


@pytest.mark.parametrize(
    ("file", "source", "caught"),
    [
        ("crt/models/cam_head.py", "import gradio as gr", "gradio"),
        ("crt/models/cam_head.py", "from crt.train import losses", "crt.train"),
        ("crt/models/cam_head.py", "from crt import train", "crt.train"),
        ("crt/analysis/explainers/base.py", "from ...train.losses import dual_loss", "crt.train.losses"),
        ("crt/models/cam_head.py", "def f():\n    import tyro", "tyro"),
        ("crt/train/crt.py", "from scripts.evaluate import seeds", "scripts.evaluate"),
        ("crt/train/crt.py", "import argparse", "argparse"),
        ("crt/prediction.py", "import plotly.express as px", "plotly.express"),
        ("crt/train/preview.py", "from plotly import graph_objects", "plotly"),
        ("crt/viz/notebook.py", "from crt.train import losses", "crt.train"),
        ("app/core/models.py", "from crt.train.config import PRESETS", "crt.train.config"),
        ("app/viewer/viewer.py", "import importlib\nimportlib.import_module('crt.train.crt')", "crt.train.crt"),
        ("app.py", "import scripts.train_crt", "scripts.train_crt"),
        ("scripts/explain.py", "from app.page import build", "app.page"),
    ],
)
def test_a_wrong_arrow_is_caught(file, source, caught):
    assert caught in arrows_broken(source, file)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("crt/train/crt.py", "from crt.train.losses import dual_loss\nfrom ..cam import class_scores"),
        ("crt/predictor.py", "from crt.prediction import Prediction\nimport training_utils, apparatus"),
        ("crt/viz/notebook.py", "def f():\n    from plotly import graph_objects"),
        ("app/page.py", "import gradio as gr\nfrom app.viewer import Viewer\nfrom crt.predictor import Predictor"),
        ("app.py", "import tyro\nfrom app.page import build"),
        ("scripts/train_crt.py", "import tyro\nfrom crt.train.crt import train"),
    ],
)
def test_a_right_arrow_passes(file, source):
    assert arrows_broken(source, file) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "import numpy as np\nnp.load('x', allow_pickle=flag)",
        "import joblib",
        "import numpy as np\nnp.load('x')",
        "import numpy as np\nnp.load('x', mmap_mode='r')",
        "import pandas as pd\npd.read_pickle('x')",
        "load_state_dict_from_url(x, weights_only=False)",
        "from numpy import load",
    ],
)
def test_unpickling_is_caught(source):
    assert unpickling(source)


@pytest.mark.parametrize(
    ("file", "call"),
    [
        (READER, "torch.load('x')"),
        (READER, "torch.load('x', weights_only=False)"),
        (READER, "torch.load('x', weights_only=flag)"),
        (READER, "torch.load('x', **options)"),
        (READER, "load_state_dict_from_url('x', weights_only=True)"),
        ("crt/checkpoint/load.py", "torch.load('x', weights_only=True)"),
    ],
)
def test_pickles_are_read_in_one_place_and_only_as_weights(file, call):
    assert unpickling(f"import torch\n{call}", file)
    assert unpickling("import torch\ntorch.load('x', map_location='cpu', weights_only=True)", READER) == []


def test_safe_loading_passes():
    assert unpickling("import numpy as np\nnp.load('x', allow_pickle=False)\nlibtorch.load('x')") == []


def module_of(file: str) -> str:
    return ".".join(Path(file).with_suffix("").parts).removesuffix(".__init__")


def room_of(file: str) -> str:
    """The folder directly in `app` or `scripts` that a file lies in; of a file beside these its own name."""
    return ".".join(Path(file).parts[:2]).removesuffix(".py")


def in_circles(arrows: dict[str, set[str]]) -> set[str]:
    """All from which a way along the arrows leads back."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        ahead = [*arrows.get(start, ())]
        while ahead:
            if (here := ahead.pop()) not in found:
                found.add(here)
                ahead += arrows.get(here, ())
        return found

    return {start for start in arrows if start in reached(start)}


@pytest.mark.parametrize("top", ["app", "scripts"])
@pytest.mark.parametrize("name_of", [module_of, room_of])
def test_no_module_and_no_folder_imports_itself_by_way_of_others(top, name_of):
    files = {module_of(file): file for file in SOURCES if file.startswith(f"{top}/")}
    arrows: dict[str, set[str]] = {}
    for file in files.values():
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        ahead = {name_of(files[name]) for name in imported(tree, file) if name in files}
        arrows.setdefault(name_of(file), set()).update(ahead - {name_of(file)})
    assert len(arrows) > 10 and in_circles(arrows) == set()


def test_a_circle_is_caught():
    assert in_circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {"a", "b", "c"}
