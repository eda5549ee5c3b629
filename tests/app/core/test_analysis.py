"""The app without a browser: what is sent, what is kept, for whom, and the messages of errors."""

import io
import json
import re
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from app.cli import AppConfig
from app.core import decoded
from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.codec import INLINE_BYTES, encode_records, payload
from app.core.engine import Engine
from app.core.examples import Example, from_voc, gather, plain, shipped
from app.core.messages import INTERNAL_ERROR
from app.page import build, launch_options
from app.viewer import Viewer
from crt.checkpoint import load_checkpoint
from crt.errors import CrtError, InvalidDataset, InvalidSetting
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[3]


def photo(height: int = 90, width: int = 120, seed: int = 0) -> np.ndarray:
    """A smooth image of noise."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("app") / "tiny")


@pytest.fixture(scope="module")
def explorer(checkpoint) -> Explorer:
    return Explorer(Engine(str(checkpoint)), PredictionCache(10**8), {})


def saved(folder: Path, image: Image.Image | np.ndarray, name: str, **options) -> str:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(folder / name, **options)
    return str(folder / name)


# What the page receives


def test_the_header_is_json_and_describes_the_run(explorer):
    prediction = explorer.runs.predict("s", photo(), InferenceConfig(size=96))
    header, _ = payload(prediction, photo(), single_label=False)
    read = json.loads(json.dumps(header))
    assert read["input"] == [72, 96]
    assert read["tiles"] == len(prediction.grid)
    assert read["passes"] == prediction.passes == 4
    assert read["image"].startswith("data:image/jpeg;base64,")
    assert header["run"] != payload(prediction, photo())[0]["run"]
    for method, rows in read["scores"].items():
        assert len(rows) == (5 if method == "crt" else 1)
        wanted = 1 / (1 + np.exp(-prediction.scores(method, 0).astype(float)))
        np.testing.assert_allclose(rows[0], wanted, atol=1e-5)


def test_single_label_scores_are_a_softmax(explorer):
    header, _ = payload(explorer.runs.predict("s", photo(), InferenceConfig(size=96)), photo(), single_label=True)
    for rows in header["scores"].values():
        np.testing.assert_allclose(np.sum(rows, axis=1), 1, atol=1e-4)


def test_values_that_are_not_finite_are_refused(explorer):
    prediction = explorer.runs.predict("nan", photo(seed=5), InferenceConfig(size=96))
    prediction.records["resnet"].cams[0, 0, 0] = np.inf
    with pytest.raises(CrtError, match="not finite"):
        encode_records(prediction)
    explorer.runs.cache.drop("nan")


def test_large_maps_travel_as_a_file():
    viewer = Viewer()
    assert "data" in viewer.postprocess(({"run": "a"}, b"1" * INLINE_BYTES))
    sent = viewer.postprocess(({"run": "a"}, b"1" * (INLINE_BYTES + 1)))
    assert Path(sent["file"]).read_bytes() == b"1" * (INLINE_BYTES + 1)
    assert sent["file"] in viewer.temp_files


def test_the_header_names_pages_that_are_not_read_and_a_larger_size_for_a_flat_image(explorer, tmp_path):
    flat = Image.fromarray(photo(40, 400))
    path = saved(tmp_path, flat, "pages.tif", save_all=True, append_images=[flat])
    header, _ = explorer.payload(path, "224", "overlap", "s")
    assert header["further"] == "pages" and header["source"] == (40, 400)
    assert header["coarse"]["larger"]["size"] in ("336", "native")
    header, _ = explorer.payload(saved(tmp_path, photo(), "one.tif"), "224", "overlap", "s")
    assert header["further"] is None and header["coarse"] is None
    explorer.runs.cache.drop("s")


# The cache


def test_cache_is_bounded_in_bytes_and_lets_the_oldest_go(explorer):
    prediction = explorer.runs.predict("s", photo(), InferenceConfig(size=96))
    cache = PredictionCache(int(2.5 * prediction.nbytes))
    for name in "abc":
        cache.put("me", name, InferenceConfig(), prediction)
        cache.get("me", "a", InferenceConfig())  # used, so it stays
    assert len(cache) == 2
    assert cache.nbytes == 2 * prediction.nbytes
    assert cache.get("me", "a", InferenceConfig()) is prediction
    assert cache.get("me", "b", InferenceConfig()) is None
    small = PredictionCache(prediction.nbytes - 1)
    small.put("me", "a", InferenceConfig(), prediction)
    assert len(small) == 0
    assert small.nbytes == 0


def test_cache_forgets_a_prediction_with_the_last_session_that_asked_for_it(explorer):
    prediction = explorer.runs.predict("s", photo(), InferenceConfig(size=96))
    cache = PredictionCache(10**9)
    cache.put("me", "a", InferenceConfig(), prediction)
    assert cache.get("you", "a", InferenceConfig()) is prediction
    assert cache.get("you", "b", InferenceConfig()) is None
    cache.drop("me")
    cache.drop(None)
    assert len(cache) == 1 and cache.nbytes == prediction.nbytes
    cache.drop("you")
    assert len(cache) == cache.nbytes == 0
    assert cache.get("me", "a", InferenceConfig()) is None


def test_cache_keeps_a_whole_prediction_in_place_of_its_parts(explorer):
    part, whole = InferenceConfig(size=96, methods=("resnet",)), InferenceConfig(size=96)
    small, large = (explorer.runs.predict("s", photo(), settings) for settings in (part, whole))
    cache = PredictionCache(10**9)
    cache.put("me", "a", part, small)
    assert cache.get("me", "a", whole) is None
    cache.put("you", "a", whole, large)
    assert len(cache) == 1 and cache.get("me", "a", part) is large
    cache.put("me", "a", part, small)  # a run that ended later
    assert len(cache) == 1 and cache.nbytes == large.nbytes
    cache.drop("you")
    assert cache.get("me", "a", part) is large


def test_the_same_question_is_not_computed_twice(explorer, monkeypatch):
    first = explorer.runs.predict("once", photo(seed=1), InferenceConfig(size=96))
    monkeypatch.setattr(Predictor, "predict", lambda *_, **__: pytest.fail("looked again"))
    assert explorer.runs.predict("once", photo(seed=1), InferenceConfig(size=96)) is first
    assert explorer.runs.predict("another", photo(seed=1), InferenceConfig(size=96)) is first
    with pytest.raises(pytest.fail.Exception):
        explorer.runs.predict("another", photo(seed=2), InferenceConfig(size=96))


def test_equal_pixels_of_files_of_different_sizes_are_two_questions(explorer, monkeypatch):
    small, large = photo(seed=3), photo(seed=3)
    monkeypatch.setitem(decoded._sizes, id(large), (600, 800))
    first, second = (explorer.runs.predict("s", image, InferenceConfig(size=96)) for image in (small, large))
    assert first.source == small.shape[:2] and second.source == (600, 800)


# Error messages


def test_deconvolution_only_where_it_was_trained(explorer, tmp_path):
    assert "deconvolution" not in explorer.modes
    value = explorer.payload(saved(tmp_path, photo(), "a.png"), "224", "deconvolution", "s")
    assert "deconvolution" in value["message"]
    able = Explorer(Engine(str(tiny_checkpoint(tmp_path / "able", deconvolution=True))), PredictionCache(10**8), {})
    assert able.modes == ("deconvolution",)
    assert "choose deconvolution." in able.payload(str(tmp_path / "a.png"), "224", "overlap", "s")["message"]
    assert isinstance(able.payload(str(tmp_path / "a.png"), "224", "deconvolution", "s"), tuple)


def hostile(folder: Path) -> dict[str, tuple[str, bool]]:
    """Name -> (path, whether maps are the right answer)."""
    rgb = photo()
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = io.BytesIO()
    Image.fromarray(photo(200, 200)).save(whole, "JPEG")
    (folder / "cut.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    (folder / "text.png").write_text("${alert(1)} {{value}} <script>alert(1)</script>")
    (folder / "empty.png").write_bytes(b"")
    bomb = io.BytesIO()
    Image.new("1", (20000, 20000)).save(bomb, "PNG")
    (folder / "bomb.png").write_bytes(bomb.getvalue())
    alpha = np.dstack([rgb, np.full(rgb.shape[:2], 40, np.uint8)])
    return {
        "exif": (saved(folder, rgb, "exif.jpg", exif=exif), True),
        "alpha": (saved(folder, alpha, "alpha.png"), True),
        "palette": (saved(folder, Image.fromarray(rgb).convert("P"), "palette.gif"), True),
        "cmyk": (saved(folder, Image.fromarray(rgb).convert("CMYK"), "cmyk.jpg"), True),
        "sixteen": (saved(folder, Image.fromarray(rgb[..., 0].astype(np.uint16) * 257), "sixteen.png"), True),
        "one": (saved(folder, rgb[:1, :1], "one.png"), True),
        "thin": (saved(folder, Image.new("RGB", (4000, 1), "red"), "thin.png"), True),
        "wrong extension": (saved(folder, rgb, "really_png.jpg", format="PNG"), True),
        "truncated": (str(folder / "cut.jpg"), False),
        "text": (str(folder / "text.png"), False),
        "empty": (str(folder / "empty.png"), False),
        "bomb": (str(folder / "bomb.png"), False),
    }


def test_hostile_images_get_maps_or_one_sentence(explorer, tmp_path, caplog):
    for name, (path, usable) in hostile(tmp_path).items():
        value = explorer.payload(path, "224", "overlap", name)
        if usable:
            header, data = value
            assert data, name
            assert header["records"], name
            assert np.isfinite(np.frombuffer(data, "<f2")).all(), name
            if name == "exif":
                assert header["source"] == (120, 90)
        else:
            assert re.fullmatch(r"[A-Z][^\n]+\.", value["message"]), (name, value)
            assert "records" not in value
            assert str(tmp_path) not in value["message"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert "choose it again" in explorer.payload(str(tmp_path / "gone.png"), "224", "overlap", "s")["message"]
    for name in ("one", "thin"):
        path = str(tmp_path / f"{name}.png")
        assert isinstance(explorer.payload(path, "native", "bilinear", name), tuple)


def test_the_page_receives_parts_before_the_run_has_ended(explorer, tmp_path):
    path = saved(tmp_path, photo(seed=9), "a.png")
    *parts, (header, _) = explorer.payloads(path, "224", "overlap", "parts")
    assert [(part["methods"], part["pending"]) for part, _ in parts][:2] == [
        (["resnet"], ["tscam", "crt", "crt_cnn"]),
        (["resnet", "tscam"], ["crt", "crt_cnn"]),
    ]
    assert parts[-1][0]["pending"] == ["crt_cnn"]
    assert {part["maxLoops"] for part, _ in parts} == {header["maxLoops"]}
    assert {part["imageId"] for part, _ in parts} == {header["imageId"]}
    assert "pending" not in header
    assert header["methods"] == ["resnet", "tscam", "crt", "crt_cnn"]
    assert len(list(explorer.payloads(path, "224", "overlap", "parts"))) == 1  # from the cache


def test_an_error_in_the_middle_of_a_run_ends_its_parts_with_a_message(explorer, tmp_path, monkeypatch, caplog):
    def broken(*_, **__):
        raise MemoryError

    monkeypatch.setattr("crt.predictor.run_transformer", broken)
    first, last = explorer.payloads(saved(tmp_path, photo(seed=8), "a.png"), "224", "overlap", "broken")
    assert first[0]["methods"] == ["resnet"]
    assert last["message"] == INTERNAL_ERROR


def test_an_unexpected_error_is_logged_and_not_shown(explorer, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(explorer.runs, "predict", lambda *_: 1 / 0)
    value = explorer.payload(saved(tmp_path, photo(), "a.png"), "224", "overlap", "s")
    assert value["message"] == INTERNAL_ERROR
    assert "ZeroDivisionError" in caplog.text


def test_a_size_that_is_not_offered_is_refused(explorer, tmp_path):
    with pytest.raises(InvalidSetting):
        explorer.analyze(saved(tmp_path, photo(), "a.png"), "1", "overlap", "s")


# Examples


def test_shipped_examples_are_whole_and_small():
    examples = shipped()
    assert len(examples) >= 4
    assert sum(bool(one.masks) for one in examples) >= 2
    index = json.loads((ROOT / "app/examples/index.json").read_text())
    for entry in index["examples"]:
        assert entry["credit"]
        assert entry["licence"]
    for one in examples:
        assert one.image.shape[2] == 3
        assert present(one.prediction).is_file()
        for mask in one.masks:
            points = np.concatenate([np.array(polygon) for polygon in mask["polygons"]])
            assert points.min() >= 0
            assert points.max() <= 1
    assert sum(path.stat().st_size for path in (ROOT / "app/examples").iterdir()) < 4 * 2**20


def test_the_shipped_traces_are_those_of_a_fresh_run():
    checkpoint = load_checkpoint(ROOT / "checkpoints/voc")
    predictor, settings = Predictor(checkpoint), InferenceConfig(size=checkpoint.config.defaults.size)
    for one in shipped():
        stored = one.stored(checkpoint.sha256, settings)
        assert stored is not None, one.id
        fresh = predictor.predict(one.path, settings)
        assert stored.default_spec == fresh.default_spec and stored.methods == fresh.methods
        for method in fresh.methods:
            for name, wanted in vars(fresh.record(method)).items():
                got, scale = getattr(stored.record(method), name), np.abs(wanted).max()
                np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-3 * scale, err_msg=f"{one.id} {method}.{name}")


def test_the_page_opens_with_the_first_example_whose_maps_are_stored(checkpoint):
    examples = {one.id: one for one in shipped()}
    for folder, first in ((ROOT / "checkpoints/voc", [shipped()[0].id]), (checkpoint, [])):
        cards = Explorer(Engine(str(folder)), PredictionCache(10**8), examples).cards()
        assert [card["id"] for card in cards] == list(examples)
        assert [card["id"] for card in cards if "first" in card] == first


def test_a_stored_prediction_counts_only_for_its_checkpoint_and_settings(explorer, tmp_path):
    path = Path(saved(tmp_path, photo(), "a.png"))
    settings = InferenceConfig(size=224)
    prediction = explorer.runs.predict("s", photo(), settings)
    prediction.save(tmp_path / "a.npz")
    example = Example("a", "A", path, prediction=tmp_path / "a.npz")
    sha = explorer.engine.sha256
    assert sha == explorer.engine.predictor().checkpoint.sha256
    assert present(example.stored(sha, settings)).provenance["settings"] == plain(settings)
    assert example.stored("another", settings) is None
    assert example.stored(sha, InferenceConfig(size=336)) is None
    assert explorer.example_payload(example, "224", "overlap")[0]["stored"] is True
    assert explorer.example_payload(example, "336", "overlap") is None
    (tmp_path / "a.npz").write_bytes(b"not a trace")
    assert example.stored(sha, settings) is None


def devkit_with_masks(folder: Path, *objects: tuple[str, int]) -> Path:
    """A devkit of one image, whose objects (class, mask value) lie in the middle, side by side."""
    voc = folder / "VOC2012"
    for part in ("JPEGImages", "Annotations", "SegmentationClass", "ImageSets/Segmentation"):
        (voc / part).mkdir(parents=True)
    saved(voc / "JPEGImages", photo(), "one.jpg")
    mask = np.zeros((90, 120), np.uint8)
    for part, (_, value) in zip(np.array_split(np.arange(40, 80), len(objects)), objects, strict=True):
        mask[30:60, part] = value
    saved(voc / "SegmentationClass", mask, "one.png")
    names = "".join(f"<object><name>{name}</name><difficult>0</difficult></object>" for name, _ in objects)
    (voc / "Annotations/one.xml").write_text(f"<annotation>{names}</annotation>")
    (voc / "ImageSets/Segmentation/val.txt").write_text("one\n")
    return voc


def test_examples_of_a_devkit_bring_their_masks(tmp_path):
    voc = devkit_with_masks(tmp_path, ("cat", 8))
    (example,) = from_voc(voc)
    assert example.title == "cat (one)"
    assert example.masks[0]["label"] == "cat"
    points = np.array(example.masks[0]["polygons"][0])
    np.testing.assert_allclose([points[:, 0].min(), points[:, 0].max()], [40 / 120, 80 / 120], atol=0.01)
    assert "voc-one" in gather(voc)


def test_masks_of_own_classes_have_their_names(tmp_path):
    (example,) = from_voc(devkit_with_masks(tmp_path / "a", ("leaf", 1)))
    assert example.title == "leaf (one)" and example.credit == "VOC2012"
    assert [mask["label"] for mask in example.masks] == ["leaf"]
    voc = devkit_with_masks(tmp_path / "b", ("leaf", 2), ("cat", 1))
    with pytest.raises(InvalidDataset, match="leaf"):
        gather(voc)
    example = gather(voc, ("cat", "leaf"))["voc-one"]
    assert [mask["label"] for mask in example.masks] == ["cat", "leaf"]
    assert np.array(example.masks[1]["polygons"][0])[:, 0].max() < np.array(example.masks[0]["polygons"][0])[:, 0].max()


def test_the_classes_of_the_examples_are_an_option(checkpoint, tmp_path):
    voc = devkit_with_masks(tmp_path, ("leaf", 1), ("cat", 2))
    assert build(AppConfig(str(checkpoint), examples=voc, class_names=("leaf", "cat"))).engine
    with pytest.raises(InvalidDataset, match="unknown class in an annotation"):
        build(AppConfig(str(checkpoint), examples=voc, class_names=("cat",)))


def test_a_mask_in_colours_is_refused_in_one_sentence(tmp_path):
    voc = devkit_with_masks(tmp_path, ("leaf", 1))
    saved(voc / "SegmentationClass", photo(), "one.png")
    with pytest.raises(InvalidDataset, match="The mask of one is in colours"):
        from_voc(voc)


# The page


def test_launch_settings_are_set_explicitly(checkpoint):
    options = launch_options(AppConfig(checkpoint=str(checkpoint), max_upload_mb=7))
    wanted = {
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": "7mb",
        "allowed_paths": [],
        "show_error": False,
        "strict_cors": True,
        "ssr_mode": False,
        "server_name": None,
        "server_port": None,
        "share": None,
    }
    assert {name: options[name] for name in wanted} == wanted
    demo = build(AppConfig(checkpoint=str(checkpoint), queue_size=3))
    assert demo._queue.max_size == 3
    assert demo.delete_cache == (3600, 7200)
    assert demo.analytics_enabled is False
    named = [fn for fn in demo.fns.values() if fn.api_visibility == "public" and fn.targets[0][1] != "unload"]
    assert [fn.api_name for fn in named] == ["cams", "predict", "masks"]
    model = [fn for fn in demo.fns.values() if fn.concurrency_id == "model"]
    assert len(model) > 3
    assert all(fn.concurrency_limit is None for fn in model)  # they wait in app.core.turns
    assert demo.engine.turns.most == 3 and options["max_threads"] > AppConfig().queue_size + 1
    states = [block for block in demo.blocks.values() if isinstance(block, gr.State)]
    assert [state.time_to_live for state in states] == [3600]


def test_the_page_description_is_plain_data(checkpoint):
    demo = build(AppConfig(checkpoint=str(checkpoint)))
    (viewer,) = [one for one in demo.get_config_file()["components"] if one["props"].get("elem_id") == "crt-maps"]
    json.dumps(viewer["props"])
    assert len(json.loads(viewer["props"]["props"]["cards"])) == len(shipped())


def test_options_out_of_range_are_refused():
    with pytest.raises(InvalidSetting, match="--cache-mb"):
        AppConfig(cache_mb=0)
