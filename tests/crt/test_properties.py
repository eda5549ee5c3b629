"""What holds for all inputs of the library's arithmetic, and that no public function of it is without a property."""

import ast
import importlib
import inspect
import io
import math
import tempfile
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import example, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from crt.analysis.consistency import branch_distance, map_correlation
from crt.analysis.rollout import roll
from crt.data import ImageDataset, Sample
from crt.data.images import split_batch
from crt.data.resizing import resize_scale, resize_short_side, resize_square
from crt.errors import CrtError, InvalidDataset, InvalidSetting
from crt.evaluation.stored import measured_rows
from crt.metrics.boxes import checked_boxes, pairwise_iou
from crt.metrics.cam_boxes import level_of
from crt.metrics.classification import mean_average_precision
from crt.metrics.iou import intersection_over_union, ratio
from crt.metrics.perturb import blurred, fitted, imputed, mixed, ranks, shown
from crt.metrics.pixels import overlap
from crt.metrics.segmentation import ThresholdSweep, confusion_matrix, iou, mean_iou, pixel_accuracy
from crt.models.cam_head import class_scores
from crt.models.consistency import cam_consistency_loss
from crt.models.dual import DualMaps
from crt.models.outputs import CnnOutputs, VitOutputs
from crt.models.tiles import TileGrid
from crt.postprocess import MAX_CLASSES, cam_to_labels, max_normalize, sum_scales_released
from crt.prediction import Prediction
from crt.pseudo_labels.label_png import (
    has_labels,
    indexed_png,
    labels_of_image,
    read_labels,
    require_class_values,
    save_labels,
)
from crt.resample import bilinear_weights, strided_size, upsample_cam
from crt.threshold import above_threshold, checked_levels, levels_passed
from crt.train.losses import classification_loss, dual_loss
from crt.train.optim import decays, poly, trained
from crt.viz.colours import fade_alpha, signed_colour
from crt.viz.contours import crossings, difference, outlines, without_specks

SIDE = st.integers(1, 12)
UNIT = st.floats(0, 1, width=32)
FINITE = st.floats(-1e3, 1e3, width=32)
SEED = st.integers(0, 2**32 - 1)


def given(examples: int = 100, **strategies):
    """Hypothesis's own, without a limit of time for one example: the machine may be busy."""
    return lambda test: settings(deadline=None, max_examples=examples)(hypothesis.given(**strategies)(test))


def maps_of(elements=UNIT, dtype=np.float32, dims=(3, 3), most=8):
    return arrays(dtype, array_shapes(min_dims=dims[0], max_dims=dims[1], max_side=most), elements=elements)


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


# Seeds and labels


@given(height=st.integers(1, 500), width=st.integers(1, 500), stride=st.integers(1, 32))
def test_the_strided_grid_covers_the_image_and_no_more(height, width, stride):
    for side, cells in zip((height, width), strided_size((height, width), stride), strict=True):
        assert (cells - 1) * stride < side <= cells * stride


@given(seed=SEED, height=st.integers(2, 70), width=st.integers(2, 70), scales=st.integers(1, 3))
def test_the_released_sum_has_the_size_of_the_image_and_stays_in_range(seed, height, width, scales):
    maps = [torch.from_numpy(noise(seed + i, 2, 3 + i, 4 + i)) for i in range(scales)]
    strided, high_res = sum_scales_released(maps, (height, width))
    assert strided.shape == (2, *strided_size((height, width))) and high_res.shape == (2, height, width)
    for summed in (strided, high_res):
        assert summed.min() >= 0 and summed.max() <= sum(one.max() for one in maps) + 1e-5
    ones, _ = sum_scales_released([torch.ones_like(one) for one in maps], (height, width))
    torch.testing.assert_close(ones, torch.full_like(ones, scales))


@given(cells=maps_of(most=6), height=st.integers(1, 30), width=st.integers(1, 30), threshold=st.floats(0.05, 0.9))
def test_labels_of_a_image_are_those_of_its_seeds(cells, height, width, threshold):
    keys = list(range(2, 2 + len(cells)))
    span = (float(cells.shape[1]), float(cells.shape[2]))
    labels = labels_of_image(cells, span, (height, width), keys, threshold)
    wanted = cam_to_labels(
        max_normalize(upsample_cam(cells, span, (height, width))), keys, float(np.float32(threshold))
    )
    assert labels.dtype == np.uint8 and labels.shape == (height, width)
    assert (labels == wanted).mean() > 0.98  # values on the threshold may fall to either side
    assert set(np.unique(labels)) <= {0, *(key + 1 for key in keys)}


