"""The colours of charts: each network has one that nothing else takes, and what has an order takes one ramp."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

TONES = {
    "crt": "#0f766e", "tscam": "#b45309", "resnet": "#4f63d2", "crt_cnn": "#8a8f98", "ink": "#141414",
    "soft": "#5a606b",
}  # fmt: skip
"""Colours on a light background, by the names of the page's variables."""
DARK_TONES = {"crt": "#2dd4bf", "tscam": "#fbbf24", "resnet": "#93a4ff", "crt_cnn": "#9aa1ab", "soft": "#a9b0bb"}
"""Those of the page's dark theme."""
RAMP, DARK_RAMP = ("#d0679a", "#5a1038"), ("#b04a80", "#fbd5e6")
"""First and last colour of the ramp, on a light and on a dark background."""
NETWORKS = (
    (r"CRT's CNN|its CNN|CNN branch", "crt_cnn"),
    (r"CRT", "crt"),
    (r"TS-CAM", "tscam"),
    (r"ResNet|CNN alone", "resnet"),
)
"""How the names of a network's lines begin, and its tone; `app/viewer/charts/colors.mjs` has the same rules."""
NEUTRAL = ("ink", "soft")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
PAPER_NAME = re.compile(r"paper\b", re.IGNORECASE)


@dataclass(frozen=True)
class LineStyle:
    """How a line of a chart is drawn.

    Attributes:
        tone: a name of `TONES`, or a share of the ramp, 0 … 1.
        dash: one of `DASHES`.
        hollow: whether it has hollow marks and no line.
    """

    tone: str | float
    dash: str = DASHES[0]
    hollow: bool = False

    @property
    def colour(self) -> str:
        """`#rrggbb` on a light background."""
        return tone_colour(self.tone)


def tone_colour(tone: str | float) -> str:
    """The colour of a tone on a light background.

    Args:
        tone: a name of `TONES`, or a share of the ramp, 0 … 1.

    Returns:
        `#rrggbb`.
    """
    return TONES[tone] if isinstance(tone, str) else mix_oklab(*RAMP, tone)


def line_styles(names: Sequence[str]) -> list[LineStyle]:
    """Choose the style of each line of a chart by its name.

    A network's line has its colour. Names that differ in a last number alone have the ramp. The paper has hollow marks.
    Other lines are neutral, and lines of one colour differ in their dash.

    Args:
        names: of the lines, in order.

    Returns:
        A style for each.
    """
    stems = {name.rstrip("0123456789") for name in names}
    if len(names) > 1 and len(stems) == 1 and all(name[-1:].isdigit() for name in names):
        last = len(names) - 1
        return [LineStyle(math.floor(100 * k / last + 0.5) / 100) for k in range(len(names))]
    found, used, plain = [], Counter[str](), 0
    for name in names:
        if PAPER_NAME.match(name):
            found.append(LineStyle(NEUTRAL[0], hollow=True))
            continue
        tone = next((tone for begin, tone in NETWORKS if re.match(begin, name, re.IGNORECASE)), None)
        if tone is None:
            tone, plain = NEUTRAL[plain % len(NEUTRAL)], plain + 1
        found.append(LineStyle(tone, DASHES[used[tone] % len(DASHES)]))
        used[tone] += 1
    return found


def mix_oklab(first: str, last: str, share: float) -> str:
    """Mix two colours evenly to the eye: CSS's `color-mix(in oklab, …)`.

    Args:
        first: `#rrggbb`.
        last: `#rrggbb`.
        share: of the last, 0 … 1.

    Returns:
        `#rrggbb`.
    """
    pairs = zip(_oklab(first), _oklab(last), strict=True)
    return _hex(tuple(a + (b - a) * share for a, b in pairs))


# Björn Ottosson's OKLab (2020), to and from linear sRGB: bottosson.github.io/posts/oklab.
_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_FROM_LAB = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_FROM_CONES = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def _times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def _oklab(colour: str) -> tuple[float, ...]:
    values = (value / 255 for value in bytes.fromhex(colour[1:]))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return _times(_TO_LAB, [cone ** (1 / 3) for cone in _times(_TO_CONES, linear)])


def _hex(lab: Sequence[float]) -> str:
    linear = _times(_FROM_CONES, [cone**3 for cone in _times(_FROM_LAB, lab)])
    clipped = (min(1.0, max(0.0, value)) for value in linear)
    values = (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055 for value in clipped)
    return "#" + "".join(f"{round(255 * value):02x}" for value in values)
