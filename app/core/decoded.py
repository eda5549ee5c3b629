"""The pixels of uploaded files, decoded and hashed once."""

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

from crt.data.images import load_image
from crt.errors import InvalidImage

DECODED_BYTES = 192 * 2**20
"""Of all decoded images together: one of the most pixels that `load_image` takes, or a hundred of half a megapixel."""
FileKey = tuple[str, int, int]

_fingerprints: dict[int, str] = {}
"""Read-only arrays that are alive, by `id`."""


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
    """Decode an uploaded file.

    Args:
        path: of the file.

    Returns:
        (H, W, 3) uint8, upright.

    Raises:
        InvalidImage: it is gone or no image; the message never has a path of the server.
        OSError: the disk fails.
    """
    with _gone():
        data = Path(path).read_bytes()
    return load_image(data)


def fingerprint(image: np.ndarray) -> str:
    """The sha256 of an image's pixels and shape, computed once for an array that is read-only.

    Args:
        image: (H, W, 3) uint8, upright.

    Returns:
        Hexadecimal digits.
    """
    known = _fingerprints.get(id(image))
    if known is None:
        digest = hashlib.sha256(str(image.shape).encode())
        digest.update(np.ascontiguousarray(image).data)
        known = digest.hexdigest()
        if not image.flags.writeable and image.base is None:
            _fingerprints[id(image)] = known
            weakref.finalize(image, _fingerprints.pop, id(image), None)
    return known


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
