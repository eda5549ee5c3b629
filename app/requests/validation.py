"""Values that the browser sends with an event, checked one by one: none of them can be trusted."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any, TypeGuard

from app.core.analysis import Analysis
from crt.checkpoint import METHODS, Method
from crt.errors import InvalidSetting
from crt.models.outputs import VitOutputs
from crt.pass_reductions import DEFAULT_REDUCTION, check_reduction

MOST_CLASSES = 20
LARGEST_FLOAT = sys.float_info.max


def method_of(analysis: Analysis, details: dict[str, Any]) -> Method:
    """The requested network.

    Args:
        analysis: the image on the page with its Prediction.
        details: values from the browser, not to be trusted.

    Returns:
        The method.

    Raises:
        InvalidSetting: the Prediction does not have it.
    """
    if details.get("method") not in analysis.prediction.methods:
        raise InvalidSetting(f"Unknown network: choose one of {', '.join(analysis.prediction.methods)}.")
    return METHODS[METHODS.index(details["method"])]


def classes_of(analysis: Analysis, details: dict[str, Any]) -> list[int]:
    """The requested classes.

    Args:
        analysis: the image on the page with its Prediction.
        details: values from the browser, not to be trusted.

    Returns:
        Class ids from 0, each once, in order.

    Raises:
        InvalidSetting: none, more than `MOST_CLASSES`, or unknown ones.
    """
    chosen = details.get("classes")
    known = len(analysis.prediction.classes)
    if not isinstance(chosen, list) or not all(type(index) is int and 0 <= index < known for index in chosen):
        raise InvalidSetting("These classes are not those of the checkpoint: choose them again.")
    if not 0 < len(set(chosen)) <= MOST_CLASSES:
        raise InvalidSetting(f"Choose 1 to {MOST_CLASSES} classes for a mask.")
    return list(dict.fromkeys(chosen))


def map_options(analysis: Analysis, method: Method, details: dict[str, Any]) -> dict[str, Any]:
    """Keywords of `Prediction.cams` from the page's settings.

    Args:
        analysis: the image on the page with its Prediction.
        method: the network.
        details: values from the browser, not to be trusted.

    Returns:
        `loops`, `refined`, `blocks` and `pass_reduction`.

    Raises:
        InvalidSetting: values out of range.
    """
    blocks, pass_reduction = details.get("blocks"), check_reduction(details.get("pass_reduction", DEFAULT_REDUCTION))
    if blocks is not None:
        whole = isinstance(blocks, list) and len(blocks) == 2 and all(type(block) is int for block in blocks)
        if not whole or not 0 <= blocks[0] <= blocks[1] < 1000:
            raise InvalidSetting("Choose a first and a last block for the refinement.")
    record = analysis.prediction.record(method)
    rows = getattr(record, "cls_attn", None)
    if rows is not None and blocks is not None:
        depth = rows.shape[1]
        blocks = list(range(min(blocks[0], depth - 1), min(blocks[1], depth - 1) + 1))
    return {
        "loops": analysis.prediction.clamp(method, int(number(details, "loops", 0, 1000))),
        "refined": details.get("refined") is True,
        "blocks": blocks,
        "pass_reduction": pass_reduction,
    }


def choice(details: dict[str, Any], name: str, known: Collection[str]) -> str:
    """One of the known words.

    Args:
        details: values from the browser, not to be trusted.
        name: of the value.
        known: the words.

    Returns:
        The word.

    Raises:
        InvalidSetting: anything else.
    """
    value = details.get(name)
    if not isinstance(value, str) or value not in known:
        raise InvalidSetting(f"Unknown {name}: choose one of {', '.join(known)}.")
    return value


def number(details: dict[str, Any], name: str, least: float, most: float) -> float:
    """A finite number in a range.

    Args:
        details: values from the browser, not to be trusted.
        name: of the value.
        least: the smallest that is allowed.
        most: the largest that is allowed.

    Returns:
        The number.

    Raises:
        InvalidSetting: anything else.
    """
    value = details.get(name)
    if not is_number(value):
        raise InvalidSetting(f"{name} must be a number from {least:g} to {most:g}.")
    if not least <= value <= most:
        raise InvalidSetting(f"{name} is {value:g}: choose {least:g} to {most:g}.")
    return float(value)


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a value is a number that a float can hold; whole numbers in JSON have any length.

    Args:
        value: a JSON value.

    Returns:
        Whether it is; a bool is none.
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST_FLOAT <= value <= LARGEST_FLOAT


def transformer_of(analysis: Analysis, details: dict[str, Any]) -> Method:
    """The requested transformer.

    Args:
        analysis: the image on the page with its Prediction.
        details: values from the browser, not to be trusted.

    Returns:
        The method.

    Raises:
        InvalidSetting: a CNN, or an unknown method.
    """
    method = method_of(analysis, details)
    if not isinstance(analysis.prediction.record(method), VitOutputs):
        raise InvalidSetting("This network has no attention: choose a transformer.")
    return method
