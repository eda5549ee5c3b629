"""Images that the server keeps for a while for those who have their hash."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from crt.errors import InvalidSetting

AGE = 3600.0  # seconds that an image is kept after its link was copied
KEPT_BYTES = 64 * 2**20  # bytes of all kept images together
KEY_LENGTH = 32  # characters of an image's sha256 in a link: 128 bits, not to be guessed


class ImageStore:
    """Files of images by their content, for `age` seconds and at most `limit` bytes together; the oldest go first.

    An image is put here only when its owner makes a link, and found by all who have its hash. Threads may share it.

    Args:
        limit: bytes of all files together.
        age: seconds that a file is kept.
        clock: seconds, monotonic.
    """

    def __init__(self, limit: int = KEPT_BYTES, age: float = AGE, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.age = age
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, str, bytes]] = OrderedDict()  # key -> time, suffix, bytes

    @property
    def nbytes(self) -> int:
        """Bytes of all files held."""
        return sum(len(data) for _, _, data in self._kept.values())

    def put(self, key: str, suffix: str, data: bytes) -> None:
        """Keep a file, or keep it for longer.

        Args:
            key: the first `KEY_LENGTH` digits of the image's sha256.
            suffix: of the file's name.
            data: its bytes.

        Raises:
            InvalidSetting: the file is larger than the limit.
        """
        if len(data) > self.limit:
            raise InvalidSetting("This image is too large to be kept for a link: make it smaller.")
        with self._lock:
            self._kept.pop(key, None)
            self._forget()
            while self.nbytes + len(data) > self.limit:
                self._kept.popitem(last=False)
            self._kept[key] = (self._clock(), suffix, data)

    def get(self, key: str) -> tuple[str, bytes] | None:
        """A file that is kept.

        Args:
            key: the first `KEY_LENGTH` digits of the image's sha256.

        Returns:
            Its suffix and bytes, or None.
        """
        with self._lock:
            self._forget()
            found = self._kept.get(key)
            return found[1:] if found else None

    def _forget(self) -> None:
        now = self._clock()
        for key in [key for key, (since, _, _) in self._kept.items() if now - since >= self.age]:
            del self._kept[key]
