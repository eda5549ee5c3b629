import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from crt.checkpoint import load_checkpoint
from crt.device import choose_device
from crt.errors import InvalidImage, InvalidSetting
from crt.metrics.scored_class import scored_class
from crt.models.outputs import STRIDE, VitOutputs
from crt.models.tiles import MODES, TileGrid
from crt.network_input import MAX_TILES
from crt.prediction import Prediction
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.narrow import instance
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[2]
CUT_MODES = ("overlap", "non-overlap", "bilinear")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def predictor(checkpoint):
    return Predictor(checkpoint)


def make_image(height=90, width=120):
    return np.random.default_rng(height + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def close(one, two, tolerance=1e-5):
    assert one.methods == two.methods
    for method in one.methods:
        for name, array in vars(one.records[method]).items():
            other = getattr(two.records[method], name)
            np.testing.assert_allclose(array, other, rtol=tolerance, atol=tolerance * np.abs(array).max())


@pytest.mark.parametrize("tile_batch", [1, 3, 1000])
def test_the_tile_batch_changes_nothing(checkpoint, predictor, tile_batch):
    settings = InferenceConfig(size=128, loops=2)
    close(
        predictor.predict(make_image(), settings),
        Predictor(checkpoint, tile_batch=tile_batch).predict(make_image(), settings),
    )


def test_no_more_tiles_than_the_batch_go_through_at_once(checkpoint, monkeypatch):
    network, seen = checkpoint.networks["crt"], []
    embed = network.embed
    monkeypatch.setattr(network, "embed", lambda tiles: (seen.append(len(tiles)), embed(tiles))[1])
    prediction = Predictor(checkpoint, tile_batch=5).predict(
        make_image(), InferenceConfig(size=256, loops=1, methods=("crt",))
    )
    assert max(seen) == 5
    assert sum(seen) == len(prediction.grid) > 5


@pytest.mark.parametrize("size", [224, 336, 448, 672, None])
@pytest.mark.parametrize("mode", CUT_MODES)
def test_sizes_and_modes(predictor, size, mode):
    settings = InferenceConfig(size=size, mode=mode, loops=1)
    prediction = predictor.predict(make_image(), settings)
    assert max(prediction.grid.height, prediction.grid.width) == (size or 120)
    assert prediction.source == (90, 120)
    assert predictor.grid(90, 120, settings) == prediction.grid
    for method in prediction.methods:
        maps = prediction.cams(method)
        cells = tuple(np.ceil(prediction.content_size(method)).astype(int))
        assert maps.shape == (3, *cells)
        assert maps.dtype == np.float32
        assert np.isfinite(maps).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 2048), (2048, 1), (7, 3), (64, 64), (65, 63)])
@pytest.mark.parametrize("size", [None, 100])
@pytest.mark.parametrize("mode", CUT_MODES)
def test_images_of_any_shape(predictor, shape, size, mode):
    settings = InferenceConfig(size=size, loops=1, mode=mode)
    prediction = predictor.predict(make_image(*shape), settings)
    assert predictor.grid(*shape, settings) == prediction.grid
    for method in prediction.methods:
        maps = prediction.cams(method, loops=0)
        assert maps.shape[1] >= 1
        assert maps.shape[2] >= 1
        assert np.isfinite(maps).all()


def test_deconvolution_needs_a_checkpoint_trained_so(predictor, tmp_path):
    with pytest.raises(InvalidSetting, match="has no learned deconvolution"):
        predictor.predict(make_image(), InferenceConfig(mode="deconvolution"))
    fine = Predictor(load_checkpoint(tiny_checkpoint(tmp_path, deconvolution=True)))
    prediction = fine.predict(make_image(), InferenceConfig(size=96, mode="deconvolution", loops=1))
    assert prediction.cams("crt", loops=1).shape == (3, 6, 8)
    with pytest.raises(InvalidSetting, match="was trained with a learned deconvolution"):
        fine.predict(make_image(), InferenceConfig(size=96))


