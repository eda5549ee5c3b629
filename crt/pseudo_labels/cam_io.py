"""Seeds on disk, one npz an image, between the branches that make them and the networks that are trained on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crt.errors import InvalidDataset
from crt.io_utils import atomic_path
from crt.postprocess import max_normalize
from crt.resample import strided_size, upsample_cam

SUFFIX = ".npz"


@dataclass(frozen=True)
class SeedMaps:
    """The maps of one image, each divided by its maximum (METHOD section 7).

    Attributes:
        class_ids: (K,) int64, from 0.
        strided: (K, h, w) float32 at `strided_size`, for the random walk.
        high_res: (K, H, W) float32 on the pixels of the image.
    """

    class_ids: np.ndarray
    strided: np.ndarray
    high_res: np.ndarray

    @classmethod
    def of(cls, class_ids: tuple[int, ...], summed: np.ndarray) -> SeedMaps:
        """Normalise maps at both resolutions.

        The strided maps are read off the summed ones, which are linear between cells four times as wide.

        Args:
            class_ids: K classes, from 0.
            summed: (K, H, W) sum over views (`multi_scale_maps`).

        Returns:
            The seeds.
        """
        height, width = summed.shape[-2:]
        strided = upsample_cam(summed, (height, width), strided_size((height, width)))
        return cls(np.asarray(class_ids, dtype=np.int64), max_normalize(strided), max_normalize(summed))

    def save(self, path: Path) -> None:
        """Write float16 maps, whole or not at all.

        Args:
            path: the npz.

        Raises:
            OSError: for instance when the disk is full.
        """
        strided, high_res = self.strided.astype(np.float16), self.high_res.astype(np.float16)
        path.parent.mkdir(parents=True, exist_ok=True)  # an id may hold folders
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, class_ids=self.class_ids, strided=strided, high_res=high_res)

    @classmethod
    def load(cls, path: Path) -> SeedMaps:
        """Read what `save` wrote.

        Args:
            path: the npz.

        Returns:
            The seeds.

        Raises:
            InvalidDataset: the file is anything else; the message has the id.
        """
        try:
            # NumPy leaves a file open that it opened itself and that turns out to be no whole zip.
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                class_ids, strided, high_res = (arrays[name] for name in ("class_ids", "strided", "high_res"))
        except Exception as error:  # zip, decompressors and npy headers each raise their own at foreign bytes
            raise InvalidDataset(f"The seeds of {path.stem} cannot be read: make them again.") from error
        fits = class_ids.ndim == 1 and class_ids.dtype == np.int64 and high_res.ndim == strided.ndim == 3
        if not fits or not len(class_ids) == len(strided) == len(high_res):
            raise InvalidDataset(f"The seeds of {path.stem} have arrays that do not fit each other: make them again.")
        if strided.shape[1:] != strided_size((high_res.shape[1], high_res.shape[2])):
            raise InvalidDataset(f"The seeds of {path.stem} have two sizes that do not fit: make them again.")
        return cls(class_ids, strided.astype(np.float32), high_res.astype(np.float32))


def seed_path(folder: Path, name: str) -> Path:
    """Where the seeds of an image lie.

    Args:
        folder: of the seeds.
        name: id of the image.

    Returns:
        The path of the npz.
    """
    return folder / f"{name}{SUFFIX}"


def is_done(folder: Path, name: str, class_ids: tuple[int, ...]) -> bool:
    """Whether the seeds of an image are there and whole.

    Args:
        folder: of the seeds.
        name: id of the image.
        class_ids: its classes, which the file must hold.

    Returns:
        Whether they are.
    """
    path = seed_path(folder, name)
    if not path.is_file():
        return False
    try:
        return SeedMaps.load(path).class_ids.tolist() == list(class_ids)
    except InvalidDataset:
        return False
