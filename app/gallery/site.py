"""The files of a gallery: written whole or not at all, and kept where an image and its settings are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.viewer.files import GALLERY_IMAGE, HERE, plotly_js, template
from app.viewer.saved_page import DOCUMENT_SHELL, filled, packed_modules, page_style, with_record
from crt.errors import InvalidSetting
from crt.io_utils import atomic_path, write_text

INDEX_SHELL = HERE / "gallery" / "index.html"
_STATE = ".gallery"
_SCRIPT = """\
document.getElementById('crt-modules').textContent = {modules};
document.querySelector('.saved-note')?.insertAdjacentHTML('beforebegin', {template});
window.crtResults = {results};
"""
"""Puts what the pages share into the page that loads it; the index has no viewer, and no note at its end."""
_HEADING = """\
<p data-role="message" role="alert" hidden>This page could not be opened: it needs the folder "shared" of its gallery, \
and a current version of Chrome, Edge, Firefox or Safari.</p>
<nav aria-label="Gallery" style="display: flex; flex-wrap: wrap; align-items: center; gap: 0 20px">
<a data-role="gallery-list" href="../index.html" style="display: inline-block; padding: 12px 0">Back to the gallery</a>
<a data-role="previous-image" rel="prev" title="Previous image (←)" style="padding: 12px 0" hidden>‹ Previous</a>
<span data-role="image-position"></span>
<a data-role="next-image" rel="next" title="Next image (→)" style="padding: 12px 0" hidden>Next ›</a>
</nav>
<h1 style="margin: 0 0 8px; font-size: 20px; overflow-wrap: anywhere">Image</h1>
"""


@dataclass(frozen=True)
class DoneImage:
    """An image whose files are in the site.

    Attributes:
        key: of all that they were made of.
        entry: its line of the index: `id`, `name`, `width`, `height`, `masked` and `classes`.
    """

    key: str
    entry: dict[str, Any]


class Site:
    """The folder of a gallery.

    Args:
        folder: that `write_shared` makes if need be.

    Raises:
        InvalidSetting: it is a file, or holds other files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state = folder / _STATE
        if folder.exists() and not folder.is_dir():
            raise InvalidSetting(f"{folder} is a file: give a folder.")
        if folder.is_dir() and any(folder.iterdir()) and not self._state.is_dir():
            raise InvalidSetting(f"{folder} holds files of something else: give an empty folder, or one of a gallery.")
        self._parts = _page_parts()

    @property
    def page_key(self) -> str:
        """A hash that changes with what the pages of images are made of, but for `shared/` and their records."""
        return hashlib.sha256("".join(self._parts).encode()).hexdigest()

    def write_shared(self, results: dict[str, Any]) -> None:
        """Make the folders, and write what all pages load.

        Args:
            results: what the Results tab shows.

        Raises:
            OSError: for instance when the disk is full.
        """
        for name in (_STATE, "pages", "thumbs", "shared"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        shared = self.folder / "shared"
        content = {"modules": packed_modules(), "template": template(), "results": results}
        script = _SCRIPT.format(**{name: json.dumps(part) for name, part in content.items()})
        write_text(shared / "viewer.js", script)
        write_text(shared / "viewer.css", page_style())
        _write(shared / "plotly.js", plotly_js())
        write_text(self.folder / ".nojekyll", "")

    def done(self, image_id: str, key: str) -> DoneImage | None:
        """What is kept of an image.

        Args:
            image_id: of the image.
            key: of all that its files would be made of now.

        Returns:
            It, if its files are there and were made of the same; else None.
        """
        files = (self._page(image_id), self._thumb(image_id), self._line(image_id))
        if not all(path.is_file() for path in files):
            return None
        try:
            values = json.loads(self._line(image_id).read_text(encoding="utf-8"))
            found = DoneImage(values["key"], values["entry"])
        except (ValueError, KeyError, TypeError):  # edited or damaged: it is made again
            return None
        return found if found.key == key else None

    def write_image(self, image_id: str, record: dict[str, Any], thumb: bytes, done: DoneImage) -> None:
        """Write the files of an image; that it is done comes last.

        Args:
            image_id: of the image.
            record: of its page: `name`, and `value` and `saved` as `app.viewer.saved_page.document` takes them.
            thumb: a JPEG.
            done: what is kept.

        Raises:
            OSError: for instance when the disk is full.
        """
        self._line(image_id).unlink(missing_ok=True)
        _write(self._page(image_id), with_record(self._parts, record))
        _write(self._thumb(image_id), thumb)
        write_text(self._line(image_id), json.dumps({"key": done.key, "entry": done.entry}))

    def write_index(self, record: dict[str, Any]) -> None:
        """Write the index, and what the pages of the images need of it.

        Args:
            record: `Index` of `app/viewer/gallery/gallery.mjs`.

        Raises:
            OSError: for instance when the disk is full.
        """
        listed = json.dumps({name: record[name] for name in ("classes", "images")}, separators=(",", ":"))
        write_text(self.folder / "shared" / "index.js", f"window.crtIndex = {listed};\n")
        parts = filled(INDEX_SHELL, {"style": '@import url("shared/viewer.css");'}, beside=True)
        _write(self.folder / "index.html", with_record(parts, record))

    def remove_others(self, image_ids: Iterable[str]) -> int:
        """Delete the files of all images but some.

        Args:
            image_ids: of the images that stay.

        Returns:
            How many images are gone.

        Raises:
            OSError: a file cannot be deleted.
        """
        gone = {path.stem for path in self._state.glob("*.json")} - set(image_ids)
        for image_id in gone:
            for path in (self._line(image_id), self._page(image_id), self._thumb(image_id)):
                path.unlink(missing_ok=True)
        return len(gone)

    def _page(self, image_id: str) -> Path:
        return self.folder / "pages" / f"{image_id}.html"

    def _thumb(self, image_id: str) -> Path:
        return self.folder / "thumbs" / f"{image_id}.jpg"

    def _line(self, image_id: str) -> Path:
        return self._state / f"{image_id}.json"


def _page_parts() -> list[str]:
    """The page of an image in pieces; what it shares is in `shared/`."""
    content = {
        "style": '@import url("../shared/viewer.css");',
        "entry": GALLERY_IMAGE,
        "heading": _HEADING,
        "template": "",
        "modules": '<script type="text/plain" id="crt-modules"></script>\n<script src="../shared/viewer.js"></script>',
        "plotly": '<script type="text/plain" id="crt-plotly" data-address="../shared/plotly.js"></script>',
    }
    return filled(DOCUMENT_SHELL, content, beside=True)


def _write(path: Path, data: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
