import threading
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_grad_cam.metrics.cam_mult_image import CamMultImageConfidenceChange
from pytorch_grad_cam.metrics.perturbation_confidence import PerturbationConfidenceMetric, RemoveMostRelevantFirst
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADLeastRelevantFirst

from crt.checkpoint import METHODS, Method, load_checkpoint
from crt.errors import InvalidSetting
from crt.metrics import faithfulness, perturb
from crt.metrics.faithfulness import MEASURES, FaithfulnessConfig, Stopped, measure
from crt.metrics.faithfulness_results import Curve
from crt.metrics.scored_class import ScoredClass, scored_class
from crt.models.tiles import MODES
from crt.postprocess import class_probabilities
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint
from tests.helpers.until import until

SETTINGS = InferenceConfig(size=96, loops=2)
FAST = FaithfulnessConfig(steps=3, removed=(0.3, 0.7))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def predictor(checkpoint):
    return Predictor(checkpoint)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (72, 100, 3), dtype=np.uint8)


def linear(seed=0, side=16):
    """A network that adds up weighted pixels, an image, and what each pixel contributes: the true importance."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn(1, 3, side, side, generator=generator)
    weights = torch.randn(3, side, side, generator=generator) / side

    def score(images):
        return torch.sigmoid((images * weights).sum((1, 2, 3))).double().numpy()

    return ScoredClass(pixels, score, batch=4), weights


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "deconvolution"])
def test_logits_are_those_of_the_prediction(checkpoint, image, method, mode):
    settings = replace(SETTINGS, mode=mode)
    for tile_batch in (1, 3, 1000):
        predictor = Predictor(checkpoint, tile_batch=tile_batch)
        prediction = predictor.predict(image, settings)
        scored = scored_class(predictor, image, settings, method=method, index=0)
        images = torch.cat([scored.pixels, scored.pixels.flip(-1)])
        for loops in range(3 if method == "crt" else 1):
            found = predictor.class_logits(images, method, loops, prediction.grid).numpy()
            np.testing.assert_allclose(found[0], prediction.scores(method, loops), rtol=1e-4, atol=1e-5)
            assert np.abs(found[0] - found[1]).max() > 1e-3  # each image has logits of its own


def test_no_more_tiles_than_the_batch_go_through_at_once(checkpoint, image, monkeypatch):
    network, seen = checkpoint.networks["crt"], []
    embed = network.embed
    monkeypatch.setattr(network, "embed", lambda tiles: (seen.append(len(tiles)), embed(tiles))[1])
    predictor = Predictor(checkpoint, tile_batch=5)
    grid = predictor.grid(72, 100, InferenceConfig(size=256))
    predictor.class_logits(torch.zeros(2, 3, grid.height, grid.width), "crt", 1, grid)
    assert max(seen) == 4  # two tiles of two images
    assert sum(seen) == 2 * len(grid)


@pytest.mark.parametrize("single_label", [False, True])
def test_the_score_is_the_network_s_probability(tmp_path, image, single_label):
    predictor = Predictor(load_checkpoint(tiny_checkpoint(tmp_path, single_label=single_label)))
    prediction = predictor.predict(image, SETTINGS)
    for method in METHODS:
        want = class_probabilities(prediction.scores(method, prediction.clamp(method, 2)), single_label=single_label)
        for index in range(3):
            scored = scored_class(predictor, image, SETTINGS, method=method, index=index, loops=2)
            assert tuple(scored.pixels.shape) == (1, 3, prediction.grid.height, prediction.grid.width)
            assert scored.score(scored.pixels)[0] == pytest.approx(want[index], abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_ends_of_the_curves_and_shapes_on_every_network(predictor, image, method):
    scored = scored_class(predictor, image, SETTINGS, method=method, index=1, loops=2)
    cam = predictor.predict(image, SETTINGS).cams(method, classes=[1])[0]
    found = measure(scored, cam, FAST)
    deletion, insertion, road = present(found.deletion), present(found.insertion), present(found.road)
    (whole,) = scored.score(scored.pixels)
    (grey,) = scored.score(torch.zeros_like(scored.pixels))
    assert found.probability == pytest.approx(whole)
    assert deletion.probability[0] == insertion.probability[-1] == found.probability
    assert deletion.probability[-1] == pytest.approx(grey)
    np.testing.assert_allclose(deletion.share, [0, 1 / 3, 2 / 3, 1])
    (blurred,) = scored.score(perturb.blurred(scored.pixels[0], FAST.blur)[None])
    assert insertion.probability[0] == pytest.approx(blurred)
    np.testing.assert_allclose(road.removed, [0.3, 0.7])
    assert road.most.shape == road.least.shape == (2,)
    for values in (deletion.probability, insertion.probability, road.most, road.least):
        assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize("value", [1.0, 0.25, 7.0])
def test_a_map_that_covers_everything_has_no_drop(predictor, image, value):
    scored = scored_class(predictor, image, SETTINGS, method="resnet", index=0)
    found = present(measure(scored, np.full((5, 7), value), FaithfulnessConfig(("confidence",))).confidence)
    assert found.kept == pytest.approx(scored.score(scored.pixels)[0], rel=1e-6)
    assert found.drop == pytest.approx(0, abs=1e-6)


def test_confidence_by_hand():
    scores = iter([0.8, 0.2, 0.2, 0.8, 0.0, 0.0])
    scored = ScoredClass(torch.ones(1, 3, 2, 2), lambda images: np.array([next(scores) for _ in images]))
    config = FaithfulnessConfig(("confidence",))
    first, second, third = (present(measure(scored, np.eye(2), config).confidence) for _ in range(3))
    assert (first.kept, first.drop, first.increase) == (0.2, pytest.approx(0.75), False)
    assert (second.kept, second.drop, second.increase) == (0.8, 0, True)
    assert (third.kept, third.drop, third.increase) == (0, 0, False)


def test_the_image_is_shown_where_the_map_is():
    seen = []
    scored = ScoredClass(torch.full((1, 3, 2, 2), 5.0), lambda images: (seen.extend(images), np.zeros(len(images)))[1])
    measure(scored, np.array([[4, 2], [0, -1]]), FaithfulnessConfig(("confidence",)))
    np.testing.assert_allclose(seen[1], np.broadcast_to([[5, 2.5], [0, 0]], (3, 2, 2)))
    measure(scored, np.zeros((2, 2)), FaithfulnessConfig(("confidence",)))
    np.testing.assert_array_equal(seen[3], 0)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 50))
def test_deletion_in_the_order_of_the_truth_beats_any_other(seed):
    scored, weights = linear(seed)
    config = FaithfulnessConfig(("deletion",), steps=8)
    truth = (scored.pixels[0] * weights).sum(0).numpy()
    best = present(measure(scored, truth, config).deletion)
    worst = present(measure(scored, -truth, config).deletion)
    chance = present(measure(scored, np.ones((4, 4)), replace(config, seed=seed)).deletion)
    assert (best.probability <= chance.probability + 1e-6).all()
    assert (chance.probability <= worst.probability + 1e-6).all()
    assert best.auc < chance.auc < worst.auc


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 50))
def test_insertion_in_the_order_of_the_truth_beats_any_other(seed):
    scored, weights = linear(seed)
    config = FaithfulnessConfig(("insertion",), steps=8)
    gain = ((scored.pixels[0] - perturb.blurred(scored.pixels[0], config.blur)) * weights).sum(0).numpy()
    cams = (gain, np.ones((16, 16)), -gain)
    best, chance, worst = (present(measure(scored, cam, config).insertion) for cam in cams)
    assert (best.probability >= chance.probability - 1e-6).all()
    assert (chance.probability >= worst.probability - 1e-6).all()
    assert best.auc > chance.auc > worst.auc


def test_road_separates_a_right_map_from_a_wrong_one():
    """The score depends on a bright square alone, whose neighbours have no trace of it once it is gone."""
    pixels = torch.zeros(1, 3, 24, 24)
    pixels[:, :, 8:16, 8:16] = 3
    scored = ScoredClass(pixels, lambda images: torch.sigmoid(images[:, :, 8:16, 8:16].mean((1, 2, 3)) - 1).numpy())
    rows, cols = np.mgrid[:24, :24] - 11.5
    near = np.exp(-(rows**2 + cols**2) / 50)
    config = FaithfulnessConfig(("road",), removed=(0.15, 0.4, 0.6))
    right, wrong = (present(measure(scored, cam, config).road) for cam in (near, -near))
    assert right.combined > 0.1
    assert wrong.combined == pytest.approx(-right.combined, abs=1e-3)  # what is most to one is least to the other
    np.testing.assert_allclose(wrong.most, right.least, atol=1e-3)
    assert (right.least > 0.8).all() and (right.most < 0.4).all()
    assert config.runs == 7


class Probability(torch.nn.Module):
    """A class's probability as the library wants it."""

    def __init__(self, scored):
        super().__init__()
        self.scored = scored

    def forward(self, images):
        return torch.from_numpy(self.scored.score(images))[:, None]