def test_heads_hold_what_their_mean_holds(predictor):
    whole = predictor.predict(make_image(), InferenceConfig(size=128, loops=3, heads=True))
    mean = predictor.predict(make_image(), InferenceConfig(size=128, loops=3))
    assert whole.records["crt"].cls_attn.shape == (3, 6, 2, len(whole.grid), 16)
    assert mean.records["crt"].cls_attn.shape == (3, 6, len(whole.grid), 16)
    for method in ("crt", "tscam"):
        np.testing.assert_allclose(whole.records[method].mean_cls_attn, mean.records[method].cls_attn, rtol=1e-5)
        np.testing.assert_allclose(whole.cams(method), mean.cams(method), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loops", range(4))
def test_a_prediction_of_more_loops_holds_that_of_fewer(predictor, loops):
    many, few = (predictor.predict(make_image(), InferenceConfig(size=96, loops=count)) for count in (4, loops))
    np.testing.assert_allclose(many.cams("crt", loops=loops), few.cams("crt", loops=loops), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(many.scores("crt", loops), few.scores("crt", loops), rtol=1e-5, atol=1e-5)
    assert many.passes == 4
    assert few.passes == max(1, loops)
    assert many.records["crt"].similarity.shape == (5,)
    assert many.records["crt"].residual.shape == (4,)
    np.testing.assert_allclose(many.records["crt"].residual[: few.passes], few.records["crt"].residual, rtol=1e-5)


def test_the_maps_are_those_of_the_networks(checkpoint, predictor):
    from crt.data.resizing import to_tensor

    image = make_image(96, 128)
    prediction, pixels = predictor.predict(image, InferenceConfig(size=None, loops=2)), to_tensor(image)
    with torch.no_grad():
        conv = checkpoint.networks["crt_cnn"](pixels)[0].relu().numpy()
        merged = checkpoint.networks["crt"](pixels, 2, prediction.grid)
    np.testing.assert_allclose(prediction.cams("crt_cnn"), conv, rtol=1e-4, atol=1e-4)
    wanted = prediction.grid.crop(merged)[0].relu().numpy()
    np.testing.assert_allclose(prediction.cams("crt", loops=2, refined=False), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", ["crt", "tscam"])
def test_the_residual_is_that_of_all_patch_tokens_of_all_tiles(checkpoint, method):
    from crt.data.resizing import to_tensor

    image, network = make_image(96, 128), checkpoint.networks[method]
    prediction = Predictor(checkpoint, tile_batch=4).predict(image, InferenceConfig(size=None, loops=2))
    with torch.no_grad():
        x, wanted = network.embed(prediction.grid.cut(prediction.grid.pad(to_tensor(image)))), []
        for _ in range(2 if method == "crt" else 1):
            correction = network.vit.blocks(x)
            wanted.append((correction[:, 1:].norm(dim=-1) / x[:, 1:].norm(dim=-1)).mean().item())
            x = x + correction
    assert len(prediction.grid) % 4
    np.testing.assert_allclose(instance(VitOutputs, prediction.records[method]).residual, wanted, rtol=1e-5)


def test_progress_goes_up_to_one(checkpoint):
    reports = []
    predictor = Predictor(checkpoint, tile_batch=2)
    predictor.predict(
        make_image(), InferenceConfig(size=192, loops=3), progress=lambda part, stage: reports.append((part, stage))
    )
    parts = [part for part, _ in reports]
    assert parts == sorted(parts)
    assert (parts[0], parts[-1]) == (0, 1)
    assert len(set(parts)) > 10
    assert [*dict.fromkeys(stage for _, stage in reports)] == ["resnet", "tscam", "crt", "crt_cnn", "done"]


@pytest.mark.parametrize("tile_batch", [2, 16])
def test_parts_come_before_the_run_has_ended_and_are_those_of_the_whole(checkpoint, tile_batch):
    predictor, parts = Predictor(checkpoint, tile_batch=tile_batch), []
    most = checkpoint.config.defaults.loops + 2
    whole = predictor.predict(make_image(), InferenceConfig(size=192, loops=most), partial=parts.append)
    assert len(whole.grid) > 2
    three = ("resnet", "tscam", "crt")
    assert [part.methods for part in parts] == [three[:1], three[:2], three, three]
    assert whole.methods == (*three, "crt_cnn")
    counts = [instance(VitOutputs, part.records["crt"]).loops for part in parts[2:]]
    assert counts == [checkpoint.config.defaults.loops, most]
    for part in parts:
        assert part.provenance == whole.provenance
        assert set(part.timings) < set(whole.timings)
        for method in part.methods:
            np.testing.assert_array_equal(part.scores(method), whole.scores(method))
            np.testing.assert_array_equal(part.cams(method), whole.cams(method))


def test_the_default_loop_count_is_reported_once_where_no_more_are_recorded(checkpoint):
    parts: list[Prediction] = []
    settings = InferenceConfig(size=96, loops=checkpoint.config.defaults.loops, methods=("crt", "crt_cnn"))
    Predictor(checkpoint).predict(make_image(), settings, partial=parts.append)
    assert [part.methods for part in parts] == [("crt",)]


def test_an_exception_in_progress_leaves_the_predictor_usable(predictor):
    def stop(part, stage):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predictor.predict(make_image(), InferenceConfig(size=96), progress=stop)
    assert predictor.predict(make_image(), InferenceConfig(size=96)).methods
    assert not torch.is_inference_mode_enabled()


def test_only_the_requested_methods_run(predictor):
    assert predictor.predict(make_image(), InferenceConfig(size=64, methods=("crt_cnn", "resnet"))).methods == (
        "resnet",
        "crt_cnn",
    )
    with pytest.raises(InvalidSetting, match="has none of"):
        predictor.predict(make_image(), InferenceConfig(methods=()))


def test_a_checkpoint_of_one_cnn(tmp_path):
    predictor = Predictor(load_checkpoint(tiny_checkpoint(tmp_path, methods=("resnet",))))
    prediction = predictor.predict(make_image(), InferenceConfig(size=100))
    assert prediction.methods == ("resnet",)
    assert prediction.passes == 0
    assert prediction.cams("resnet").shape == (3, -(-75 // STRIDE), -(-100 // STRIDE))
    with pytest.raises(InvalidSetting, match="has none of"):
        predictor.predict(make_image(), InferenceConfig(methods=("crt",)))


def test_the_same_image_gives_the_same_prediction(predictor):
    one, two = (predictor.predict(make_image(), InferenceConfig(size=128)) for _ in range(2))
    close(one, two, 0)
    assert one.provenance == two.provenance
    assert one.provenance["image_sha256"] != predictor.predict(make_image(90, 121)).provenance["image_sha256"]
    assert set(one.timings) == {"read", "resize", *one.methods}


def test_threads_wait_in_line(predictor):
    wanted, found = predictor.predict(make_image(), InferenceConfig(size=128)), []
    work = [
        threading.Thread(target=lambda: found.append(predictor.predict(make_image(), InferenceConfig(size=128))))
        for _ in range(4)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(found) == 4
    for prediction in found:
        close(prediction, wanted, 0)


def test_bfloat16_keeps_float32_arrays_and_nearly_the_maps(checkpoint, predictor):
    settings = InferenceConfig(size=64, loops=1)
    exact, rough = (p.predict(make_image(), settings) for p in (predictor, Predictor(checkpoint, bfloat16=True)))
    close(exact, rough, 0.15)
    assert rough.provenance["precision"] == "bfloat16"
    assert all(a.dtype == np.float32 for record in rough.records.values() for a in vars(record).values())


@pytest.mark.parametrize(("options", "passes"), [({}, 2), ({"float32_passes": 0}, 0), ({"float32_passes": 1}, 1)])
def test_so_many_passes_of_several_stay_float32_under_bfloat16(checkpoint, options, passes):
    products = []
    block = checkpoint.networks["crt"].blocks[0]
    hook = block.attn.qkv.register_forward_hook(lambda module, given, made: products.append(made.dtype))
    try:
        rough = Predictor(checkpoint, bfloat16=True, **options)
        rough.predict(make_image(), InferenceConfig(size=64, loops=3, methods=("crt",)))
    finally:
        hook.remove()
    assert products == [torch.float32] * passes + [torch.bfloat16] * (3 - passes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 31}, "32 to 2048"),
        ({"size": 2049}, "32 to 2048"),
        ({"loops": -1}, "0 to 8"),
        ({"loops": 9}, "0 to 8"),
    ],
)
def test_settings_out_of_range(arguments, message):
    with pytest.raises(InvalidSetting, match=message):
        InferenceConfig(**arguments)


@pytest.mark.parametrize("arguments", [{"mode": "diagonal"}, {"padding": "much"}])
def test_unknown_modes_are_refused(predictor, arguments):
    with pytest.raises(InvalidSetting, match=f"choose one of {MODES[0]}|minimal or released"):
        predictor.predict(make_image(), InferenceConfig(**arguments))


def test_what_is_no_image(predictor):
    with pytest.raises(InvalidImage):
        predictor.predict(b"hello")


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert choose_device().type in ("cpu", "cuda")
    for name in ("cuda:99", "abacus"):
        with pytest.raises(InvalidSetting, match="leave it at auto"):
            choose_device(name)


def test_attention_rows_in_bfloat16_are_near_those_in_float32():
    """On an example of the app: the 99th percentile of the relative error of each pass, once up to 36 %."""
    checkpoint = load_checkpoint(ROOT / "checkpoints/voc")
    settings = InferenceConfig(size=336, loops=3, methods=("crt",))
    source = ROOT / "app/examples/cat.jpg"
    exact, rough = (
        instance(VitOutputs, Predictor(checkpoint, bfloat16=half).predict(source, settings).records["crt"])
        for half in (False, True)
    )
    error = np.abs(rough.cls_attn - exact.cls_attn) / exact.cls_attn
    assert all(np.percentile(one, 99) < 0.05 for one in error)
    np.testing.assert_allclose(rough.cams, exact.cams, atol=0.01 * np.abs(exact.cams).max())
    assert (rough.cls_attn[2] != exact.cls_attn[2]).any()  # it did run in bfloat16


def asked_natively(predictor, image):
    """Every way to bring an image to the networks at its own size."""
    settings = InferenceConfig(size=None, loops=0, methods=("resnet",))
    grid = TileGrid(image.shape[0], image.shape[1], 64, 16)
    return {
        "trace": lambda: predictor.predict(image, settings),
        "token": lambda: predictor.token(image, settings, at=(0, 0)),
        "layers": lambda: predictor.layers(image, settings),
        "grid": lambda: predictor.grid(*image.shape[:2], settings),
        "class_logits": lambda: predictor.class_logits(
            torch.zeros(1).expand(1, 3, *image.shape[:2]), "resnet", 0, grid
        ),
        "scored_class": lambda: scored_class(predictor, image, settings, method="resnet", index=0),
    }


@pytest.mark.parametrize("way", asked_natively(None, np.zeros((1, 1, 3))))
@pytest.mark.parametrize("shape", [(40, 2049), (2049, 40), (7000, 9000)])
def test_an_image_beyond_the_largest_size_is_refused_at_its_own(predictor, monkeypatch, way, shape):
    for network in predictor.checkpoint.networks.values():
        monkeypatch.setattr(network, "forward", lambda *given: pytest.fail("a network ran"))
    image = np.broadcast_to(np.zeros(3, np.uint8), (*shape, 3))
    height, width = shape
    with pytest.raises(InvalidSetting, match=rf"{width} × {height} pixels.* 2048 .*choose an input size.*\.$"):
        asked_natively(predictor, image)[way]()


def test_an_image_of_the_largest_size_is_not_refused(predictor):
    assert predictor.grid(40, 2048, InferenceConfig(size=None)).width == 2048
    assert (
        predictor.predict(make_image(33, 2048), InferenceConfig(size=None, loops=0, methods=("resnet",))).grid.width
        == 2048
    )
    assert predictor.grid(7000, 9000, InferenceConfig(size=1024, mode="non-overlap")).width == 1024


def test_more_tiles_than_the_limit_are_refused(predictor):
    """A network of small tiles makes thousands of them of a size that one of 224 pixels can do."""
    with pytest.raises(InvalidSetting, match=r"2048 × 2048 pixels makes 3969 tiles of 64, and the limit is 400.*\.$"):
        predictor.predict(np.zeros((64, 64, 3), np.uint8), InferenceConfig(size=2048))
    assert len(TileGrid(2048, 2048)) <= MAX_TILES  # what the limit of the size allows with tiles of 224
