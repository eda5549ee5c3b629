"""What a gallery is made of, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crt.types import Precision


@dataclass(frozen=True)
class GallerySettings:
    """Settings of a gallery.

    Attributes:
        folder: of the images; those in its subfolders count.
        out: folder of the site.
        checkpoint: a folder, the name of a bundled checkpoint, or a Hub id.
        masks: folder of masks as PNG, found by the images' names; None without.
        cams: names of methods, each with the folder of its CAMs, found by the images' names.
        size: input size, one of `app.core.input_sizes.SIZES` as text or `NATIVE`; None for the checkpoint's own.
        mode: cut-merge mode; None for the checkpoint's first.
        device: `auto`, `cpu`, `cuda`.
        precision: of the networks.
        title: heading of the index; empty for the folder's name.
    """

    folder: Path
    out: Path
    checkpoint: str
    masks: Path | None = None
    cams: tuple[tuple[str, Path], ...] = ()
    size: str | None = None
    mode: str | None = None
    device: str = "auto"
    precision: Precision = "auto"
    title: str = ""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> GallerySettings:
        """Read what `scripts.gallery` sends.

        Args:
            values: by field, paths as text; `cams` is needed.

        Returns:
            The settings.

        Raises:
            KeyError: `cams` is missing.
            TypeError: another field is missing, or one is not known.
        """
        paths = ("folder", "out", "masks")
        read = {name: Path(value) if name in paths and value is not None else value for name, value in values.items()}
        return cls(**{**read, "cams": tuple((name, Path(folder)) for name, folder in values["cams"])})