def test_confidence_and_road_are_the_library_s(predictor, image):
    scored = scored_class(predictor, image, SETTINGS, method="resnet", index=2)
    height, width = scored.pixels.shape[-2:]
    cam = np.random.default_rng(1).permutation(height * width).reshape(height, width).astype(np.float32)
    cam /= cam.max()
    target = [lambda output: output[0]]
    found = measure(scored, cam, FaithfulnessConfig(("confidence", "road"), removed=(0.2, 0.6), noise=0))
    confidence, road = present(found.confidence), present(found.road)
    change = np.asarray(CamMultImageConfidenceChange()(scored.pixels, cam[None], target, Probability(scored)))
    assert confidence.kept - found.probability == pytest.approx(change[0], abs=1e-6)
    for i, share in enumerate((0.2, 0.6)):
        percentile = round(100 * (1 - share))
        most = PerturbationConfidenceMetric(RemoveMostRelevantFirst(percentile, NoisyLinearImputer(noise=0)))
        least = ROADLeastRelevantFirst(percentile)
        least.perturbation.imputer.noise = 0
        for metric, mine in ((most, road.most), (least, road.least)):
            want = np.asarray(metric(scored.pixels, cam[None], target, Probability(scored)))
            assert mine[i] - found.probability == pytest.approx(want[0], abs=1e-5)