@given(labels=arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_an_indexed_png_gives_the_labels_back(labels):
    with Image.open(io.BytesIO(indexed_png(labels))) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), labels)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        assert not has_labels(path)
        save_labels(path, labels)
        assert has_labels(path)
        np.testing.assert_array_equal(read_labels(path), labels)


@given(data=st.binary(max_size=200), keep=st.integers(0, 60))
def test_bytes_that_are_no_mask_are_an_error_of_ours(data, keep):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(indexed_png(np.ones((3, 4), np.uint8))[:keep] + data)
        if not has_labels(path):
            with pytest.raises(InvalidDataset, match="a"):
                read_labels(path)


@example(keys=[MAX_CLASSES])  # its label would be 255, which marks ignored pixels
@example(keys=[MAX_CLASSES - 1])
@given(keys=st.lists(st.integers(-300, 600), min_size=1, max_size=3))
def test_a_class_beyond_what_a_png_holds_is_refused(keys):
    cells = np.ones((len(keys), 2, 2), np.float32)
    if all(0 <= key < MAX_CLASSES for key in keys):
        assert labels_of_image(cells, (2, 2), (4, 4), keys).max() == keys[0] + 1
    else:
        with pytest.raises(InvalidSetting):
            labels_of_image(cells, (2, 2), (4, 4), keys)


# Images


@given(height=st.integers(1, 60), width=st.integers(1, 60), size=st.integers(1, 60))
def test_the_short_side_gets_its_size_and_the_shape_is_kept(height, width, size):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    found = resize_short_side(image, size)
    assert found.dtype == np.uint8 and min(found.shape[:2]) == size
    factor = size / min(height, width)
    for side, was in zip(found.shape[:2], (height, width), strict=True):
        assert abs(side - was * factor) <= 0.5 + 1e-9
    assert resize_short_side(found, size) is found
    assert resize_square(image, size).shape == (size, size, 3)
    with pytest.raises(CrtError):
        resize_short_side(image, -size)
    with pytest.raises(CrtError):
        resize_square(image, -size)
    for factor in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InvalidSetting):
            resize_scale(image, factor)


# What stands beside the maps


@given(values=maps_of(dims=(2, 2)), level=st.floats(0.01, 0.99))
def test_outlines_are_closed_rings_in_the_image(values, level):
    for ring in outlines(values, level):
        assert ring.ndim == 2 and ring.shape[1] == 2 and ((ring >= 0) & (ring <= 1)).all()
        np.testing.assert_allclose(ring[0], ring[-1])
        steps = np.diff(ring, axis=0) * values.shape[::-1]
        assert np.hypot(*steps.T).max() < 1.5  # cells: no line runs across a square
    assert bool(outlines(values, level)) == above_threshold(values, level).any()


AREAS = np.array([0, 1, 1, 4, 1, 6, 4, 7, 1, 4, 6, 7, 4, 7, 7, 8]) / 8
"""Inside of a square between four cells, by its corners: 1 top left, 2 top right, 4 bottom right, 8 bottom left."""


