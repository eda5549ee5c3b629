"""Every setting of the page, declared once: what it may be, how a link names it, and where an export holds it.

`python -m app.viewer.schema` writes them for the page, whose store, links, scenes, exports and controls read them.
A new display setting is a line of `SETTINGS`, and the code that draws it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.requests.validation import choice, number
from crt.checkpoint import METHODS
from crt.errors import InvalidSetting
from crt.pass_reductions import DEFAULT_REDUCTION, PASS_REDUCTIONS

BLOCKS = 99
"""The largest number of a block, from 0."""
COLORMAPS = ("viridis", "magma", "inferno", "cividis", "gray", "turbo")
PANELS = {"input": False, "resnet": True, "tscam": True, "crt": True, "crt_cnn": False}
"""Panels of Explore, and whether they are shown at first."""
ADDED_PANEL = "added_panel"
"""In the place of a network: the map of the panel that the user has added."""
TABS = ("explore", "ablate", "layers", "masks", "results")


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        path: its key in the page's state.
        type: flag, whole, number, choice, or a value of the page's own: blocks, panels, side, added_panel, classes,
            drawn.
        default: the value at first.
        key: in a link, and so in a scene; without one `unlinked` is the reason.
        low: least value of a number.
        high: largest value of a number.
        names: of a choice.
        none: whether it may be null.
        slider: least, most and step of its control.
        former: names in earlier links -> those of today.
        personal: whether an example and its link leave it as the user has it.
        export: its key in the details of an export; empty for what an export holds in another form, or not at all.
        unlinked: why no link holds it.
    """

    path: str
    type: str
    default: Any
    key: str = ""
    low: float | None = None
    high: float | None = None
    names: tuple[str, ...] = ()
    none: bool = False
    slider: tuple[float, float, float] | None = None
    former: dict[str, str] = field(default_factory=dict)
    personal: bool = False
    export: str = ""
    unlinked: str = ""

    @property
    def group(self) -> str:
        """Where an export holds it, without its name."""
        return self.export.rpartition(".")[0]

    def read(self, details: dict[str, Any]) -> Any:
        """Its value among the details of its group, checked.

        Args:
            details: values from the browser, not to be trusted.

        Returns:
            The value; None for null where that is allowed.

        Raises:
            InvalidSetting: anything else.
            ValueError: a number without ends.
        """
        name = self.export.rpartition(".")[2]
        value = details.get(name)
        if self.none and value is None:
            return None
        if self.type == "flag":
            return value is True
        if self.type == "choice":
            return choice(details, name, self.names)
        if self.type == "blocks":
            return _blocks(value)
        if self.low is None or self.high is None:
            raise ValueError(f"{self.path} has no ends.")
        found = number(details, name, self.low, self.high)
        return int(found) if self.type == "whole" else found


def _numbers(path: str, default: float, key: str, ends: tuple[float, float], **more: Any) -> Setting:
    return Setting(path, "number", default, key, *ends, **more)


def _mask(name: str, type_: str, default: Any, key: str, **more: Any) -> Setting:
    """One of the Masks tab, which are all personal."""
    return Setting(f"mask.{name}", type_, default, key, personal=True, **more)


