"""Classes found by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crt.data.text import folded


def display_name(name: str) -> str:
    """The name of a class as one writes it: "Black footed Albatross" for 001.Black_footed_Albatross.

    Args:
        name: as a data set has it.

    Returns:
        Without a number, and with blanks.
    """
    number, _, rest = name.partition(".")
    return (rest if number.isdigit() and rest else name).replace("_", " ")


def class_finder(classes: Sequence[str]) -> Callable[[str], int | None]:
    """Find classes by name.

    Names are compared as they are, then as `display_name`, then in any case and Unicode normal form where that leaves
    one.

    Args:
        classes: all names.

    Returns:
        A function from a name to its index in `classes`, or None.
    """
    indices = {form: index for index, name in enumerate(classes) for form in (display_name(name), name)}
    close: dict[str, list[int]] = {}
    for index, name in enumerate(classes):
        close.setdefault(folded(display_name(name)), []).append(index)

    def find(name: str) -> int | None:
        if name in indices:
            return indices[name]
        alike = close.get(folded(display_name(name)), [])
        return indices.get(display_name(name), alike[0] if len(alike) == 1 else None)

    return find