@given(mask=arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_the_area_of_outlines_is_that_of_their_squares(mask):
    """Up to the frame, on which an outline ends half a cell from the cells' centres as it does between two cells."""
    corners = np.pad(mask, 1).astype(int)
    squares = corners[:-1, :-1] + 2 * corners[:-1, 1:] + 4 * corners[1:, 1:] + 8 * corners[1:, :-1]
    found = 0.0
    for ring in outlines(mask.astype(np.float32), 0.5):
        x, y = (ring * mask.shape[::-1]).T
        found += float((x[1:] * y[:-1] - x[:-1] * y[1:]).sum()) / 2
    assert abs(found) == pytest.approx(AREAS[squares].sum(), abs=1e-9)


@given(values=maps_of(dims=(2, 2)), level=st.floats(0.01, 0.99))
def test_crossings_are_the_outlines_without_the_frame(values, level):
    def steps(lines):
        return sum(len(line) - 1 for line in lines)

    def along(ring):
        edge = ((ring == 0) | (ring == 1)).any(1)
        return int((edge[:-1] & edge[1:]).sum())

    rings, lines = outlines(values, level), crossings(values, level)
    assert steps(lines) == steps(rings) - sum(map(along, rings))
    assert not any(map(along, lines))


@given(
    labels=arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 2)),
    least=st.integers(1, 9),
)
def test_labels_without_specks_have_their_large_parts_and_no_small_holes(labels, least):
    kept = without_specks(labels, least)
    large = np.zeros_like(labels)
    for label in (1, 2):
        count, parts, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8), connectivity=8)
        for part in range(1, count):
            if stats[part, cv2.CC_STAT_AREA] >= least:
                large[parts == part] = label
    np.testing.assert_array_equal(kept[large > 0], large[large > 0])
    count, holes, stats, _ = cv2.connectedComponentsWithStats((large == 0).astype(np.uint8), connectivity=4)
    for hole in range(1, count):
        touching = cv2.dilate((holes == hole).astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) > 0
        around = large[touching & (large > 0)]
        wanted = around.min(initial=2) if stats[hole, cv2.CC_STAT_AREA] < least and around.size else 0
        assert (kept[holes == hole] == wanted).all()
    np.testing.assert_array_equal(without_specks(kept, least), kept)


def test_cells_that_touch_at_a_corner_have_one_outline():
    assert len(outlines(np.eye(2), 0.5)) == 1


@given(pair=st.integers(0, 2**31).map(lambda seed: (noise(seed, 5, 7), noise(seed + 1, 5, 7))), raw=st.booleans())
def test_the_difference_changes_its_sign_with_the_order(pair, raw):
    first, second = pair
    one = difference(first, second, raw=raw)
    np.testing.assert_allclose(one, -difference(second, first, raw=raw))
    assert not difference(first, first, raw=raw).any()
    if not raw:
        assert np.abs(one).max() <= 1
        np.testing.assert_allclose(difference(3 * first, second, raw=False), one, atol=1e-6)  # a share has no unit


@given(values=maps_of(), levels=st.lists(st.floats(0, 1), max_size=9, unique=True).map(sorted))
def test_the_levels_passed_are_counted_by_the_rule_of_one_threshold(values, levels):
    wanted = sum((above_threshold(values, level).astype(int) for level in levels), np.zeros(values.shape, int))
    np.testing.assert_array_equal(levels_passed(values, np.array(levels)), wanted)


@given(levels=st.lists(st.floats(-0.5, 1.5), max_size=5))
def test_the_thresholds_of_a_sweep_are_increasing_shares(levels):
    right = bool(levels) and all(0 <= level < 1 for level in levels) and levels == sorted(set(levels))
    if right:
        np.testing.assert_array_equal(checked_levels(levels), levels)
    else:
        with pytest.raises(InvalidSetting, match="increasing"):
            checked_levels(levels)


@given(flags=st.lists(st.booleans(), max_size=6))
def test_the_trained_parameters_are_those_with_a_gradient(flags):
    layers = torch.nn.ModuleList(torch.nn.Linear(1, 1, bias=False).requires_grad_(flag) for flag in flags)
    assert [name for name, _ in trained(layers)] == [f"{at}.weight" for at, flag in enumerate(flags) if flag]


@given(seed=SEED, points=st.integers(0, 12))
def test_every_iou_is_the_one_division(seed, points):
    one, other = np.random.default_rng(seed).random((2, 1, points)) < 0.5
    both, either = int((one & other).sum()), int((one | other).sum())
    wanted = both / either if either else 0.0
    assert intersection_over_union(both, int(one.sum()), int(other.sum())) == ratio(both, either) == wanted
    assert overlap(one, other).iou == wanted
    for empty, found in (
        (math.nan, iou(confusion_matrix(other.astype(int), one.astype(int), 2))[1]),
        (0.0, pairwise_iou([[0, 0, one.sum(), 1]], [[one.sum() - both, 0, either, 1]], "continuous")[0, 0]),
    ):
        np.testing.assert_allclose(found, wanted if either else empty)
    assert ratio(both, 0, empty=7.0) == 7


@given(
    rows=arrays(
        np.float64, st.tuples(st.integers(0, 4), st.integers(3, 5)), elements=st.floats(-2, 2) | st.just(np.nan)
    )
)
def test_rows_are_boxes_or_an_error_of_ours(rows):
    if rows.size and (rows.shape[1] != 4 or not (rows[:, 2:] >= rows[:, :2]).all()):  # NaN fails too
        with pytest.raises(InvalidSetting):
            checked_boxes(rows)
    else:
        np.testing.assert_array_equal(checked_boxes(rows), rows.reshape(-1, 4))


