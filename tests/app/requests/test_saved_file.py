"""The maps of a file in an interactive page: every value from the browser is checked."""

import base64
from typing import Any

import pytest

from app.requests.saved_file import NAME_LENGTH, SavedCam, SavedFile
from crt.errors import InvalidSetting

CLASSES = ("cat", "</script>", "dog")
VALUES = base64.b64encode(bytes(range(12))).decode()
CAM: dict[str, Any] = {
    "label": "cat", "h": 2, "w": 3, "max": 4.5, "values": VALUES, "low": -1, "high": 4.5, "size": [200, 300],
}  # fmt: skip
GIVEN: dict[str, Any] = {"name": "Mine </script>", "cams": [CAM, CAM | {"label": "</script>", "max": 0}]}


def test_maps_are_kept_as_they_are():
    saved = SavedFile.of(GIVEN, CLASSES)
    assert saved.name == "Mine </script>"
    assert saved.cams == (
        SavedCam("cat", 2, 3, 4.5, VALUES, -1.0, 4.5, (200, 300)),
        SavedCam("</script>", 2, 3, 0.0, VALUES, -1.0, 4.5, (200, 300)),
    )


def test_a_name_that_is_no_unicode_can_be_written():
    assert SavedFile.of(GIVEN | {"name": "a\ud83d"}, CLASSES).name == "a?"


@pytest.mark.parametrize(
    "wrong",
    [
        None, 5, [], {}, GIVEN | {"name": None}, GIVEN | {"name": ""}, GIVEN | {"name": "x" * (NAME_LENGTH + 1)},
        GIVEN | {"cams": None}, GIVEN | {"cams": []}, GIVEN | {"cams": [CAM, CAM]}, GIVEN | {"cams": [CAM] * 4},
        GIVEN | {"cams": ["cat"]},
    ],
)  # fmt: skip
def test_other_files_are_refused_with_a_sentence(wrong):
    with pytest.raises(InvalidSetting, match=r"^The map from a file cannot be read: choose its file again\.$"):
        SavedFile.of(wrong, CLASSES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "cow"}, {"label": ["cat"]}, {"label": None}, {"h": 1}, {"h": 513}, {"h": 2.0}, {"h": True},
        {"w": "3"}, {"h": 3}, {"max": -1}, {"max": float("nan")}, {"max": None}, {"low": float("inf")}, {"high": "4"},
        {"values": None}, {"values": "%%%%"}, {"values": VALUES[:-4]}, {"size": None}, {"size": [200]},
        {"size": [200, 5000]}, {"size": [1, 300]}, {"size": [200, 300.5]},
    ],
)  # fmt: skip
def test_other_maps_are_refused_with_a_sentence(wrong):
    with pytest.raises(InvalidSetting, match="choose its file again"):
        SavedFile.of(GIVEN | {"cams": [CAM | wrong]}, CLASSES)


def test_all_maps_together_have_a_limit():
    large = {"h": 512, "w": 512, "values": base64.b64encode(bytes(2 * 512 * 512)).decode()}
    classes = [str(index) for index in range(5)]
    cams = [CAM | large | {"label": name} for name in classes]
    assert len(SavedFile.of({"name": "a", "cams": cams[:4]}, classes).cams) == 4
    with pytest.raises(InvalidSetting, match="choose its file again"):
        SavedFile.of({"name": "a", "cams": cams}, classes)
