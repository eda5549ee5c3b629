"""Links: images that the server keeps for whoever has the link, and the screen that a link asks for."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app.core.analysis import NATIVE, SIZES, Explorer, fingerprint, read, settings_of, start_size, user_message
from app.core.models import Engine, Model
from app.gradio_compat import serve_bytes, serve_file
from app.rpc import MODEL, Page
from app.server.security import details_of, sanitize
from app.viewer import Viewer
from crt.errors import CrtError, InvalidSetting

AGE = 3600.0  # seconds that an image is kept after its link was copied
LIMIT = 64 * 2**20  # bytes of all kept images together
KEY_LENGTH = 32  # characters of an image's sha256 in a link: 128 bits, not to be guessed
ACTS = ("show", "fetch", "keep")
_PICTURE = re.compile(r"ex\.(?P<example>[\w-]{1,64})|sha\.(?P<key>[0-9a-f]{32})")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


class ImageGone(CrtError):
    """The image that a link names is not on the server (any more)."""


class ImageStore:
    """Files of images by their content, for `age` seconds and at most `limit` bytes together, the oldest go first.

    An image is put here only when its owner asks for a link, and found by all who know its hash. Threads may share it.
    """

    def __init__(self, limit: int = LIMIT, age: float = AGE, clock: Callable[[], float] = time.monotonic) -> None:
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
        """Keep a file anew. Raises InvalidSetting if it is larger than all that may be kept."""
        if len(data) > self.limit:
            raise InvalidSetting("This image is too large to be kept for a link: make it smaller.")
        with self._lock:
            self._kept.pop(key, None)
            self._forget()
            while self.nbytes + len(data) > self.limit:
                self._kept.popitem(last=False)
            self._kept[key] = (self._clock(), suffix, data)

    def get(self, key: str) -> tuple[str, bytes] | None:
        """Suffix and bytes of the file, or None."""
        with self._lock:
            self._forget()
            found = self._kept.get(key)
            return found[1:] if found else None

    def _forget(self) -> None:
        now = self._clock()
        for key in [key for key, (since, _, _) in self._kept.items() if now - since >= self.age]:
            del self._kept[key]


@dataclass(frozen=True)
class LinkRequest:
    """What the page asks for: to `show` a screen, to `fetch` its maps for later, or to `keep` the image on the page.

    `pic`: `ex.<id>`, `sha.<first 32 hex of its sha256>`, or empty for the image on the page. `model`: whose maps.
    `networks`: whether they may look now; without it only what is known already is answered.
    """

    act: str
    pic: str
    size: str
    mode: str
    model: Model
    networks: bool

    @classmethod
    def of(cls, details: dict[str, Any], engine: Engine) -> LinkRequest:
        """Validate what the browser sent; what a link leaves out is as the checkpoint starts. Raises InvalidSetting."""
        act, pic = details.get("act"), details.get("pic") or ""
        if act not in ACTS:
            raise InvalidSetting("The page asks for something that is not known here: reload it.")
        if not isinstance(pic, str) or (pic and not _PICTURE.fullmatch(pic)):
            raise InvalidSetting("The link names no image that can be read: choose an image.")
        model = engine.named(details.get("checkpoint"))
        modes = model.config.modes
        size, mode = details.get("size") or start_size(model), details.get("mode") or modes[0]
        if size not in (*map(str, SIZES), NATIVE) or mode not in modes:
            raise InvalidSetting("The input size or the mode of this link is not offered here: choose others.")
        return cls(act, pic, size, mode, model, details.get("networks") is True)


def register(page: Page) -> None:
    """Answer `reopen`: what is known at once in one listener, what the networks must see in another."""
    links = Links(page, ImageStore())
    options = {"trigger_mode": "multiple", "show_progress": "hidden", "api_visibility": "private"}
    chosen = [page.size, page.mode, page.networks, page.state]
    page.viewer.reopen(links.reopen, [page.image], [page.viewer, page.image, *chosen], concurrency_limit=8, **options)
    page.viewer.reopen(links.look, [page.image], [page.viewer, *chosen], **options, **MODEL)


class Links:
    """The two listeners. Each answer has `key`, echoed, and `state`: shown, looking (the page looks by itself now),
    look (ask again, `networks` true), fetched (with `view`), kept, gone or failed.
    """

    def __init__(self, page: Page, store: ImageStore) -> None:
        self.page = page
        self.store = store

    def wanted(self, details: dict[str, Any]) -> LinkRequest:
        """What the browser asks for. Raises InvalidSetting."""
        return LinkRequest.of(details, self.page.explorer.engine)

    def reopen(self, event: gr.EventData, path: str | None, request: gr.Request) -> tuple:
        """Answer at once -> viewer, image, size, mode, networks, state. Never raises."""
        details = details_of(event)
        if details.get("networks") is True:
            return (gr.skip(),) * 6
        nothing = (gr.skip(),) * 5
        explorer = self.page.explorer
        try:
            wanted = self.wanted(details)
            if wanted.act == "keep":
                return _told(details, "kept", pic=keep(self.store, explorer, path)), *nothing
            if wanted.act == "show" and not (wanted.pic or path):  # a link to settings, which wait for an image
                return _told(details, "gone", error=""), gr.skip(), *_chosen(wanted), gr.skip()
            try:
                found = locate(self.page, self.store, wanted.pic, path)
            except ImageGone as error:
                chosen = nothing[:3] if path else _chosen(wanted)  # they belong to the image on the page
                return _told(details, "gone", error=str(error)), gr.skip(), *chosen, gr.skip()
            value = known(explorer, found, wanted, request.session_hash or "")
            if value is not None and wanted.act == "show":
                update = _told(details, "shown") | {"value": value}
                return update, found, *_chosen(wanted), _shown(wanted, found, request)
            if value is not None:
                return self._fetched(details, value), *nothing
            if wanted.act == "show" and found != path:
                return _told(details, "looking"), found, *_chosen(wanted), gr.skip()
            return _told(details, "look"), *nothing
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return _told(details, "failed", error=user_message(error)), *nothing

    def look(self, event: gr.EventData, path: str | None, request: gr.Request) -> tuple:
        """Answer with the networks -> viewer, size, mode, networks, state. Never raises."""
        details = details_of(event)
        nothing = (gr.skip(),) * 4
        if details.get("networks") is not True:
            return gr.skip(), *nothing
        try:
            wanted = self.wanted(details)
            found = locate(self.page, self.store, wanted.pic, path)
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return _told(details, "failed", error=user_message(error)), *nothing
        session = request.session_hash or ""
        value = self.page.explorer.show(found, wanted.size, wanted.mode, session, model=wanted.model)
        if wanted.act == "fetch" or not isinstance(value, tuple):
            return self._fetched(details, value), *nothing
        return _told(details, "shown") | {"value": value}, *_chosen(wanted), _shown(wanted, found, request)

    def _fetched(self, details: dict[str, Any], value: Any) -> dict[str, Any]:
        """A value for the viewer as an answer, so that the page can show it when it wants to."""
        if not isinstance(value, tuple):
            return _told(details, "failed", error=value["message"])
        return _told(details, "fetched", view=self.page.viewer.packed(value[0] | {"data": value[1]}))


def _told(details: dict[str, Any], what: str, **content: Any) -> dict[str, Any]:
    return Viewer.answer("reopen", {"key": sanitize(details.get("key"), 64), "state": what, **content})


def _chosen(wanted: LinkRequest) -> tuple[Any, Any, Any]:
    """What the fields beside the image become: size, mode, networks."""
    modes = list(wanted.model.config.modes)
    return wanted.size, gr.update(choices=modes, value=wanted.mode), wanted.model.config.name


def _shown(wanted: LinkRequest, found: str, request: gr.Request) -> dict[str, Any]:
    return {"session": request.session_hash, "shown": (found, wanted.size, wanted.mode, wanted.model.id)}


def keep(store: ImageStore, explorer: Explorer, path: str | None) -> str:
    """Put the image on the page into the store -> how a link names it. Raises CrtError."""
    if not path:
        raise InvalidSetting("There is no image to keep: choose one.")
    image = read(path)
    if example := explorer.example_of(image):
        return f"ex.{example.id}"
    key = fingerprint(image)[:KEY_LENGTH]
    suffix = Path(path).suffix.lower()
    store.put(key, suffix if _SUFFIX.fullmatch(suffix) else "", Path(path).read_bytes())
    return f"sha.{key}"


def locate(page: Page, store: ImageStore, pic: str, path: str | None) -> str:
    """The file of the image that a link names; `path` is the one on the page. Raises ImageGone, InvalidImage."""
    found = _PICTURE.fullmatch(pic)
    if found is None:
        if not path:
            raise InvalidSetting("There is no image: choose one.")
        return path
    if name := found["example"]:
        example = page.explorer.examples.get(name)
        if example is None:
            raise ImageGone("This server has no such example; the link's settings are kept for the next image.")
        return serve_file(page.image, example.path)
    if path and fingerprint(read(path)).startswith(found["key"]):
        return path
    kept = store.get(found["key"])
    if kept is None:
        raise ImageGone("This image is no longer on the server; the link's settings are kept for the next one.")
    return serve_bytes(page.image, kept[1], f"image{kept[0]}")


def known(explorer: Explorer, path: str, wanted: LinkRequest, session: str) -> Any | None:
    """A value for the viewer without the networks: of a stored Prediction, or of one of this session; else None."""
    image = read(path)
    settings, _ = settings_of(wanted.size, wanted.mode, image)
    if explorer.cached(session, image, settings, wanted.model) is not None:
        return explorer.show(path, wanted.size, wanted.mode, session, model=wanted.model)
    example = explorer.example_of(image)
    return explorer.show_example(example, wanted.size, wanted.mode, wanted.model) if example else None