@given(grey=arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=6)), threshold=st.floats(-1, 2))
def test_the_level_of_a_box_is_below_the_brightest_pixel(grey, threshold):
    if not 0 <= threshold < 1:
        with pytest.raises(InvalidSetting):
            level_of(threshold, grey)
        return
    level = level_of(threshold, grey)
    assert 0 <= level <= int(grey.max()) and (level < int(grey.max()) or not grey.any())


@given(values=maps_of(FINITE, dims=(2, 2)), top=st.floats(0, 1e3))
def test_signed_colours_are_bytes_and_nothing_is_the_middle(values, top):
    found = signed_colour(values, top)
    assert found.shape == (*values.shape, 3) and found.dtype == np.uint8
    nothing = signed_colour(np.zeros((1, 1)), 1.0)
    assert np.array_equal(signed_colour(np.full((1, 1), np.nan), 1.0), nothing)
    assert np.array_equal(signed_colour(values, 0.0), np.broadcast_to(nothing, found.shape))


@given(values=maps_of(FINITE, dims=(2, 2)), top=st.floats(0, 1e3), signed=st.booleans())
def test_a_map_fades_towards_zero(values, top, signed):
    alpha = fade_alpha(values, top, signed=signed)
    assert alpha.shape == values.shape and alpha.min() >= 0 and alpha.max() <= 1
    order = np.argsort(np.abs(values) if signed else values, axis=None)
    assert (np.diff(alpha.ravel()[order]) >= -0.01).all()  # one of the 256 colours, which are not even about 0
    assert not fade_alpha(np.zeros((1, 1)), top, signed=False).any()


# Maps and losses


@given(maps=maps_of(FINITE, dims=(4, 4), most=4), shift=st.floats(-5, 5))
def test_scores_are_means_and_follow_a_shift(maps, shift):
    scores = class_scores(torch.from_numpy(maps))
    assert scores.shape == maps.shape[:2]
    moved = class_scores(torch.from_numpy(maps + np.float32(shift)))
    torch.testing.assert_close(moved, scores + shift, atol=1e-2, rtol=1e-4)
    assert (scores <= torch.from_numpy(maps).amax((-2, -1)) + 1e-2).all()


@given(seed=SEED, batch=st.integers(1, 3), classes=st.integers(2, 5), single=st.booleans(), lambda_cam=st.floats(0, 2))
def test_losses_are_not_negative_and_add_up(seed, batch, classes, single, lambda_cam):
    generator = torch.Generator().manual_seed(seed)
    one, other = (torch.randn(batch, classes, side, side + 1, generator=generator) for side in (3, 5))
    labels = torch.nn.functional.one_hot(torch.randint(classes, (batch,), generator=generator), classes).float()
    both = dual_loss(DualMaps(one, other), labels, lambda_cam, 8, single_label=single)
    alone = [classification_loss(maps, labels, single_label=single) for maps in (one, other)]
    assert all(0 <= float(term) < math.inf for term in (both.total, *alone))
    wanted = alone[0] + alone[1] + lambda_cam * cam_consistency_loss(one, other, (8, 8))
    torch.testing.assert_close(both.total, wanted)
    assert float(cam_consistency_loss(one, one, (8, 8))) == 0
    torch.testing.assert_close(cam_consistency_loss(one, other, (8, 8)), cam_consistency_loss(other, one, (8, 8)))
    order = torch.randperm(batch, generator=generator)
    torch.testing.assert_close(alone[0], classification_loss(one[order], labels[order], single_label=single))


@given(steps=st.integers(1, 200), warmup=st.integers(0, 50), power=st.floats(0, 3))
def test_rates_rise_while_they_warm_up_then_fall_and_stay_above_nothing(steps, warmup, power):
    rates = [poly(step, steps, power=power, warmup=warmup) for step in range(steps + 3)]
    assert all(0 < rate <= 1 for rate in rates)
    after = rates[warmup:]
    assert after == sorted(after, reverse=True)
    assert rates[steps:] == [rates[steps - 1]] * 3


