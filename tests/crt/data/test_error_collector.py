import pytest

from crt.data import (
    ErrorCollector,
)
from crt.errors import InvalidDataset


def test_problems_shorten_long_lists():
    problems = ErrorCollector("The test")
    problems.raise_if_any()
    for number in range(25):
        problems.add("missing", number)
    problems.add("broken", "x")
    with pytest.raises(InvalidDataset) as caught:
        problems.raise_if_any()
    assert len(problems) == 26
    assert "- missing (25): 0, 1, 2" in str(caught.value) and "19 ... and 5 more" in str(caught.value)
    assert str(caught.value).endswith("- broken (1): x")
