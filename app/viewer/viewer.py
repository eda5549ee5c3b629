"""The viewer as one Gradio component: its events, and how runs and answers reach it."""

from __future__ import annotations

import base64
import json
import secrets
from functools import cache
from typing import Any

import gradio as gr

from app.core.codec import INLINE_BYTES
from app.gradio_compat import Unkept, serve_bytes
from app.viewer.files import ENTRY, ROUTE, page_modules, style, template, version

EVENTS = (
    "example", "explain", "inspect", "load_heads", "ablate", "segment", "walk", "deeplab", "faithfulness", "cancel",
    "export", "export_results", "reopen", "reopen_run", "keep", "swap", "rerun",
)  # fmt: skip
"""What the page requests of the server; Gradio listens to the events whose names stand quoted in `js_on_load`."""
NO_RESULTS: dict[str, Any] = {
    "setups": [], "claims": [], "headline": [], "shown": None, "per_class": None, "sections": [],
}  # fmt: skip
"""What `scripts.report` writes, where there are none."""
_LOAD = """
const base = `${(window.gradio_config?.root ?? '').replace(/[/]$/, '')}%s/`;
for (const name of %s) {
  document.head.append(Object.assign(document.createElement('link'), { rel: 'modulepreload', href: base + name }));
}
import(`${base}%s`).then(({ mount }) => mount(element, trigger, props, watch)).catch((error) => {
  const message = element.querySelector('[data-role=message]');
  message.textContent = 'The viewer could not be loaded: reload the page.';
  message.hidden = false;
  console.error(error);
});
"""
"""Runs once in the browser: fetches the modules, all at the same time, from below the address that the page has."""


@cache
def script() -> str:
    """`_LOAD` for this release, with the names of the events quoted before it."""
    listens = f"// events: {' '.join(f'{name!r}' for name in EVENTS)}"
    return listens + _LOAD % (f"{ROUTE}/{version()}", json.dumps(page_modules()), ENTRY)


class Viewer(Unkept, gr.HTML):
    """Shows a payload (`app.core.codec`): panels, class chart, controls, tabs. Its template holds no user text.

    Each event of `EVENTS` brings JSON details; an answer goes into the property `<event>_answer`, see `answer`. Names
    quoted in the script are taken for events by Gradio, so no property may be called like one of those. Gradio makes
    the component anew for every answer, so the long texts are made once.

    Args:
        value: What `postprocess` takes, or None.
        cards: JSON text, a list of {id, title, thumb, claim, view} shown as examples; the page opens with the one that
            has `first`, if any.
        results: JSON text, what the Results tab shows: an object with the keys of `NO_RESULTS`. Both are text because
            Gradio copies every object among the properties whenever a run reports its progress.
        props: Further keywords of `gr.HTML`.
    """

    def __init__(
        self,
        value: dict[str, Any] | None = None,
        *,
        cards: str = "[]",
        results: str = json.dumps(NO_RESULTS),
        **props: Any,
    ) -> None:
        own = {
            "html_template": template(),
            "css_template": style(),
            "js_on_load": script(),
            "apply_default_css": False,
        }
        answers: dict[str, Any] = {f"{name}_answer": None for name in EVENTS}
        everything: dict[str, Any] = {**answers, "cards": cards, "results": results, **props, **own}
        super().__init__(value, **everything)

    @staticmethod
    def answer(event: str, content: dict[str, Any]) -> Any:
        """An output that passes content to the listeners of an event in the page and changes nothing else.

        `id` makes every answer different, so that the page notices a repeated one.

        Args:
            event: one of `EVENTS`.
            content: JSON values.

        Returns:
            Gradio's update.

        Raises:
            ValueError: an unknown event.
        """
        if event not in EVENTS:
            raise ValueError(f"{event} is no event of the viewer.")
        update: dict[str, Any] = {f"{event}_answer": {"id": secrets.token_hex(8), **content}}
        return gr.update(**update)

    def packed(self, content: dict[str, Any]) -> dict[str, Any]:
        """Content with `data` as JSON.

        Args:
            content: JSON values, except `data`, which may be bytes.

        Returns:
            JSON values: `data` in base64, or `file`, the path of the file that holds the bytes.
        """
        data = content.get("data")
        if not isinstance(data, bytes):
            return content
        rest = {name: value for name, value in content.items() if name != "data"}
        if len(data) <= INLINE_BYTES:
            return rest | {"data": base64.b64encode(data).decode()}
        return rest | {"file": serve_bytes(self, data, "arrays.bin")}

    def postprocess(self, value: Any) -> Any:
        """A header with its bytes as JSON.

        Args:
            value: a header, or (header, bytes of its arrays).

        Returns:
            JSON values, as `packed` makes them.
        """
        return self.packed(value[0] | {"data": value[1]}) if isinstance(value, tuple) else value

    def preprocess(self, payload: Any) -> None:
        """Nothing: the viewer's value never goes back to the server.

        Args:
            payload: ignored.
        """

    def get_block_name(self) -> str:
        """Gradio's own HTML component draws the shell."""
        return "html"

    def api_info(self) -> dict[str, Any]:
        """The header is JSON."""
        return {"type": "object"}
