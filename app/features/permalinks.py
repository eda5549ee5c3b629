"""Links: images that the server keeps for those who have the link, and the settings in a link."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr

from app.core.analysis import Explorer
from app.core.decoded import fingerprint
from app.core.image_store import KEY_LENGTH, ImageStore
from app.core.input_sizes import settings_of
from app.gradio_compat import serve_bytes, serve_file
from app.requests.link_request import LINKED_IMAGE, LinkRequest
from app.rpc import MODEL, QUIET, Page, refusal, reply, shown_of
from app.server.security import details_of
from crt.errors import CrtError, InvalidSetting, reason_of

UPLOADED = """(image) => {
  const detail = { image: image !== null };
  document.querySelector('.crt-viewer').dispatchEvent(new CustomEvent('crt-upload', { detail }));
}"""
"""Sends the viewer an event when the user has chosen an image, or removed it."""
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


class ImageGone(CrtError):
    """The image that a link names is not on the server (any more)."""


def register(page: Page) -> None:
    """Answer `reopen` at once, `reopen_run` with a run of the networks, and `keep`.

    Args:
        page: the components.
    """
    links = Links(page, ImageStore())
    options: dict[str, Any] = {**QUIET, "concurrency_limit": 8}
    chosen = [page.size, page.mode, page.networks, page.state]
    opening = page.viewer.reopen(links.reopen, [page.image], [page.viewer, page.image, *chosen], **options)
    running = page.viewer.reopen_run(links.reopen_run, [page.image], [page.viewer, *chosen], **QUIET, **MODEL)
    page.viewer.keep(links.keep, [page.image], [page.viewer], **options)
    # An image that is chosen meanwhile stays on the page: the image of the link would replace it.
    page.image.input(None, page.image, js=UPLOADED, cancels=[opening, running], api_visibility="private")


class Links:
    """The three listeners.

    Each answer of the first two has a `state`: shown, running (the page now runs the networks by itself), run (send
    `reopen_run`), fetched (with `view`), or gone (with a `message`).

    Args:
        page: the components.
        store: keeps images.
    """

    def __init__(self, page: Page, store: ImageStore) -> None:
        self.page = page
        self.store = store

    def reopen(self, event: gr.EventData, path: str | None, request: gr.Request) -> tuple:
        """Answer at once. Never raises.

        Args:
            event: Gradio's, with the details.
            path: of the image on the page, or None.
            request: Gradio's, with the session.

        Returns:
            Updates of viewer, image, size, mode, networks and state.
        """
        details = details_of(event)
        nothing = (gr.skip(),) * 5
        explorer = self.page.explorer
        try:
            wanted = LinkRequest.of(details, explorer.engine)
            if wanted.act == "show" and not (wanted.pic or path):  # a link to settings, which wait for an image
                return _gone("reopen", details, ""), gr.skip(), *_chosen(wanted), gr.skip()
            try:
                found = locate(self.page, self.store, wanted.pic, path)
            except ImageGone as error:
                chosen = nothing[:3] if path else _chosen(wanted)  # they belong to the image on the page
                return _gone("reopen", details, f"{reason_of(error)}."), gr.skip(), *chosen, gr.skip()
            value = known(explorer, found, wanted, request.session_hash or "")
            if value is not None and wanted.act == "show":
                update = reply("reopen", details, {"state": "shown"}) | {"value": value}
                return update, found, *_chosen(wanted), _shown(wanted, found, request)
            if value is not None:
                return self._fetched("reopen", details, value), *nothing
            if wanted.act == "show" and found != path:
                return reply("reopen", details, {"state": "running"}), found, *_chosen(wanted), gr.skip()
            return reply("reopen", details, {"state": "run"}), *nothing
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return refusal("reopen", details, error), *nothing

    def reopen_run(self, event: gr.EventData, path: str | None, request: gr.Request) -> tuple:
        """Answer with a run of the networks. Never raises.

        Args:
            event: Gradio's, with the details.
            path: of the image on the page, or None.
            request: Gradio's, with the session.

        Returns:
            Updates of viewer, size, mode, networks and state.
        """
        details = details_of(event)
        nothing = (gr.skip(),) * 4
        try:
            wanted = LinkRequest.of(details, self.page.explorer.engine)
            found = locate(self.page, self.store, wanted.pic, path)
            session = request.session_hash or ""
            value = self.page.explorer.payload(found, wanted.size, wanted.mode, session, model=wanted.model)
            if wanted.act == "fetch" or not isinstance(value, tuple):
                return self._fetched("reopen_run", details, value), *nothing
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return refusal("reopen_run", details, error), *nothing
        update = reply("reopen_run", details, {"state": "shown"}) | {"value": value}
        return update, *_chosen(wanted), _shown(wanted, found, request)

    def keep(self, event: gr.EventData, path: str | None) -> dict[str, Any]:
        """Keep the image on the page for those who have the link. Never raises.

        Args:
            event: Gradio's, with the details.
            path: of the image on the page, or None.

        Returns:
            The answer: `pic`, the image's name in a link.
        """
        details = details_of(event)
        try:
            shown_of(self.page.explorer, path, details)
            return reply("keep", details, {"pic": keep(self.store, self.page.explorer, path)})
        except Exception as error:  # noqa: BLE001 - the page must go on, whatever it was
            return refusal("keep", details, error)

    def _fetched(self, event: str, details: dict[str, Any], value: Any) -> dict[str, Any]:
        """A value for the viewer as an answer, so that the page can show it later."""
        if not isinstance(value, tuple):
            return reply(event, details, {"error": value["message"]})
        view = self.page.viewer.packed(value[0] | {"data": value[1]})
        return reply(event, details, {"state": "fetched", "view": view})


def _gone(event: str, details: dict[str, Any], message: str) -> dict[str, Any]:
    return reply(event, details, {"state": "gone", "message": message})


def _chosen(wanted: LinkRequest) -> tuple[Any, Any, Any]:
    """What the fields beside the image become: size, mode, networks."""
    modes = list(wanted.model.config.modes)
    return wanted.size, gr.update(choices=modes, value=wanted.mode), wanted.model.config.name


def _shown(wanted: LinkRequest, found: str, request: gr.Request) -> dict[str, Any]:
    return {"session": request.session_hash, "shown": (found, wanted.size, wanted.mode, wanted.model.id)}


def keep(store: ImageStore, explorer: Explorer, path: str | None) -> str:
    """Put the image on the page into the store.

    Args:
        store: keeps it.
        explorer: which reads it.
        path: of the image on the page, or None.

    Returns:
        Its name in a link.

    Raises:
        InvalidSetting: there is no image, or it is too large.
        InvalidImage: it cannot be read.
    """
    if not path:
        raise InvalidSetting("There is no image to keep: choose one.")
    image = explorer.images.read(path)
    if example := explorer.runs.example_of(image):
        return f"ex.{example.id}"
    key = fingerprint(image)[:KEY_LENGTH]
    suffix = Path(path).suffix.lower()
    store.put(key, suffix if _SUFFIX.fullmatch(suffix) else "", Path(path).read_bytes())
    return f"sha.{key}"


def locate(page: Page, store: ImageStore, pic: str, path: str | None) -> str:
    """The file of the image that a link names.

    Args:
        page: whose component serves a copy.
        store: keeps images.
        pic: the image's name in the link, empty for the one on the page.
        path: of the image on the page, or None.

    Returns:
        The path of a file that the server may serve.

    Raises:
        ImageGone: the example or the image is not on the server.
        InvalidSetting: the link names no image, and there is none on the page.
        InvalidImage: the image on the page cannot be read.
    """
    found = LINKED_IMAGE.fullmatch(pic)
    if found is None:
        if not path:
            raise InvalidSetting("There is no image: choose one.")
        return path
    if name := found["example"]:
        example = page.explorer.examples.get(name)
        if example is None:
            raise ImageGone("This server has no such example; the link's settings are kept for the next image.")
        return serve_file(page.image, example.path)
    if path and fingerprint(page.explorer.images.read(path)).startswith(found["key"]):
        return path
    kept = store.get(found["key"])
    if kept is None:
        raise ImageGone("This image is no longer on the server; the link's settings are kept for the next one.")
    return serve_bytes(page.image, kept[1], f"image{kept[0]}")


def known(explorer: Explorer, path: str, wanted: LinkRequest, session: str) -> Any | None:
    """A value for the viewer without a run of the networks.

    Args:
        explorer: whose cache and examples are read.
        path: of the image.
        wanted: the settings in the link.
        session: Gradio's session hash.

    Returns:
        Header and bytes of a stored Prediction or one of this session; None where there is none.
    """
    image = explorer.images.read(path)
    settings, _ = settings_of(wanted.size, wanted.mode, image)
    if explorer.runs.cached(session, image, settings, wanted.model) is not None:
        return explorer.payload(path, wanted.size, wanted.mode, session, model=wanted.model)
    example = explorer.runs.example_of(image)
    return explorer.example_payload(example, wanted.size, wanted.mode, wanted.model) if example else None