SETTINGS = (
    Setting("tab", "choice", "explore", "t", names=TABS),
    Setting("classes", "classes", [], unlinked="named in c, because numbers mean other classes to another checkpoint"),
    Setting("multi_select", "flag", False, "n"),
    Setting("loops", "whole", 3, "l", 0, 9, export="loops"),
    Setting("refined", "flag", True, "r", export="refined"),
    Setting("blocks", "blocks", None, "b", 0, BLOCKS, none=True, export="blocks"),
    Setting("pass_reduction", "choice", DEFAULT_REDUCTION, "cb", names=tuple(PASS_REDUCTIONS), export="pass_reduction",
            former={"evened": "tile_normalized"}),
    _numbers("threshold", 0.15, "th", (0, 1), slider=(0, 1, 0.01), export="threshold"),
    Setting("outline", "flag", True, "o", personal=True, export="outline"),
    Setting("boxes", "flag", False, "bx", personal=True, export="boxes"),
    Setting("overlay", "choice", "fade", "ov", names=("fade", "heat", "mask"), personal=True, export="overlay"),
    Setting("cells", "flag", False, "ce", export="cells"),
    _numbers("opacity", 0.6, "op", (0, 1), slider=(0, 1, 0.05), personal=True, export="opacity"),
    Setting("colormap", "choice", "viridis", "cm", names=COLORMAPS, personal=True, export="colormap"),
    Setting("scale", "choice", "map", "sc", names=("map", "shared", "absolute"), export="scale"),
    Setting("absolute.cam", "number", None, "ac", 1e-9, 1e9, none=True, personal=True, export="absolute.cam"),
    Setting("absolute.product", "number", None, "ap", 1e-9, 1e9, none=True, personal=True, export="absolute.product"),
    Setting("visible", "panels", PANELS, "p", names=tuple(PANELS)),
    Setting("ground_truth", "flag", True, "tr", personal=True),
    _numbers("zoom.k", 1, "zk", (1, 16)),
    _numbers("zoom.x", 0.5, "zx", (0, 1)),
    _numbers("zoom.y", 0.5, "zy", (0, 1)),
    Setting("compare.view", "choice", "side", "w", names=("side", "swipe", "blink", "difference", "classes")),
    Setting("compare.a", "side", {"method": "resnet"}, "wa", names=(*METHODS, ADDED_PANEL)),
    Setting("compare.b", "side", {"method": "crt"}, "wb", names=(*METHODS, ADDED_PANEL)),
    _numbers("compare.split", 0.5, "ws", (0, 1)),
    _numbers("compare.rate", 1, "wr", (0.25, 3)),
    Setting("compare.unit", "choice", "share", "wu", names=("share", "raw"), export="difference_unit"),
    Setting("layers.method", "choice", "crt", "ym", names=METHODS, personal=True),
    Setting("layers.head", "whole", None, "yh", 0, 99, none=True, personal=True, export="layers.head"),
    Setting("layers.scale", "choice", "cell", "ys", names=("cell", "all"), personal=True, export="layers.scale"),
    Setting("layers.block", "whole", None, "yb", 0, BLOCKS, none=True, personal=True, export="layers.block"),
    Setting("layers.pass", "whole", None, "yp", 0, 99, none=True, personal=True, export="layers.pass"),
    Setting("ablate.show", "choice", "sizes", "av", names=("sizes", "modes", "curves", "ladder"), export="ablate.show"),
    Setting("added_panel", "added_panel", None, "x", none=True, names=METHODS),
    Setting("random_baseline", "flag", False, "jc"),
    Setting("drawing", "choice", None, none=True, names=("box", "polygon"), unlinked="a tool in use"),
    Setting("drawn", "drawn", {},
            unlinked="ground truth stays with the one who drew it, and a link leaves it as it is"),
    _mask("method", "choice", "crt", "km", names=METHODS),
    _mask("crf", "flag", True, "kf"),
    _mask("walk", "flag", True, "kw"),
    _mask("walkThreshold", "number", 0.25, "kx", low=0, high=1, slider=(0.01, 0.9, 0.01),
          export="masks.walk.threshold"),
    _mask("walkSteps", "whole", 8, "ks", low=0, high=12, slider=(0, 12, 1), export="masks.walk.steps"),
    _mask("walkBeta", "number", 10, "ke", low=1, high=30, slider=(1, 30, 0.5), export="masks.walk.beta"),
    _mask("deeplab", "flag", True, "kd", export="masks.deeplab"),
    _mask("contours", "flag", True, "kc", export="masks.contours"),
    _mask("boxes", "flag", False, "kb", export="masks.boxes"),
    _mask("iterations", "whole", 10, "ki", low=0, high=20, slider=(1, 20, 1), export="masks.crf.iterations"),
    _mask("gaussianSxy", "number", 3, "kg", low=0, high=500, slider=(1, 20, 0.5), export="masks.crf.gaussianSxy"),
    _mask("gaussianCompat", "number", 3, "kh", low=0, high=500, slider=(0, 20, 0.5), export="masks.crf.gaussianCompat"),
    _mask("bilateralSxy", "number", 50, "kl", low=0, high=500, slider=(5, 120, 1), export="masks.crf.bilateralSxy"),
    _mask("bilateralSrgb", "number", 5, "kr", low=0, high=500, slider=(1, 30, 0.5), export="masks.crf.bilateralSrgb"),
    _mask("bilateralCompat", "number", 10, "kt", low=0, high=500, slider=(0, 20, 0.5),
          export="masks.crf.bilateralCompat"),
)  # fmt: skip
"""In the order in which a link names them."""
_BY_PATH = {one.path: one for one in SETTINGS}


def setting_at(path: str) -> Setting:
    """The setting at a path of the page's state.

    Args:
        path: such as `mask.walkBeta`.

    Returns:
        The setting.

    Raises:
        KeyError: there is none.
    """
    return _BY_PATH[path]


def read_group(details: dict[str, Any], group: str = "") -> dict[str, Any]:
    """The settings that an export holds in a group, checked.

    Args:
        details: values from the browser, not to be trusted.
        group: such as `masks.crf`; empty for those of the export itself.

    Returns:
        Values by the path of their setting in the page's state.

    Raises:
        InvalidSetting: a value is out of range.
    """
    return {one.path: one.read(details) for one in SETTINGS if one.export and one.group == group}


def _blocks(value: Any) -> tuple[int, int]:
    """First and last block, from 0. Raises InvalidSetting."""
    whole = isinstance(value, list) and len(value) == 2 and all(type(block) is int for block in value)
    if not whole or not 0 <= value[0] <= value[1] <= BLOCKS:
        raise InvalidSetting("Choose a first and a last block for the refinement.")
    return value[0], value[1]