@given(
    words=st.lists(st.sampled_from(["blocks", "norm1", "head", "pos_embed", "weight", "bias"]), min_size=1, max_size=4),
    shape=array_shapes(min_dims=1, max_dims=4, max_side=2),
)
def test_weight_decay_is_for_weights_of_layers(words, shape):
    parameter = torch.nn.Parameter(torch.zeros(shape))
    assert decays(".".join(words), parameter) == (len(shape) > 1 and words[-1] != "pos_embed")


@given(seed=SEED, tiles=st.integers(1, 3), tokens=st.integers(1, 7), blocks=st.integers(1, 4))
def test_rollout_stays_a_share(seed, tiles, tokens, blocks):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.eye(tokens).expand(tiles, -1, -1)
    for _ in range(blocks):
        matrix = roll(matrix, torch.randn(tiles, tokens, tokens, generator=generator).softmax(-1))
    assert (matrix >= 0).all()
    torch.testing.assert_close(matrix.sum(-1), torch.ones(tiles, tokens))  # rows pass on as much as they get
    torch.testing.assert_close(roll(matrix, torch.eye(tokens).expand(tiles, -1, -1)), matrix)


def made_trace(seed: int, scale: float = 1.0) -> Prediction:
    """A transformer and a CNN of two classes over one 32-pixel tile."""
    grid = TileGrid(32, 32, 32, 8, "overlap")
    cells = grid.tile_cells
    token = VitOutputs(
        cams=scale * (noise(seed, 2, len(grid), 2, cells, cells) - 0.5),
        cls_attn=noise(seed + 1, 1, 3, len(grid), cells**2),
        similarity=np.ones(2, np.float32),
        residual=np.ones(1, np.float32),
        scores=noise(seed + 2, 2, 2),
    )
    conv = CnnOutputs(scale * (noise(seed + 3, 2, 2, 2) - 0.5), noise(seed + 4, 2))
    return Prediction((32, 32), grid, ("a", "b"), {"crt": token, "crt_cnn": conv})


@given(seed=st.integers(0, 10**6), scale=st.floats(0.1, 50), key=st.integers(0, 1), loops=st.integers(0, 1))
def test_agreement_has_the_unit_of_the_maps_and_correlation_has_none(seed, scale, key, loops):
    prediction, larger = made_trace(seed), made_trace(seed, scale)
    distance = branch_distance(prediction)
    assert distance.shape == (2,) and (distance >= 0).all()
    np.testing.assert_allclose(branch_distance(larger), scale * distance, rtol=1e-3)
    found = map_correlation(prediction, "crt", "crt_cnn", key, loops=loops)
    assert -1 - 1e-6 <= found <= 1 + 1e-6
    assert found == pytest.approx(map_correlation(prediction, "crt_cnn", "crt", key, loops=loops))
    assert found == pytest.approx(map_correlation(larger, "crt", "crt_cnn", key, loops=loops), abs=1e-4)
    assert map_correlation(prediction, "crt", "crt", key, loops=loops) == pytest.approx(1)
    with pytest.raises(InvalidSetting):
        branch_distance(prediction, "crt_cnn", "crt")


# Measures


@given(seed=SEED, classes=st.integers(1, 6), height=SIDE, width=SIDE)
def test_confusion_counts_every_pixel_once_and_measures_lie_between_0_and_1(seed, classes, height, width):
    rng = np.random.default_rng(seed)
    truth = rng.choice([*range(classes), 255], (height, width)).astype(np.uint8)
    found = rng.choice([*range(classes), 255], (height, width)).astype(np.uint8)
    confusion = confusion_matrix(truth, found, classes)
    assert confusion.sum() == (truth != 255).sum() and (confusion >= 0).all()
    np.testing.assert_array_equal(confusion.sum(1), np.bincount(truth[truth != 255], minlength=classes))
    values = iou(confusion)
    assert ((values >= 0) & (values <= 1) | np.isnan(values)).all()
    if confusion.sum():
        assert 0 <= mean_iou(confusion) <= mean_iou(confusion, present_only=True) <= 1
        assert 0 <= pixel_accuracy(confusion) <= 1
        right = confusion_matrix(truth, truth, classes)
        assert mean_iou(right) == pixel_accuracy(right) == 1
    turned = confusion_matrix(truth[::-1, ::-1], found[::-1, ::-1], classes)
    np.testing.assert_array_equal(turned, confusion)


