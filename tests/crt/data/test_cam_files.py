"""CAMs of other methods from files: what is read, and one sentence for each file that is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crt.data.cam_files import CAM_MAX_BYTES, check_aspect, read_cam, read_cams
from crt.errors import CrtError, InvalidCam
from tests.helpers.cam_files import CAM, CLASSES, PICKLED, READABLE, REFUSED, STACK, npy, npz, png


@pytest.mark.parametrize("name", READABLE)
def test_maps_come_as_they_are_in_the_file(tmp_path, name: str) -> None:
    data, wanted = READABLE[name]
    path = tmp_path / "map"
    path.write_bytes(data)
    found = read_cams(path, CLASSES)
    assert sorted(found) == sorted(wanted)
    for label, cam in found.items():
        assert cam.dtype == np.float32 and cam.flags.c_contiguous
        np.testing.assert_array_equal(cam, wanted[label].astype(np.float32))


@pytest.mark.parametrize("name", REFUSED)
def test_other_files_are_refused_with_one_sentence(tmp_path, name: str) -> None:
    data, sentence = REFUSED[name]
    path = tmp_path / "map"
    path.write_bytes(data)
    with pytest.raises(InvalidCam) as caught:
        read_cams(path, CLASSES)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "data", [npy(CAM), npy(CAM[None]), npz(anything=CAM), npz(dog=CAM[None]), png((CAM * 255).astype(np.uint8))]
)
def test_a_single_map_needs_no_class(tmp_path, data: bytes) -> None:
    path = tmp_path / "map"
    path.write_bytes(data)
    cam = read_cam(path)
    assert cam.shape == (3, 4) and cam.dtype == np.float32
    np.testing.assert_allclose(cam / cam.max(), CAM, atol=1 / 255)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (npy(STACK), "This file holds 3 maps, and one is needed: save one map (height, width)."),
        (npz(cat=CAM, dog=CAM), "This file holds 2 arrays, and one map is needed: save one (height, width)."),
        (npy(np.array([[None]], object)), PICKLED),
    ],
)
def test_several_maps_are_no_single_one(tmp_path, data: bytes, sentence: str) -> None:
    path = tmp_path / "map"
    path.write_bytes(data)
    with pytest.raises(InvalidCam) as caught:
        read_cam(path)
    assert str(caught.value) == sentence
    assert isinstance(caught.value, CrtError) and isinstance(caught.value, ValueError)


def test_a_large_file_is_refused_unread(tmp_path) -> None:
    path = tmp_path / "map.npy"
    with path.open("wb") as file:
        file.truncate(CAM_MAX_BYTES + 1)
    with pytest.raises(InvalidCam) as caught:
        read_cam(path)
    assert str(caught.value) == "This file has 65 MiB, and 64 are the most: save a smaller map."


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(
        InvalidCam, match=r"^This file cannot be read \(No such file or directory\): choose another one\.$"
    ):
        read_cam(tmp_path / "none.npy")


@pytest.mark.parametrize("path", [Path("/"), Path("/dev/zero")])
def test_what_is_no_file_is_not_read(path: Path) -> None:
    with pytest.raises(InvalidCam, match=r"^This is not a file: choose a file with a map\.$"):
        read_cam(path)


def test_a_name_that_no_file_can_have() -> None:
    null = r"(stat: )?embedded null (byte|character)"
    with pytest.raises(InvalidCam, match=rf"^This file cannot be read \({null}.*\): choose"):
        read_cam(Path("a\0b"))


@pytest.mark.parametrize(
    ("cam", "image"),
    [
        ((375, 500), (375, 500)), ((12, 16), (375, 500)), ((24, 32), (375, 500)), ((11, 16), (333, 500)),
        ((14, 14), (500, 500)), ((14, 15), (500, 500)), ((32, 24), (500, 375)), ((2, 24), (1000, 12_000)),
    ],
)  # fmt: skip
def test_a_map_fits_an_image_within_a_cell(cam: tuple[int, int], image: tuple[int, int]) -> None:
    check_aspect(cam, image)


@pytest.mark.parametrize(("cam", "image"), [((14, 14), (375, 500)), ((500, 375), (375, 500)), ((14, 16), (500, 500))])
def test_a_map_of_another_shape_is_refused_with_both(cam: tuple[int, int], image: tuple[int, int]) -> None:
    with pytest.raises(InvalidCam) as caught:
        check_aspect(cam, image)
    assert str(caught.value) == (
        f"This map has the shape {cam}, which does not fit the image of {image}: resize it to the shape of the image."
    )
