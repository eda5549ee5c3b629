"""The pixels of uploaded files, decoded and hashed once.

A JPEG of many pixels is decoded at a part of its size, which is never less than what the networks get. Its own size,
which masks and exports have, is `source_size`.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from errno import EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR
from pathlib import Path

import numpy as np

from crt.data.images import load_reduced
from crt.errors import InvalidImage

NATIVE_LIMIT = 1344
"""Pixels of the longer side at the input of the networks, at most; beyond it a CPU needs minutes."""
LEAST_SIDE = NATIVE_LIMIT
"""Pixels of the longer side that an image decoded at a part of its size keeps at least."""
DECODED_BYTES = 192 * 2**20
"""Of all decoded images together: one of the most pixels that `load_image` takes, or a hundred of half a megapixel."""
FileKey = tuple[str, int, int]

_fingerprints: dict[int, str] = {}
"""Of read-only arrays that are alive, by `id`."""
_pixel_hashes: dict[int, str] = {}
"""The same of `pixels_sha256`."""
_sizes: dict[int, tuple[int, int]] = {}
"""Height and width of the file, of arrays that are alive and have been decoded at a part of it, by `id`."""


class DecodedImages:
    """An LRU cache of the pixels of uploaded files that never holds more than `limit` bytes. Threads may share it.

    A file is known by its path, size and time of change; Gradio names uploads by their content. What is held of a file
    that has been deleted goes with the next image that is read.

    Args:
        limit: Bytes of all arrays together; a larger image is decoded, but not kept.
    """

    def __init__(self, limit: int = DECODED_BYTES) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._decoding = threading.Lock()  # many large images decoded at the same time would fill the memory
        self._images: OrderedDict[FileKey, Future[np.ndarray]] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays held."""
        return sum(image.result().nbytes for image in list(self._images.values()) if image.done())

    def read(self, path: str) -> np.ndarray:
        """Decode a file, or take what another request has decoded or is decoding.

        Args:
            path: Of an uploaded file.

        Returns:
            (H, W, 3) uint8 RGB, upright, read-only.

        Raises:
            InvalidImage: As `read` does.
        """
        key = _key(path)
        mine: Future[np.ndarray] = Future()
        with self._lock:
            image = self._images.setdefault(key, mine)
            self._images.move_to_end(key)
        if image is not mine:
            return image.result()
        try:
            with self._decoding:
                pixels = read(path)
        except BaseException as error:
            with self._lock:
                del self._images[key]
            mine.set_exception(error)
            raise
        pixels.flags.writeable = False
        mine.set_result(pixels)
        with self._lock:
            self._forget()
        return pixels

    def _forget(self) -> None:
        """Let go of deleted files, and of those unused for longest beyond the limit."""
        done = [key for key, image in self._images.items() if image.done()]
        for key in [key for key in done if not Path(key[0]).is_file()]:
            del self._images[key]
        for key in done:
            if self.nbytes <= self.limit:
                return
            self._images.pop(key, None)


def read(path: str) -> np.ndarray:
    """Decode an uploaded file, a JPEG of more than twice `LEAST_SIDE` pixels along a side at a part of its size.

    Args:
        path: of the file.

    Returns:
        (h, w, 3) uint8, upright; `source_size` gives the size of the file.

    Raises:
        InvalidImage: it is gone or no image; the message never has a path of the server.
        OSError: the disk fails.
    """
    with _gone():
        data = Path(path).read_bytes()
    pixels, size = load_reduced(data, LEAST_SIDE)
    if size != pixels.shape[:2]:
        _sizes[id(pixels)] = size
        weakref.finalize(pixels, _sizes.pop, id(pixels), None)
    return pixels


def source_size(image: np.ndarray) -> tuple[int, int]:
    """The size of the file that an image was decoded from.

    Args:
        image: (H, W, 3) uint8, what `read` has returned, or any other image.

    Returns:
        Height and width in pixels, upright: those of the array, unless it was decoded at a part of the file's size.
    """
    return _sizes.get(id(image), (image.shape[0], image.shape[1]))


def fingerprint(image: np.ndarray) -> str:
    """The sha256 of an image's pixels and shape, computed once for an array that is read-only.

    Args:
        image: (H, W, 3) uint8, upright.

    Returns:
        Hexadecimal digits.
    """
    return _hashed(image, str(image.shape).encode(), _fingerprints)


def pixels_sha256(image: np.ndarray) -> str:
    """The sha256 of an image's pixels, as the provenance of a Prediction has it; computed once as `fingerprint` is.

    Args:
        image: (H, W, 3) uint8, upright.

    Returns:
        Hexadecimal digits.
    """
    return _hashed(image, b"", _pixel_hashes)


def _hashed(image: np.ndarray, before: bytes, known: dict[int, str]) -> str:
    """The sha256 of some bytes and the pixels; `known` keeps it while the array lives, if nothing can change it."""
    found = known.get(id(image))
    if found is None:
        digest = hashlib.sha256(before)
        digest.update(np.ascontiguousarray(image).data)
        found = digest.hexdigest()
        if not image.flags.writeable and image.base is None:
            known[id(image)] = found
            weakref.finalize(image, known.pop, id(image), None)
    return found


def _key(path: str) -> FileKey:
    with _gone():
        about = Path(path).stat()
    return path, about.st_size, about.st_mtime_ns


@contextmanager
def _gone() -> Iterator[None]:
    """InvalidImage for a file that is not there, and for a name that no file can have."""
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in (ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG):
            raise
        raise InvalidImage("This image is no longer here: choose it again.") from error