@given(wrong=st.integers(-400, 400).filter(lambda label: not 0 <= label < 3 and label != 255), truth=st.booleans())
def test_a_label_that_is_no_class_is_refused(wrong, truth):
    good, bad = np.ones((2, 2), np.int64), np.full((2, 2), wrong, np.int64)
    with pytest.raises(InvalidDataset, match=str(wrong)):
        confusion_matrix(bad if truth else good, good if truth else bad, 3)
    with pytest.raises(InvalidDataset):
        confusion_matrix(good, good[:1], 3)


@given(seed=SEED, classes=st.integers(1, 4), cut=st.lists(UNIT, min_size=1, max_size=5, unique=True))
def test_a_sweep_counts_what_each_threshold_would(seed, classes, cut):
    rng = np.random.default_rng(seed)
    seeds = noise(seed, classes, 6, 7)
    truth = rng.choice([*range(classes + 1), 255], (6, 7)).astype(np.uint8)
    thresholds = np.sort(np.asarray(cut, np.float64))
    sweep = ThresholdSweep(thresholds, classes + 1)
    sweep.add(truth, seeds, np.arange(classes))
    for threshold, confusion in zip(thresholds, sweep.confusions(), strict=True):
        labels = cam_to_labels(seeds, range(classes), float(np.float32(threshold)))
        np.testing.assert_array_equal(confusion, confusion_matrix(truth, labels, classes + 1))


@given(seed=SEED, images=st.integers(1, 12), classes=st.integers(1, 4))
def test_average_precision_follows_the_order_alone_and_is_whole_where_it_is_right(seed, images, classes):
    rng = np.random.default_rng(seed)
    targets, scores = rng.random((images, classes)) < 0.4, rng.normal(size=(images, classes))
    found = mean_average_precision(targets, scores)
    if not targets.any():
        assert math.isnan(found)
        return
    assert 0 < found <= 1
    assert found == pytest.approx(mean_average_precision(targets, np.exp(scores)))
    assert mean_average_precision(targets, targets + 0.0) == pytest.approx(1)


NAMES = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=6, unique=True)


@given(classes=NAMES, chosen=st.lists(st.integers(0, 9), max_size=6), other=st.text(max_size=4))
def test_rows_to_measure_are_those_of_the_names(classes, chosen, other):
    assert measured_rows(classes, None) == list(range(len(classes) + 1))
    names = [classes[index % len(classes)] for index in chosen]
    if names:
        assert [classes[row - 1] for row in measured_rows(classes, names)[1:]] == list(dict.fromkeys(names))
    else:
        with pytest.raises(InvalidSetting, match="empty"):
            measured_rows(classes, names)
    if other not in classes:
        with pytest.raises(InvalidSetting, match="unknown"):
            measured_rows(classes, [*names, other])


# Images changed where a map says


@given(cam=maps_of(st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0]), dims=(2, 2)), seed=SEED)
def test_ranks_are_an_order_that_follows_the_map(cam, seed):
    rank = ranks(cam, seed)
    np.testing.assert_array_equal(np.sort(rank.ravel()), np.arange(cam.size))
    assert (np.diff(cam.ravel()[np.argsort(rank.ravel())]) <= 0).all()
    np.testing.assert_array_equal(rank, ranks(cam, seed))


@given(cam=maps_of(FINITE, dims=(2, 2)))
def test_what_a_map_shows_is_a_share_and_has_no_unit(cam):
    found = shown(cam)
    assert found.min() >= 0 and found.max() in (0, 1)
    np.testing.assert_allclose(shown(np.float32(2) * cam), found, rtol=1e-5)


@given(height=SIDE, width=SIDE, seed=SEED, shares=st.lists(UNIT, min_size=1, max_size=4))
def test_mixing_takes_the_pixels_that_rank_first(height, width, seed, shares):
    start, end = torch.zeros(3, height, width), torch.ones(3, height, width)
    rank = ranks(noise(seed, height, width), seed)
    for share, image in zip(shares, mixed(start, end, rank, np.asarray(shares)), strict=True):
        assert int(image[0].sum()) == round(np.float64(share) * rank.size)
        assert (image[:, torch.from_numpy(rank >= round(share * rank.size))] == 0).all()
    (whole,) = mixed(start, end, rank, np.ones(1))
    assert torch.equal(whole, end)


