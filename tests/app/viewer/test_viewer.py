"""The viewer without a browser: which files it is made of, and that its arithmetic is the library's."""

import base64
import json
import os
import re
import shutil
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from app.core.codec import encode_records, payload
from app.viewer.files import (
    ENTRY,
    GALLERY,
    GALLERY_IMAGE,
    STANDALONE,
    STATIC_IMPORT,
    modules,
    page_modules,
    style,
    template,
)
from app.viewer.viewer import EVENTS, Viewer
from crt.checkpoint import load_checkpoint
from crt.models.outputs import VitOutputs
from crt.models.tiles import MODES
from crt.pass_reductions import PassReduction
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[3]
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def make_image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def node(*arguments: str) -> str:
    done = subprocess.run(["node", *arguments], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@needs_node
def test_the_browser_computes_the_same_maps_as_the_library(tmp_path):
    runs = []
    for mode in MODES:
        folder = tiny_checkpoint(tmp_path / mode, deconvolution=mode == "deconvolution")
        predictor = Predictor(load_checkpoint(str(folder)))
        for size in (96, 150):
            prediction = predictor.predict(make_image(90, 130), InferenceConfig(size=size, mode=mode, loops=3))
            header, data = payload(prediction, make_image(90, 130))
            wanted = []
            for method in prediction.methods:
                record = prediction.record(method)
                top = record.loops if isinstance(record, VitOutputs) else 0
                wanted += [
                    asked(prediction.cams(method, loops=loops, refined=False), method, loops=loops, refined=False)
                    for loops in sorted({0, top})
                ]
                if not isinstance(record, VitOutputs):
                    continue
                for pass_reduction in get_args(PassReduction):
                    for blocks in (None, (1, 3)):
                        chosen = None if blocks is None else range(blocks[0], blocks[1] + 1)
                        options = {"loops": top, "refined": True, "blocks": blocks, "pass_reduction": pass_reduction}
                        maps = prediction.cams(
                            method, loops=top, refined=True, blocks=chosen, pass_reduction=pass_reduction
                        )
                        wanted.append(asked(maps, method, **options))
                        attention = prediction.attention(
                            method, loops=top, blocks=chosen, pass_reduction=pass_reduction
                        )
                        wanted.append(asked(attention[None], method, kind="attention", **options))
            runs.append({"header": header, "data": base64.b64encode(data).decode(), "wanted": wanted})
    (tmp_path / "runs.json").write_text(json.dumps({"runs": runs}))
    told = json.loads(node(str(ROOT / "tests/viewer/parity.mjs"), str(tmp_path / "runs.json")))
    assert told["compared"] > 100
    assert told["worst"] < 4e-3  # float16 on the way


def asked(maps: np.ndarray, method: str, kind: str = "map", **options) -> dict:
    top = maps.max(0)  # several classes show the largest value
    values = [float(value) for value in top.ravel()]
    classes = list(range(len(maps)))
    return {"kind": kind, "method": method, "classes": classes, "options": options, "values": values} | dict(
        zip("hw", top.shape, strict=True)
    )


def test_arrays_travel_with_their_shape_and_scale(tmp_path):
    predictor = Predictor(load_checkpoint(str(tiny_checkpoint(tmp_path / "tiny"))))
    prediction = predictor.predict(make_image(60, 80), InferenceConfig(size=96, loops=2))
    headers, data = encode_records(prediction)
    assert [header["method"] for header in headers] == list(prediction.methods)
    read = 0
    for header in headers:
        record = prediction.record(header["method"])
        for name in ("cams", "cls_attn") if isinstance(record, VitOutputs) else ("cams",):
            about = header[name]
            count = int(np.prod(about["shape"]))
            raw = np.frombuffer(data, "<f2", count, about["offset"]).astype(np.float32).reshape(about["shape"])
            scale = about["scale"]
            np.testing.assert_allclose(raw * scale, getattr(record, name), rtol=1e-3, atol=1e-6 * scale)
            read += 2 * count
    assert read == len(data)


def test_templates_hold_no_placeholder_and_scripts_no_markup():
    for text in (template(), style()):
        assert "${" not in text
        assert "{{" not in text
    assert "<!-- part" not in template()
    for name, content in modules().items():
        assert not re.search(rb"(inner|outer|insertAdjacent)HTML|document\.write|\beval\(|new Function", content), name


AT_ONCE = r"(?m)^import .* from '(\..*)';$"
LATER = r"(?m)^(?! *[/*]).*\bimport\('(\.[^']+)'\)"  # in no comment, where it names a type


def imported_by(*entries: str, patterns: tuple[str, ...] = (AT_ONCE,)) -> dict[str, set[str]]:
    """What each module imports, of the entries and of all modules that they lead to."""
    needs: dict[str, set[str]] = {}
    waiting = [*entries]
    while waiting:
        name = waiting.pop()
        if name not in needs:
            found = [path for one in patterns for path in re.findall(one, modules()[name].decode())]
            needs[name] = {os.path.normpath(f"{name}/../{path}") for path in found}
            waiting += needs[name]
    return needs


def test_every_module_is_used_and_none_imports_itself():
    needs = imported_by(ENTRY, STANDALONE, GALLERY, GALLERY_IMAGE, patterns=(AT_ONCE, LATER))
    assert set(needs) == set(modules())
    TopologicalSorter(needs).prepare()  # raises CycleError


def test_a_module_takes_from_another_in_the_one_form_that_files_without_a_server_know():
    for name, source in modules().items():
        taken = re.findall(r"(?m)^(?:import|export)\b.*\bfrom\s*['\"].*$|^import\s*['\"].*$", source.decode())
        assert [line for line in taken if not STATIC_IMPORT.fullmatch(line)] == [], name


def test_the_page_of_the_app_preloads_what_it_imports_and_no_more():
    assert set(imported_by(ENTRY)) == set(page_modules())


AT_START = {
    "": "main parts",
    "attention": "inspect",
    "charts": "chart colors metric_table plotly plotly_figure",
    "core": (
        "answers checkpoint constants decode dom download gradio_files gradio_queue later message notice offline "
        "prediction rpc schema settings slots status store tabs tiles words"
    ),
    "explore": (
        "added_side cam_rules class_list compare controls divider draw examples explainers file_cams "
        "file_panel former_image hold hover input_note maps panel panel_specs panels player repaint "
        "shown_maps upload_preview zoom"
    ),
    "export": "bits",
    "ground_truth": "bad_png draw_tool ground_truth ground_truth_card localization_table",
    "maths": (
        "color_scale colormaps components contour crc32 difference iou localization numbers order resample threshold"
    ),
    "permalink": "fields permalink query",
    "results": "address",
}
"""The modules that the page loads before anything is opened, by their folder; all others are loaded when needed."""
START_BYTES = 380_000
"""Of all of these together."""


def test_the_page_loads_these_modules_at_once_and_all_others_when_they_are_needed():
    names = [f"{folder}/{name}.mjs".lstrip("/") for folder, inside in AT_START.items() for name in inside.split()]
    assert sorted(names) == page_modules()
    assert sum(len(modules()[name]) for name in names) <= START_BYTES


def test_every_element_is_named_once():
    for attribute in ("id", "data-role"):
        names = re.findall(rf'\s{attribute}="([^"]+)"', template())
        assert sorted(set(names)) == sorted(names), attribute


@needs_node
def test_viewer_modules():
    node("--test", *sorted(str(path) for path in (ROOT / "tests/viewer").glob("*.test.mjs")))


def test_an_answer_is_new_each_time_and_only_for_events_there_are():
    first, second = (Viewer.answer("inspect", {"a": 1})["inspect_answer"] for _ in range(2))
    assert first["a"] == 1
    assert first["id"] != second["id"]
    assert set(Viewer().answer("swap", {})) - {"__type__"} == {"swap_answer"}
    with pytest.raises(ValueError, match="no event"):
        Viewer.answer("nonsense", {})
    assert all(repr(name) in str(Viewer().js_on_load) for name in EVENTS)


def test_no_module_takes_a_colour_of_the_theme_for_something_else():
    """A property that a module sets holds for all inside: a border in a colour that is now a number is not drawn."""
    set_by_modules = {
        name
        for path in (ROOT / "app/viewer").rglob("*.mjs")
        for name in re.findall(r"setProperty\(\s*'(--[\w-]+)'", path.read_text(encoding="utf-8"))
    }
    declared = set(re.findall(r"(--[\w-]+):", (ROOT / "app/viewer/viewer.css").read_text(encoding="utf-8")))
    assert len(set_by_modules) > 5 and "--line" in declared
    assert not set_by_modules & declared
