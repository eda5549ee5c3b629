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
        output: folder of the site.
        checkpoint: a folder, the name of a bundled checkpoint, or a Hub id.
        masks: folder of masks as PNG, found by the images' names; None without.
        size: input size, one of `app.core.input_sizes.SIZES` as text or `NATIVE`; None for the checkpoint's own.
        mode: cut-merge mode; None for the checkpoint's first.
        device: `auto`, `cpu`, `cuda`.
        precision: of the networks.
        title: heading of the index; empty for the folder's name.
    """

    folder: Path
    output: Path
    checkpoint: str
    masks: Path | None = None
    size: str | None = None
    mode: str | None = None
    device: str = "auto"
    precision: Precision = "auto"
    title: str = ""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> GallerySettings:
        """Read what `scripts.gallery` sends.

        Args:
            values: by field, paths as text.

        Returns:
            The settings.

        Raises:
            TypeError: a field is missing or not known.
        """
        paths = ("folder", "output", "masks")
        return cls(
            **{name: Path(value) if name in paths and value is not None else value for name, value in values.items()}
        )