@given(examples=20, seed=SEED, share=st.sampled_from([0.1, 0.3, 0.5]))
def test_imputed_images_keep_what_is_not_taken_away(seed, share):
    image, rank = torch.from_numpy(noise(seed, 3, 8, 9)), ranks(noise(seed + 1, 8, 9), seed)
    most, least = imputed(image, rank, [share], noise=0.01, seed=3)
    again, _ = imputed(image, rank, [share], noise=0.01, seed=3)
    assert torch.equal(most, again) and torch.isfinite(most).all() and most.shape == least.shape == image.shape
    kept = torch.from_numpy(rank >= math.ceil(share * rank.size) + 1)
    torch.testing.assert_close(most[:, kept], image[:, kept])
    kept = torch.from_numpy(rank < (1 - share) * rank.size - 2)
    torch.testing.assert_close(least[:, kept], image[:, kept])


@given(seed=SEED, side=st.sampled_from([1, 3, 7]), height=st.integers(4, 12), width=st.integers(4, 12))
def test_a_blurred_image_stays_in_range(seed, side, height, width):
    image = torch.from_numpy(noise(seed, 3, height, width))
    found = blurred(image, (side, 2.0))
    assert found.shape == image.shape
    assert image.min() - 1e-6 <= found.min() and found.max() <= image.max() + 1e-6
    flat = torch.full((3, height, width), 0.25)
    torch.testing.assert_close(blurred(flat, (side, 2.0)), flat)


@given(
    cam=arrays(np.float32, array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=4), elements=st.floats(width=32)),
    height=SIDE,
    width=SIDE,
)
@example(cam=np.zeros((0, 3), np.float32), height=2, width=2)
def test_a_map_is_fitted_or_refused(cam, height, width):
    if cam.ndim != 2 or not cam.size or not np.isfinite(cam).all():
        with pytest.raises(InvalidSetting):
            fitted(cam, (height, width))
        return
    found = fitted(cam, (height, width))
    assert found.shape == (height, width) and found.dtype == np.float32 and found.flags.c_contiguous
    np.testing.assert_array_equal(fitted(found, (height, width)), found)


@given(at=arrays(np.float64, SIDE, elements=st.floats(-20, 20)), cells=SIDE)
def test_what_cells_give_to_a_pixel_sums_to_one_and_is_nearest_beyond_the_ends(at, cells):
    weights = bilinear_weights(at, cells)
    assert weights.shape == (len(at), cells) and weights.dtype == np.float32 and weights.min() >= 0
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(weights @ np.arange(cells), np.clip(at, 0, cells - 1), atol=1e-5)
    np.testing.assert_array_equal(bilinear_weights(np.arange(cells), cells), np.eye(cells))


@given(examples=20, count=st.integers(0, 3), height=SIDE, width=SIDE)
def test_a_batch_is_taken_apart_and_one_image_is_none(count, height, width):
    batch = np.zeros((count, height, width, 3), np.uint8)
    for several in (batch, torch.from_numpy(batch).permute(0, 3, 1, 2), list(batch), tuple(batch)):
        parts = split_batch(several)
        assert parts is not None and len(parts) == count
        assert all(split_batch(one) is None for one in parts)


@given(
    examples=40,
    masks=st.lists(arrays(np.uint8, (2, 3), elements=st.sampled_from([0, 0, 1, 7, 254, 255])), min_size=1, max_size=3),
)
def test_masks_without_a_class_are_refused_where_all_that_they_hold_is_to_be_ignored(masks):
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{i}.png" for i in range(len(masks))]
        for file, mask in zip(files, masks, strict=True):
            save_labels(file, mask)
        images = ImageDataset(("a",), tuple(Sample(file.stem, file, (0,), file) for file in files))
        values = np.unique(np.stack(masks))
        if set(values) <= {0, 255} and 255 in values:
            with pytest.raises(InvalidDataset, match="write 1 for the first class"):
                require_class_values(images)
        else:
            require_class_values(images)


# No public function is left out

