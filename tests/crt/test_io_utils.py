"""A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from crt.io_utils import atomic_path, write_text


def test_a_text_takes_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    for text in ("old\n", "new: λ = 0,1\n"):
        write_text(path, text)
        assert path.read_bytes() == text.encode()
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"old")

    def write_half() -> None:
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            stream.write(b"half")
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_text(tmp_path / "taken", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