def test_a_map_of_zeros_with_one_peak_removes_no_more_than_requested():
    """Most maps are zero in most places: plain percentiles would remove them all."""
    seen = []
    scored = ScoredClass(torch.ones(1, 3, 16, 16), lambda images: (seen.extend(images), np.zeros(len(images)))[1])
    cam = np.zeros((16, 16))
    cam[3, 4] = 1
    measure(scored, cam, FaithfulnessConfig(("deletion", "road"), steps=4, removed=(0.25,)))
    assert [int((image[0] == 0).sum()) for image in seen[1:5]] == [64, 128, 192, 256]
    assert all(image[0, 3, 4] == 0 for image in seen[1:5])
    for image, spot_goes in zip(seen[5:], (True, False), strict=True):
        changed = image[0] != 1
        assert abs(int(changed.sum()) - 64) <= 1
        assert bool(changed[3, 4]) == spot_goes
        assert torch.isfinite(image).all()


def test_equal_values_go_in_an_order_drawn_by_lot():
    ranks = [perturb.ranks(np.zeros((8, 8), np.float32), seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(ranks[0], ranks[1])
    assert (ranks[0] != ranks[2]).any()
    assert sorted(ranks[0].ravel()) == list(range(64))
    assert not (np.diff(ranks[0].ravel()) > 0).all()


def test_the_same_seed_gives_the_same_result():
    scored, weights = linear()
    runs = [present(measure(scored, weights[0].numpy(), replace(FAST, seed=seed)).road) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0].most, runs[1].most)
    assert (runs[0].most != runs[2].most).all()


def test_area_under_a_curve():
    assert Curve(np.array([0, 0.5, 1]), np.array([1, 0.5, 0])).auc == pytest.approx(0.5)
    assert Curve(np.array([0, 0.5, 1]), np.array([1.0, 0, 0])).auc == pytest.approx(0.25)
    assert Curve(np.linspace(0, 1, 6), np.ones(6)).auc == pytest.approx(1)


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_measures_that_are_not_requested_do_not_run(batch):
    scored, weights = linear()
    sizes = []
    counted = replace(scored, batch=batch, score=lambda images: (sizes.append(len(images)), scored.score(images))[1])
    for name in MEASURES:
        sizes.clear()
        config = replace(FAST, measures=(name,))
        found = measure(counted, weights[0].numpy(), config)
        assert [other for other in MEASURES if getattr(found, other) is not None] == [name]
        assert sum(sizes) == config.runs
        assert max(sizes) <= batch


def test_progress_rises_to_one_and_names_the_measure():
    scored, weights = linear()
    seen = []
    measure(scored, weights[0].numpy(), FAST, progress=lambda fraction, name: seen.append((fraction, name)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert seen[0] == (0, "image") and seen[-1] == (1, "done")
    assert list(dict.fromkeys(name for _, name in seen)) == ["image", *MEASURES, "done"]


@pytest.mark.parametrize("runs", [0, 1, 4, 7])
def test_it_stops_before_a_run(runs):
    scored, weights = linear()
    calls = []
    one = replace(scored, batch=1, score=lambda images: (calls.append(1), scored.score(images))[1])
    with pytest.raises(Stopped, match="start it again"):
        measure(one, weights[0].numpy(), FAST, should_stop=lambda: len(calls) >= runs)
    assert len(calls) == runs


def test_another_user_who_comes_during_a_run_is_served_after_that_run(predictor, image, monkeypatch):
    scored = scored_class(predictor, image, SETTINGS, method="crt", index=0, loops=2)
    network, batches, served = predictor.checkpoint.networks["crt"], [], []
    embed = network.embed

    def other():
        with predictor.turn():
            served.append(len(batches))

    thread = threading.Thread(target=other)

    def observed(tiles):
        batches.append(predictor._lock.locked())
        if len(batches) == 3:
            thread.start()
            until(lambda: predictor._lock._waiting)
        return embed(tiles)

    monkeypatch.setattr(network, "embed", observed)
    assert len(predictor.grid(72, 100, SETTINGS)) <= predictor.tile_batch  # so that a run is one call of `embed`
    measure(scored, np.ones((2, 2)), FaithfulnessConfig(("deletion",), steps=20))
    thread.join()
    assert all(batches)
    assert served == [3]


def test_a_series_of_short_turns_holds_another_user_up_by_one(predictor):
    """A plain lock gives the series every one of its turns before the other thread has woken up."""
    served, turns = [], []

    def other():
        with predictor.turn():
            served.append(len(turns))

    thread = threading.Thread(target=other)
    for turn in range(1, 101):
        with predictor.turn():
            turns.append(turn)
            if turn == 3:
                thread.start()
                until(lambda: predictor._lock._waiting)
    thread.join()
    assert served == [3]


def test_a_class_is_taken_by_its_name(predictor, image):
    name = predictor.checkpoint.config.classes[1]
    named, numbered = (scored_class(predictor, image, SETTINGS, method="crt", index=one) for one in (name.upper(), 1))
    np.testing.assert_array_equal(named.score(named.pixels), numbered.score(numbered.pixels))


def test_refusals(predictor, image):
    for index in (3, -1, "unicorn"):
        with pytest.raises(InvalidSetting, match="Unknown class"):
            scored_class(predictor, image, SETTINGS, method="crt", index=index)
    with pytest.raises(InvalidSetting, match="no other network: choose among"):
        scored_class(predictor, image, SETTINGS, method=cast("Method", "other"), index=0)
    grid = predictor.grid(64, 64, InferenceConfig(size=64))
    with pytest.raises(InvalidSetting, match="no other network"):
        predictor.class_logits(torch.zeros(1, 3, 64, 64), "other", 0, grid)
    with pytest.raises(InvalidSetting, match="loop count"):
        predictor.class_logits(torch.zeros(1, 3, 64, 64), "crt", 99, grid)
    with pytest.raises(InvalidSetting, match="This grid"):
        predictor.class_logits(torch.zeros(1, 3, 60, 64), "crt", 0, grid)
    scored, _ = linear()
    for cam in (np.full((4, 4), np.nan), np.ones((1, 4, 4)), np.ones((0, 4))):
        with pytest.raises(InvalidSetting, match="finite"):
            measure(scored, cam, FAST)
    large = replace(scored, pixels=torch.zeros(1, 3, 700, 700))
    with pytest.raises(InvalidSetting, match="672"):
        measure(large, np.ones((4, 4)), FAST)


@pytest.mark.parametrize(
    "bad",
    [
        {"measures": ("other",)},
        {"measures": ()},
        {"steps": 0},
        {"noise": -1.0},
        {"seed": -1},
        {"blur": (10, 5.0)},
        {"blur": (-1, 5.0)},
        {"blur": (11, 0.0)},
        {"removed": ()},
        {"removed": (0.0, 0.5)},
        {"removed": (0.5, 1.0)},
    ],
)
def test_configs_that_cannot_be(bad):
    with pytest.raises(InvalidSetting):
        FaithfulnessConfig(**bad)


def test_the_least_that_a_config_may_have():
    config = FaithfulnessConfig(steps=1, noise=0.0, blur=(1, 0.1), removed=(0.001, 0.999))
    assert config.runs == 1 + 1 + 1 + 1 + 4
    assert FaithfulnessConfig(("deletion", "deletion")).runs == 1 + 20
    assert FaithfulnessConfig().runs == 1 + 1 + 20 + 20 + 2 * 9


def test_an_unknown_measure_is_named_and_none_is_not_enough():
    with pytest.raises(InvalidSetting, match="no measure other: choose among confidence, deletion, insertion, road"):
        FaithfulnessConfig(("road", "other"))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidSetting, match="no measure to take: choose"):
        FaithfulnessConfig(())


def test_road_takes_images_up_to_its_largest(monkeypatch):
    scored, weights = linear(side=16)
    config = FaithfulnessConfig(("road",), removed=(0.5,))
    monkeypatch.setattr(faithfulness, "MAX_ROAD_PIXELS", 16 * 16)
    assert measure(scored, weights[0].numpy(), config).road is not None
    monkeypatch.setattr(faithfulness, "MAX_ROAD_PIXELS", 16 * 16 - 1)
    with pytest.raises(InvalidSetting, match="16 × 16"):
        measure(scored, weights[0].numpy(), config)
    assert measure(scored, weights[0].numpy(), FaithfulnessConfig(("confidence",))).road is None


def test_curves_by_hand():
    """The probability is the mean of the pixels: deletion takes the largest away first, insertion adds them first."""
    pixels = torch.tensor([[0.4, 0.2], [0.0, 0.2]]).expand(1, 3, 2, 2)
    scored = ScoredClass(pixels, lambda images: images.mean((1, 2, 3)).numpy())
    config = FaithfulnessConfig(("deletion", "insertion"), steps=2, blur=(1, 1.0))  # a window of one pixel: no blur
    found = measure(scored, np.array([[3.0, 2], [0, 1]]), config)
    assert found.probability == pytest.approx(0.2)
    np.testing.assert_allclose(present(found.deletion).share, [0, 0.5, 1])
    np.testing.assert_allclose(present(found.deletion).probability, [0.2, 0.05, 0], atol=1e-7)
    np.testing.assert_allclose(present(found.insertion).probability, [0.2, 0.2, 0.2], rtol=1e-6)
    assert present(found.deletion).auc == pytest.approx((0.125 + 0.025) / 2)


def test_progress_counts_the_images():
    scored, weights = linear()
    seen = []
    config = FaithfulnessConfig(("deletion",), steps=3)
    one = replace(scored, batch=1)
    measure(one, weights[0].numpy(), config, progress=lambda fraction, name: seen.append((fraction, name)))
    assert seen == [(0, "image"), (1 / 4, "image"), *[(k / 4, "deletion") for k in (1, 2, 3, 4)], (1, "done")]
