"""ZeroGPU of Hugging Face Spaces lends a GPU to one call at a time, in a forked process; elsewhere a call is a call.

Arguments and results are pickled on their way to that process, so a call names a function of a module, and its
Predictor by a key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from crt.errors import CrtError

if TYPE_CHECKING:
    from crt.predictor import Predictor

try:
    import spaces  # pyright: ignore[reportMissingImports] - of the image of a Space
except ImportError:
    spaces = None

SECONDS = 60  # the longest that a call may hold the GPU

_predictors: WeakValueDictionary[str, Predictor] = WeakValueDictionary()


def _call(key: str, function: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """`function(predictor, …)`, or the sentence of an error of ours, which ZeroGPU would replace by one of its own."""
    try:
        return function(_predictors[key], *given, **named)
    except CrtError as error:
        return error


_lent = _call if spaces is None else spaces.GPU(duration=SECONDS)(_call)


def run(key: str, predictor: Predictor, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Call a function where the GPU is.

    On a ZeroGPU Space keywords that are functions, such as `progress`, are left out: they cannot be pickled.

    Args:
        key: names the Predictor in the other process.
        predictor: the function's first argument.
        function: of a module.
        *given: its further arguments.
        **named: its keywords.

    Returns:
        What it returns; its exceptions are raised here.
    """
    if _lent is _call:
        return function(predictor, *given, **named)
    _predictors[key] = predictor
    result = _lent(key, function, given, {name: value for name, value in named.items() if not callable(value)})
    if isinstance(result, CrtError):
        raise result
    return result