ROOMS = (
    *("analysis.consistency", "analysis.rollout", "analysis.token_attention", "data.images", "data.resizing"),
    *("evaluation.cams", "evaluation.pointing", "evaluation.pointing_cams", "evaluation.stored"),
    *(
        "evaluation.wsol",
        "evaluation.wsol_samples",
        "metrics.boxes",
        "metrics.cam_boxes",
        "metrics.centre_crop",
        "metrics.classification",
        "metrics.faithfulness",
        "metrics.scored_class",
        "metrics.iou",
    ),
    *(
        "metrics.localization",
        "metrics.perturb",
        "metrics.pixels",
        "metrics.segmentation",
        "models.cam_head",
        "models.loop",
    ),
    *("models.outputs", "models.tiles", "multiscale", "postprocess", "pseudo_labels.affinity"),
    *("pseudo_labels.confident", "pseudo_labels.crf", "pseudo_labels.label_png", "pseudo_labels.paths"),
    *("pseudo_labels.random_walk", "refine", "resample", "train.losses", "train.optim", "viz.colours"),
    *("threshold", "viz.contours"),
)
EXCEPTIONS = {
    "analysis.rollout.inspect_layers": "runs a network: its parts are tested here, else crt/analysis/test_rollout.py",
    "analysis.token_attention.inspect_token": "runs a network: its parts have properties, else test_token_attention.py",
    "multiscale.default_specs": "reads a checkpoint: crt/test_predictor.py and scripts/test_make_cams.py",
    "multiscale.multi_scale_maps": "runs networks: scripts/test_make_cams.py against maps one by one",
    "pseudo_labels.crf.require_dense_crf": "has no arrays: crt/pseudo_labels/test_crf.py without the package",
    "metrics.scored_class.scored_class": "runs a network: crt/metrics/test_faithfulness.py",
    "evaluation.cams.evaluate_seeds": "runs networks over a data set: crt/metrics/test_segmentation.py",
    "evaluation.stored.measure_seeds": "reads a folder of a data set: scripts/test_run_pipeline.py",
    "evaluation.stored.measure_masks": "reads a folder of a data set: scripts/test_run_pipeline.py",
    "evaluation.stored.truth_of": "reads a file of a data set: scripts/test_run_pipeline.py",
    "evaluation.wsol.choose_thresholds": "runs networks over a data set: crt/evaluation/test_wsol.py",
    "evaluation.wsol.box_accuracies": "runs networks over a data set: crt/evaluation/test_wsol.py",
    "evaluation.wsol.evaluate_wsol": "runs networks over a data set: crt/evaluation/test_wsol.py",
    "evaluation.wsol_samples.run_samples": "runs networks over a data set: crt/evaluation/test_wsol.py",
    "evaluation.wsol_samples.truth_mask": "reads a file of a data set: crt/evaluation/test_wsol.py",
    "evaluation.pointing_cams.pointing_rows": "reads a checkpoint: crt/evaluation/test_pointing.py",
    "evaluation.pointing_cams.evaluate_pointing": "runs networks over data: crt/evaluation/test_pointing.py",
    "evaluation.pointing_cams.evaluate_classification": "runs networks over data: crt/evaluation/test_pointing.py",
    "train.optim.build_optimizer": "makes torch's optimizers: crt/train/test_trainer.py",
}


def public(room: str) -> list[str]:
    """Names of the public functions that a module itself defines."""
    module = importlib.import_module(f"crt.{room}")
    found = [name for name, value in vars(module).items() if inspect.isfunction(value)]
    return [name for name in found if not name.startswith("_") and getattr(module, name).__module__ == module.__name__]


def used_by(source: str) -> set[str]:
    """Names that a test file uses, if one of its tests is about all inputs; what it only imports does not count."""
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    if not any("given(" in ast.unparse(mark) for call in calls for mark in call.decorator_list):
        return set()
    nodes = list(ast.walk(tree))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


def test_every_public_function_has_a_property():
    known = set().union(
        *(used_by(path.read_text(encoding="utf-8")) for path in Path(__file__).parents[1].rglob("*.py"))
    )
    missing = {f"{room}.{name}" for room in ROOMS for name in public(room) if name not in known}
    assert missing - set(EXCEPTIONS) == set()
    everything = {f"{room}.{name}" for room in ROOMS for name in public(room)}
    assert set(EXCEPTIONS) <= everything
    assert len(everything) > 60


def test_what_is_only_imported_is_no_property():
    assert used_by("from a import f\n@given(x=1)\ndef test_a(x):\n    g(x)") >= {"g", "x"}
    assert "f" not in used_by("from a import f\n@given(x=1)\ndef test_a(x):\n    g(x)")
    assert used_by("from a import f\ndef test_a():\n    f()") == set()
