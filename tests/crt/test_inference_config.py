"""Which run of the networks holds what another one gives."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crt.inference_config import InferenceConfig
from crt.types import METHODS

WHOLE = InferenceConfig(size=224, loops=3)
configs = st.builds(
    InferenceConfig,
    size=st.sampled_from([224, None]),
    mode=st.sampled_from(["overlap", "bilinear"]),
    loops=st.integers(0, 2),
    methods=st.one_of(st.none(), st.lists(st.sampled_from(METHODS), min_size=1, unique=True).map(tuple)),
    heads=st.booleans(),
    padding=st.sampled_from(["minimal", "released"]),
)


@pytest.mark.parametrize(
    "part",
    [
        WHOLE,
        replace(WHOLE, loops=0),
        replace(WHOLE, methods=("tscam",)),
        replace(WHOLE, methods=("resnet", "tscam"), loops=8),  # neither has a loop
        replace(WHOLE, methods=METHODS[::-1]),
    ],
)
def test_a_run_covers_its_parts(part):
    assert WHOLE.covers(part)


@pytest.mark.parametrize(
    "other",
    [
        replace(WHOLE, size=336),
        replace(WHOLE, size=None),
        replace(WHOLE, mode="non-overlap"),
        replace(WHOLE, padding="released"),
        replace(WHOLE, loops=4),
        replace(WHOLE, loops=4, methods=("crt",)),
        replace(WHOLE, heads=True),
    ],
)
def test_a_run_does_not_cover_what_it_lacks(other):
    assert not WHOLE.covers(other)


def test_a_run_of_some_networks_does_not_cover_all():
    assert not replace(WHOLE, methods=("crt", "resnet")).covers(WHOLE)
    assert replace(WHOLE, methods=METHODS).covers(WHOLE)


@given(configs, configs, configs)
def test_covering_is_an_order(first, second, third):
    assert first.covers(first)
    assert not (first.covers(second) and second.covers(third)) or first.covers(third)
