"""The pages of results are made of the JSON files and of the checkpoint's defaults."""

import json
from pathlib import Path

from crt.checkpoint import Defaults
from scripts.report import Report, report, with_defaults

ROOT = Path(__file__).parent.parent


def test_rows_of_the_defaults_follow_the_checkpoint():
    methods = {name: {"miou_best": i} for i, name in enumerate(["crt", "crt_unrefined", "resnet"])}
    counts = {f"crt_loops_{k}{end}": {"miou_best": 10 * k + len(end)} for k in (0, 1) for end in ("", "_unrefined")}
    default = {f"crt_loops_{k}_default": {"miou_best": 30 + k} for k in (0, 1)}
    result = {
        "protocol": {"attention": {"combine": "first", "blocks": [1, 2]}},
        "methods": methods | counts | default,
        "classification_map": {"crt": 1, "crt_loops_0": 3, "crt_loops_1": 2},
        "images": 3,
    }
    new = with_defaults(result, Defaults(loops=1, refined=True))
    assert new["methods"]["crt"]["miou_best"] == 10
    assert new["methods"]["crt_unrefined"]["miou_best"] == 20
    assert new["methods"]["resnet"] == methods["resnet"]
    assert new["classification_map"] == {"crt": 2, "crt_loops_0": 3, "crt_loops_1": 2}
    assert new["images"] == 3
    assert with_defaults(result, Defaults(loops=1, refined=False))["methods"]["crt"]["miou_best"] == 20
    first = with_defaults(result, Defaults(loops=1, combine="first", blocks=(1, 2)))
    assert first["methods"]["crt"]["miou_best"] == 31
    for unmeasured in (Defaults(loops=9), Defaults(loops=1, combine="first"), Defaults(loops=1, blocks=(1, 2))):
        new = with_defaults(result, unmeasured)
        assert "crt" not in new["methods"] and "crt" not in new["classification_map"]


def test_the_committed_pages_are_what_the_results_say(tmp_path):
    checkpoint = tmp_path / "voc"
    checkpoint.mkdir()
    for path in (ROOT / "checkpoints/voc").iterdir():
        (checkpoint / path.name).symlink_to(path) if path.suffix != ".md" else None
    report(Report(ROOT / "results", checkpoint, tmp_path / "results.md"))
    assert (tmp_path / "results.md").read_text() == (ROOT / "docs/results.md").read_text()
    assert (checkpoint / "README.md").read_text() == (ROOT / "checkpoints/voc/README.md").read_text()
    for path in (ROOT / "results").glob("voc_*.json"):
        assert json.loads(path.read_text())["images"] > 0
