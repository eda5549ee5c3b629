"""What an interactive page opens with: every value from the browser is checked."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.analysis import Analysis
from app.requests.saved_screen import MOST_SCENES, QUERY_LENGTH, SavedScreen
from crt.errors import InvalidSetting

ANALYSIS = cast("Analysis", SimpleNamespace(prediction=SimpleNamespace(classes=("cat", "</script>"))))
SHAPE = {"label": "</script>", "polygon": [[0, 0], [1, 0.5], [0.25, 1]]}
SCENE = {"title": "One", "query": "v=1"}
GIVEN: dict[str, Any] = {"query": "v=1&l=2", "scenes": [SCENE], "drawn": [SHAPE]}


def test_a_screen_is_kept_as_it_is():
    assert SavedScreen.of(ANALYSIS, {**GIVEN, "kind": "page", "request": "r"}).values() == {
        "query": "v=1&l=2",
        "scenes": (SCENE,),
        "drawn": ({"label": "</script>", "polygon": ((0.0, 0.0), (1.0, 0.5), (0.25, 1.0))},),
    }


def test_the_maps_of_a_file_join_the_screen():
    cam = {"label": "cat", "h": 2, "w": 2, "max": 1, "values": "AAAAAAAAAAA=", "low": 0, "high": 1, "size": [2, 2]}
    values = SavedScreen.of(ANALYSIS, {**GIVEN, "file": {"name": "Mine", "cams": [cam]}}).values()
    assert values["file"] == {"name": "Mine", "cams": ({**cam, "size": (2, 2)},)}
    assert "file" not in SavedScreen.of(ANALYSIS, {**GIVEN, "file": None}).values()


@pytest.mark.parametrize(
    "wrong",
    [
        {"query": None},
        {"query": "v" * (QUERY_LENGTH + 1)},
        {"scenes": "v=1"},
        {"scenes": [SCENE] * (MOST_SCENES + 1)},
        {"scenes": ["v=1"]},
        {"scenes": [{"title": "One"}]},
        {"drawn": None},
        {"drawn": [{**SHAPE, "label": "dog"}]},
        {"drawn": [{**SHAPE, "label": ["cat"]}]},
        {"drawn": [{**SHAPE, "polygon": "0,0"}]},
        {"drawn": [{**SHAPE, "polygon": [[0, 0, 0]]}]},
        {"drawn": [{**SHAPE, "polygon": [[0, float("nan")]]}]},
        {"drawn": [{**SHAPE, "polygon": [[0, 1.5]]}]},
        {"drawn": [{**SHAPE, "polygon": [[True, 0]]}]},
        {"drawn": [{**SHAPE, "polygon": [[0, 0]] * 70_000}]},
        {"file": {"name": "Mine", "cams": []}},
    ],
)
def test_anything_else_is_refused_with_a_sentence(wrong):
    with pytest.raises(InvalidSetting):
        SavedScreen.of(ANALYSIS, GIVEN | wrong)
