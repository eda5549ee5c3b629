"""What a type checker cannot know of a value, asserted: where it is not so, the test fails."""

from typing import TypeVar

Value = TypeVar("Value")


def present(value: Value | None) -> Value:
    """The value, which is not None."""
    assert value is not None
    return value


def instance(kind: type[Value], value: object) -> Value:
    """The value, which is an instance of `kind`."""
    assert isinstance(value, kind), f"expected {kind.__name__}, not {type(value).__name__}"
    return value
