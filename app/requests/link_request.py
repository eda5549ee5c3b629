"""The settings in a link, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.core.engine import Engine
from app.core.input_sizes import NATIVE, SIZES, start_size
from app.core.models import Model
from crt.errors import InvalidSetting
from crt.models.tiles import MODES

ACTS = ("show", "fetch")
LINKED_IMAGE = re.compile(r"ex\.(?P<example>[\w-]{1,64})|sha\.(?P<key>[0-9a-f]{32})")
"""An image's name in a link: that of an example, or the start of the SHA-256 of its pixels."""


@dataclass(frozen=True)
class LinkRequest:
    """The settings in a link.

    Attributes:
        act: `show` them on the page, or `fetch` the CAMs for later.
        pic: `ex.<id>`, `sha.<first 32 digits of its sha256>`, or empty for the image on the page.
        size: one of the page's input sizes.
        mode: the cut-merge mode; the checkpoint's first where it lacks that of the image on the page.
        model: the checkpoint.
    """

    act: str
    pic: str
    size: str
    mode: str
    model: Model

    @classmethod
    def of(cls, details: dict[str, Any], engine: Engine) -> LinkRequest:
        """Check what the browser sent; values that a link leaves out are the checkpoint's defaults.

        Args:
            details: values from the browser, not to be trusted.
            engine: whose checkpoints are offered.

        Returns:
            The request.

        Raises:
            InvalidSetting: an unknown value.
        """
        act, pic = details.get("act"), details.get("pic") or ""
        if act not in ACTS:
            raise InvalidSetting("Invalid request. Reload the page.")
        if not isinstance(pic, str) or (pic and not LINKED_IMAGE.fullmatch(pic)):
            raise InvalidSetting("The link names no image that can be read: choose an image.")
        model = engine.named(details.get("checkpoint"))
        modes = model.config.modes
        size, mode = details.get("size") or start_size(model), details.get("mode") or modes[0]
        if not pic and mode in MODES and mode not in modes:  # of the checkpoint before, for the image on the page
            mode = modes[0]
        if size not in (*map(str, SIZES), NATIVE) or mode not in modes:
            raise InvalidSetting("The input size or the mode of this link is not offered here: choose others.")
        return cls(act, pic, size, mode, model)
