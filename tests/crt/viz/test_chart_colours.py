"""Colours of charts: what they are for, and that they can be seen."""

from __future__ import annotations

import itertools

import pytest

from crt.types import METHODS
from crt.viz.chart_colours import (
    DARK_RAMP,
    DARK_TONES,
    DASHES,
    NEUTRAL,
    RAMP,
    TONES,
    LineStyle,
    line_styles,
    mix_oklab,
    tone_colour,
)

COUNTED = [f"trained with {k}" for k in range(9)]
DARK_CARD = "#18181b"
"""Of the page's dark theme."""


def luminance(colour: str) -> float:
    """WCAG's relative luminance, 0 … 1."""
    parts = [value / 255 for value in bytes.fromhex(colour[1:])]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_colours_of_the_networks_are_theirs_alone() -> None:
    own = [TONES[method] for method in METHODS]
    others = [tone_colour(tone) for tone in NEUTRAL] + [style.colour for style in line_styles(COUNTED)]
    assert len({*own, *others}) == len(own) + len(others)
    names = ("CRT, last pass", "TS-CAM, refined", "ResNet-50", "CNN alone", "its CNN", "CNN branch of the pair")
    assert [style.tone for style in line_styles(names)] == ["crt", "tscam", "resnet", "resnet", "crt_cnn", "crt_cnn"]
    assert {style.tone for style in line_styles(("sum or mean", "first pass", "last pass"))} == set(NEUTRAL)


def test_what_is_counted_takes_the_ramp_in_order() -> None:
    styles = line_styles(COUNTED)
    assert (styles[0].colour, styles[-1].colour) == RAMP and styles[1].tone == 0.13  # as JavaScript rounds 12.5 %
    tones = [luminance(style.colour) for style in styles]
    assert tones == sorted(tones, reverse=True) and {style.dash for style in styles} == {"solid"}
    assert line_styles(COUNTED[:1]) == [LineStyle("ink")]  # one line has no order
    assert all(isinstance(style.tone, str) for style in line_styles(["trained with 1", "tested with 2"]))


def test_lines_of_one_colour_differ_in_their_dash_and_the_paper_is_hollow() -> None:
    styles = line_styles([*(f"CRT, way {letter}" for letter in "abcde"), "paper", "paper, VOC-21", "papers"])
    assert [style.dash for style in styles[:5]] == list(DASHES)
    assert styles[5:] == [LineStyle("ink", hollow=True), LineStyle("ink", hollow=True), LineStyle("ink")]


def test_colours_are_mixed_evenly_to_the_eye() -> None:
    assert mix_oklab("#000000", "#ffffff", 0.5) == "#636363"  # CSS Color 5: color-mix(in oklab, black, white)
    assert mix_oklab("#ff0000", "#0000ff", 0.5) == "#8c53a2"
    for first, last in ((RAMP), (DARK_RAMP)):
        assert (mix_oklab(first, last, 0), mix_oklab(first, last, 1)) == (first, last)


@pytest.mark.parametrize(
    ("tones", "ramp", "background"), [(TONES, RAMP, "#ffffff"), (DARK_TONES, DARK_RAMP, DARK_CARD)]
)
def test_every_colour_stands_out_from_its_background(tones, ramp, background) -> None:
    steps = [mix_oklab(ramp[0], ramp[1], share / 10) for share in range(11)]
    assert min(contrast(colour, background) for colour in (*tones.values(), *steps)) >= 3  # WCAG 2.1, 1.4.11
    four = [mix_oklab(ramp[0], ramp[1], share / 3) for share in range(4)]
    assert min(contrast(one, other) for one, other in itertools.pairwise(four)) >= 1.2
