"""Which CAM of a network is meant: loop count and refinement, one value for the library, the app and the scripts.

Importable without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from crt.errors import InvalidSetting
from crt.pass_reductions import DEFAULT_REDUCTION, PassReduction, check_reduction

MAX_BLOCKS = 1000
"""More blocks than any encoder has."""
SUGGESTED, NAMED = 3, 20
"""Most class names that a message suggests, and most that it lists."""


@dataclass(frozen=True)
class CamSpec:
    """The settings of a CAM. The values here are the paper's (METHOD section 4); a checkpoint has its own.

    Attributes:
        loops: of CRT; the other networks have none.
        refined: whether the class token's attention multiplies the CAM of a transformer.
        pass_reduction: how the attention of the passes becomes one.
        blocks: the first and the last of the blocks whose attention it is, counted from 0; None for all.

    Raises:
        InvalidSetting: values that cannot be.
    """

    loops: int = 3
    refined: bool = True
    pass_reduction: PassReduction = DEFAULT_REDUCTION
    blocks: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if type(self.loops) is not int or self.loops < 0 or type(self.refined) is not bool:
            raise InvalidSetting("A CAM needs a loop count of 0 or more, and refined as true or false.")
        check_reduction(self.pass_reduction)
        ends = self.blocks
        if ends is not None and not (
            isinstance(ends, tuple)
            and len(ends) == 2
            and all(type(end) is int for end in ends)
            and 0 <= ends[0] <= ends[1] < MAX_BLOCKS
        ):
            raise InvalidSetting("Choose a first and a last block for the refinement, the first not after the last.")

    @classmethod
    def of(cls, defaults: Any) -> CamSpec:
        """The spec that a checkpoint recommends: what the app shows first.

        Args:
            defaults: the `Defaults` of its config.

        Returns:
            The spec.
        """
        return cls(defaults.loops, defaults.refined, defaults.pass_reduction, defaults.blocks)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> CamSpec:
        """Read what `dataclasses.asdict` and JSON made of a spec.

        Args:
            values: by field.

        Returns:
            The spec.

        Raises:
            TypeError: there are other fields.
            InvalidSetting: a value cannot be.
        """
        blocks = values.get("blocks")
        return cls(**{**values, "blocks": tuple(blocks) if isinstance(blocks, list) else blocks})

    def block_indices(self, depth: int) -> range | None:
        """The blocks that enter.

        Args:
            depth: blocks of the encoder; those beyond it count as its last.

        Returns:
            Indices from 0; None for all.
        """
        if self.blocks is None:
            return None
        first, last = (min(end, depth - 1) for end in self.blocks)
        return range(first, last + 1)


ClassLike = int | str
"""A class by its number, counted from 0, or by its name."""


def class_ids(classes: Sequence[ClassLike] | ClassLike, class_names: Sequence[str]) -> list[int]:
    """Numbers of classes that are given by number or name.

    Names are compared without regard to capitals, and `_` and `-` count as blanks.

    Args:
        classes: numbers from 0 or names; one class need not be in a list.
        class_names: all that there are.

    Returns:
        Numbers from 0 in the order of `classes`.

    Raises:
        InvalidSetting: a class is unknown; the message has the names that are most like it.
    """
    one = isinstance(classes, str) or not hasattr(classes, "__iter__") or getattr(classes, "ndim", 1) == 0
    given = [classes] if one else list(classes)  # type: ignore[arg-type]
    known: dict[str, int] = {}
    for at, name in enumerate(class_names):
        known.setdefault(plain_name(name), at)
    return [_class_id(one, class_names, known) for one in given]


def one_class_id(class_: ClassLike, class_names: Sequence[str]) -> int:
    """The number of one class that is given by number or name.

    Args:
        class_: a number from 0, or a name.
        class_names: all that there are.

    Returns:
        Its number from 0.

    Raises:
        InvalidSetting: the class is unknown, or several are given.
    """
    found = class_ids(class_, class_names)
    if len(found) != 1:
        raise InvalidSetting(f"Here {len(found)} classes are given, and a CAM is of one: give its number or its name.")
    return found[0]


def plain_name(name: str) -> str:
    """A class name as it is compared: lower case, single blanks, no `_` or `-`.

    Args:
        name: as it was given.

    Returns:
        The name in that form.
    """
    return " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()


def _class_id(one: Any, class_names: Sequence[str], known: dict[str, int]) -> int:
    if isinstance(one, str):
        if one in class_names:  # two names may differ in capitals alone
            return list(class_names).index(one)
        if plain_name(one) in known:
            return known[plain_name(one)]
        near = get_close_matches(plain_name(one), known, n=SUGGESTED)
        if near:
            choice = f"did you mean {' or '.join(class_names[known[name]] for name in near)}?"
        else:
            choice = f"choose among {', '.join(class_names[:NAMED])}{' …' if len(class_names) > NAMED else ''}."
        raise InvalidSetting(f"Unknown class {one[:60]!r}: {choice}")
    try:
        at = int(one)
        whole = at == one
    except (TypeError, ValueError, OverflowError):
        at, whole = -1, False
    if not whole or not 0 <= at < len(class_names):
        raise InvalidSetting(f"Unknown class {one!r}: choose classes between 0 and {len(class_names) - 1}, or names.")
    return at
