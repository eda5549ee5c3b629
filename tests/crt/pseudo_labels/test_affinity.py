"""Pairs of cells and the relation losses, against loops that write them out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crt.errors import InvalidSetting
from crt.pseudo_labels.affinity import (
    Pairs,
    find_pairs,
    irn_losses,
    pair_displacement,
    pair_labels,
    path_affinity,
    reduce_labels,
)
from tests.helpers.narrow import present
from tests.helpers.reference_walk import affinity

SIZE, RADIUS = (8, 11), 4


def case(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Pairs]:
    """Raw edges, displacements and labels with uncertain ones for two images of `SIZE`."""
    torch.manual_seed(seed)
    edge, displacement = torch.randn(2, 1, *SIZE), torch.randn(2, 2, *SIZE)
    labels = torch.tensor([0, 0, 1, 2, 255])[torch.randint(0, 5, (2, *SIZE))]
    return edge, displacement, labels, find_pairs(SIZE, RADIUS)


def each(pairs: Pairs):
    """Every pair as (path, start, cell, cell)."""
    width = pairs.size[1]
    for p, ends in enumerate(pairs.ends.tolist()):
        for s, (start, end) in enumerate(zip(pairs.starts.tolist(), ends, strict=True)):
            yield p, s, divmod(start, width), divmod(end, width)


def test_pairs_lie_in_the_map_and_in_their_directions() -> None:
    *_, pairs = case()
    seen = set()
    for p, _, a, b in each(pairs):
        assert [b[0] - a[0], b[1] - a[1]] == pairs.directions[p].tolist()
        assert 0 <= b[0] < SIZE[0] and 0 <= b[1] < SIZE[1]
        seen.add((a, b))
    assert len(seen) == pairs.ends.numel() == len(pairs.paths) * len(pairs.starts)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_affinity_is_the_strongest_edge_of_each_path(seed) -> None:
    edge, _, _, pairs = case(seed)
    edge = edge.sigmoid()
    edge[0, 0, 2] = 0  # ties and both ends of the range
    edge[0, 0, 5] = 1
    got = path_affinity(edge, pairs)
    for image in range(2):
        for p, s, a, b in each(pairs):
            want = affinity(edge[image, 0].numpy(), a, b, RADIUS)
            assert got[image, p, s] == pytest.approx(want, abs=1e-6)


def test_the_gradient_goes_to_the_strongest_cell() -> None:
    edge, _, _, pairs = case()
    edge = edge.sigmoid().requires_grad_()
    weight = torch.rand(2, *pairs.ends.shape)
    (path_affinity(edge, pairs) * weight).sum().backward()
    strength, want = edge.detach().numpy(), torch.zeros_like(edge)
    for image in range(2):
        for p, s, (y, x), _ in each(pairs):
            dy, dx = max(pairs.paths[p], key=lambda step: strength[image, 0, y + step[0], x + step[1]])
            want[image, 0, y + dy, x + dx] -= weight[image, p, s]
    torch.testing.assert_close(edge.grad, want)


def test_half_precision_edges_keep_their_type() -> None:
    edge, _, _, pairs = case()
    half = edge.sigmoid().to(torch.bfloat16)
    got = path_affinity(half, pairs)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got, 1 - (1 - path_affinity(half.float(), pairs)).to(torch.bfloat16))


def test_displacement_of_places_is_the_direction() -> None:
    *_, pairs = case()
    places = torch.stack(torch.meshgrid(*(torch.arange(float(side)) for side in SIZE), indexing="ij"))[None]
    got = pair_displacement(-places, pairs)
    torch.testing.assert_close(got, pairs.directions.T[None, :, :, None].expand_as(got).float())


def test_labels_of_pairs() -> None:
    _, _, labels, pairs = case()
    for classes in (2, 21):
        background, foreground, different = pair_labels(labels, pairs, classes)
        for p, s, a, b in each(pairs):
            one, two = int(labels[1][a]), int(labels[1][b])
            sure = max(one, two) < classes
            assert bool(background[1, p, s]) == (sure and one == two == 0)
            assert bool(foreground[1, p, s]) == (sure and one == two != 0)
            assert bool(different[1, p, s]) == (sure and one != two)


def test_every_label_but_255_is_of_a_class() -> None:
    edge, displacement, labels, pairs = case()
    few = torch.where(labels == 255, 255, labels % 3)
    many = torch.where((few == 0) | (few == 255), few, few + 252)  # the same objects in a set of 254 classes
    for got, wanted in zip(pair_labels(many, pairs), pair_labels(few, pairs), strict=True):
        assert torch.equal(got, wanted)
    got, wanted = (irn_losses(edge, displacement, x, pairs) for x in (many, few))
    assert wanted.neg_aff > 0
    for name, expected in vars(wanted).items():
        torch.testing.assert_close(getattr(got, name), expected)


def test_losses_are_means_over_their_pairs() -> None:
    edge, displacement, labels, pairs = case()
    got = irn_losses(edge, displacement, labels, pairs)
    sums = {name: [0.0, 0] for name in ("bg_pos_aff", "fg_pos_aff", "neg_aff", "dp_fg", "dp_bg")}
    for image in range(2):
        strength, moved = edge[image, 0].sigmoid().numpy(), displacement[image].numpy()
        for p, _, a, b in each(pairs):
            one, two = int(labels[image][a]), int(labels[image][b])
            if 255 in (one, two):
                continue
            like = affinity(strength, a, b, RADIUS)
            apart = moved[:, a[0], a[1]] - moved[:, b[0], b[1]]
            if one != two:
                terms = {"neg_aff": -np.log(1 + 1e-5 - like)}
            elif one == 0:
                terms = {"bg_pos_aff": -np.log(like + 1e-5), "dp_bg": np.abs(apart).mean()}
            else:
                away = np.abs(apart - pairs.directions[p].numpy()).mean()
                terms = {"fg_pos_aff": -np.log(like + 1e-5), "dp_fg": away}
            for name, term in terms.items():
                sums[name][0] += float(term)
                sums[name][1] += 1
    for name, (total, count) in sums.items():
        assert count > 100
        assert getattr(got, name).item() == pytest.approx(total / count, rel=1e-4), name
    alike = (got.bg_pos_aff + got.fg_pos_aff) / 2
    want = (alike + got.neg_aff) / 2 + (got.dp_fg + got.dp_bg) / 2
    torch.testing.assert_close(got.total, want)


def test_nothing_certain_costs_nothing() -> None:
    edge, displacement, labels, pairs = case()
    edge.requires_grad_()
    total = irn_losses(edge, displacement, torch.full_like(labels, 255), pairs).total
    total.backward()
    assert total == 0 and not present(edge.grad).any()


def test_saturated_edges_stay_finite() -> None:
    edge, displacement, labels, pairs = case()
    for logit in (-200.0, 200.0):
        raw = torch.full_like(edge, logit).requires_grad_()
        losses = irn_losses(raw, displacement, labels, pairs)
        losses.total.backward()
        assert torch.isfinite(losses.total) and torch.isfinite(present(raw.grad)).all()


def test_maps_of_another_size_are_refused() -> None:
    edge, displacement, labels, pairs = case()
    for call in (
        lambda: path_affinity(edge[..., 1:], pairs),
        lambda: pair_displacement(displacement[..., 1:, :], pairs),
        lambda: pair_labels(labels[:, 1:], pairs),
        lambda: find_pairs((RADIUS - 1, 20), RADIUS),
        lambda: find_pairs((20, 2 * RADIUS - 2), RADIUS),
        lambda: find_pairs((20, 20), 1),
    ):
        with pytest.raises(InvalidSetting):
            call()
    assert find_pairs((RADIUS, 2 * RADIUS - 1), RADIUS).starts.tolist() == [RADIUS - 1]


def test_reduced_labels_are_some_of_the_labels() -> None:
    labels = np.kron(np.array([[0, 3], [255, 7]], np.uint8), np.ones((8, 12), np.uint8))
    want = np.kron(np.array([[0, 3], [255, 7]], np.uint8), np.ones((2, 3), np.uint8))
    np.testing.assert_array_equal(reduce_labels(labels), want)
    assert reduce_labels(labels, 8).shape == (2, 3)
