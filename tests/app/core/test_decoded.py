"""An upload is decoded and hashed once, however many requests are about it, and forgotten beyond a bound."""

import gc
import hashlib
import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.api_results import mask_png
from app.core import decoded as module
from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.decoded import LEAST_SIDE, NATIVE_LIMIT, DecodedImages, fingerprint, pixels_sha256, source_size
from app.core.engine import Engine
from app.features.ablation import column
from crt.data.images import load_image
from crt.errors import InvalidImage
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.tiny import tiny_checkpoint

SIDES = (60, 80)
BYTES = SIDES[0] * SIDES[1] * 3


def written(folder: Path, name: str, seed: int = 0) -> str:
    noise = np.random.default_rng(seed).integers(0, 256, (*SIDES, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / name)
    return str(folder / name)


@pytest.fixture
def decoded(monkeypatch) -> list[int]:
    """The sizes of the files that were decoded."""
    sizes: list[int] = []
    load = module.load_reduced

    def noted(data, least_side):
        sizes.append(len(data))
        return load(data, least_side)

    monkeypatch.setattr(module, "load_reduced", noted)
    return sizes


@pytest.fixture
def hashed(monkeypatch) -> list[bytes]:
    """What hashing of an image began with."""
    begun: list[bytes] = []
    sha256 = hashlib.sha256

    def noted(data=b""):
        begun.append(data)
        return sha256(data)

    monkeypatch.setattr(module.hashlib, "sha256", noted)
    return begun


def test_all_requests_about_an_image_decode_and_hash_it_once(tmp_path, decoded, hashed):
    explorer = Explorer(Engine(str(tiny_checkpoint(tmp_path / "tiny"))), PredictionCache(10**8), {})
    path = written(tmp_path, "a.png")
    explorer.payload(path, "224", "overlap", "me")
    explorer.payload(path, "336", "overlap", "me")
    analysis = explorer.analyze(path, "224", "overlap", "another")
    column(explorer, analysis, {"size": "224", "mode": "bilinear"})
    assert len(decoded) == 1 and hashed.count(str((*SIDES, 3)).encode()) == 1
    assert hashed.count(b"") == 1  # of the pixels alone, for the provenance


def test_the_hash_is_of_the_pixels_and_the_shape():
    image = np.zeros((2, 3, 3), np.uint8)
    wanted = hashlib.sha256(b"(2, 3, 3)" + image.tobytes()).hexdigest()
    assert fingerprint(image) == wanted
    image[0, 0, 0] = 1
    assert fingerprint(image) != wanted  # an array that may be written to gets no old hash
    turned = image.transpose(1, 0, 2)
    assert fingerprint(turned) == hashlib.sha256(b"(3, 2, 3)" + turned.tobytes()).hexdigest()


def test_the_hash_of_an_array_goes_with_it():
    image = np.zeros((2, 3, 3), np.uint8)
    image.flags.writeable = False
    number = id(image)
    assert fingerprint(image) == fingerprint(image) == module._fingerprints[number]
    del image
    gc.collect()
    assert number not in module._fingerprints


def test_pixels_are_those_of_the_file_and_read_only(tmp_path, decoded):
    images = DecodedImages()
    path = written(tmp_path, "a.png")
    with Image.open(path) as image:
        np.testing.assert_array_equal(images.read(path), np.asarray(image))
    assert images.read(path) is images.read(path) and len(decoded) == 1
    with pytest.raises(ValueError, match="read-only"):
        images.read(path)[0, 0, 0] = 0


def test_a_changed_file_is_decoded_again(tmp_path, decoded):
    images = DecodedImages()
    path = written(tmp_path, "a.png")
    first = images.read(path)
    written(tmp_path, "a.png", seed=1)
    os.utime(path, ns=(1, 1))
    assert not np.array_equal(images.read(path), first) and len(decoded) == 2


def test_images_are_bounded_in_bytes_and_the_oldest_goes(tmp_path, decoded):
    images = DecodedImages(2 * BYTES)
    paths = [written(tmp_path, f"{number}.png", number) for number in range(3)]
    for path in (paths[0], paths[1], paths[0], paths[2]):
        images.read(path)
        assert images.nbytes <= images.limit
    assert len(decoded) == 3
    images.read(paths[0])
    assert len(decoded) == 3
    images.read(paths[1])
    assert len(decoded) == 4
    small = DecodedImages(BYTES - 1)
    assert small.read(paths[0]).shape == (*SIDES, 3) and small.nbytes == 0


def test_a_deleted_file_is_forgotten(tmp_path):
    images = DecodedImages()
    gone, kept = written(tmp_path, "gone.png"), written(tmp_path, "kept.png", 1)
    images.read(gone)
    Path(gone).unlink()
    with pytest.raises(InvalidImage, match="no longer here"):
        images.read(gone)
    images.read(kept)
    assert images.nbytes == BYTES


def test_requests_at_the_same_time_wait_for_one_decoding(tmp_path, decoded, monkeypatch):
    images, path = DecodedImages(), written(tmp_path, "a.png")
    begun, go_on = threading.Event(), threading.Event()
    read = module.read

    def slow(path):
        begun.set()
        go_on.wait(60)
        return read(path)

    monkeypatch.setattr(module, "read", slow)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(images.read, path) for _ in range(3)]
        assert begun.wait(60)
        go_on.set()
        assert len({id(one.result(60)) for one in waiting}) == 1 and len(decoded) == 1


def test_what_is_no_image_is_refused_each_time_and_not_kept(tmp_path, decoded):
    images = DecodedImages()
    (tmp_path / "a.png").write_text("no image")
    for _ in range(2):
        with pytest.raises(InvalidImage, match="not an image"):
            images.read(str(tmp_path / "a.png"))
    assert len(decoded) == 2 and images.nbytes == 0


def test_the_hash_of_the_pixels_is_that_of_a_program_of_ones_own():
    image = np.random.default_rng(0).integers(0, 256, (*SIDES, 3), dtype=np.uint8)
    assert pixels_sha256(image) == hashlib.sha256(image.tobytes()).hexdigest()


def test_one_file_is_decoded_at_a_time(tmp_path, monkeypatch):
    images, inside, most = DecodedImages(), [], []
    read = module.read

    def counted(path):
        inside.append(path)
        most.append(len(inside))
        try:
            return read(path)
        finally:
            inside.remove(path)

    monkeypatch.setattr(module, "read", counted)
    paths = [written(tmp_path, f"{number}.png", number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(images.read, paths, timeout=60))
    assert len(most) == 8 and max(most) == 1


# Large JPEGs

LARGE = (4 * NATIVE_LIMIT, 3 * NATIVE_LIMIT)
"""Width and height of a JPEG that is decoded at a quarter of its size."""


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> str:
    small = np.random.default_rng(1).integers(0, 256, (15, 20, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("large") / "large.jpg"
    Image.fromarray(small).resize(LARGE, Image.Resampling.BICUBIC).save(path, quality=90)
    return str(path)


@pytest.fixture(scope="module")
def explorer(tmp_path_factory) -> Explorer:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("decoded") / "tiny")
    return Explorer(Engine(str(folder)), PredictionCache(10**8), {})


def test_a_large_jpeg_is_decoded_at_a_part_of_its_size_and_keeps_its_own(large):
    image = DecodedImages().read(large)
    assert image.shape == (LARGE[1] // 4, LARGE[0] // 4, 3) and max(image.shape) >= LEAST_SIDE
    assert source_size(image) == (LARGE[1], LARGE[0])
    number = id(image)
    assert number in module._sizes
    del image
    gc.collect()
    assert number not in module._sizes
    assert source_size(np.zeros((2, 3, 3), np.uint8)) == (2, 3)


def test_what_is_made_of_a_large_jpeg_has_the_size_of_the_file(explorer, large):
    size = LARGE[1], LARGE[0]
    header, _ = explorer.payload(large, "224", "overlap", "me")
    assert header["source"] == size and header["input"] == (168, 224) and not header["capped"]
    analysis = explorer.analyze(large, "224", "overlap", "me")
    assert analysis.prediction.source == size and analysis.prediction.cam("cat").shape == size
    with Image.open(io.BytesIO(mask_png(analysis, names="cat"))) as mask:
        assert mask.size == LARGE
    parts = [part["source"] for part, _ in explorer.payloads(large, "336", "overlap", "me")]
    assert len(parts) > 1 and set(parts) == {size}
    native, _ = explorer.payload(large, "native", "bilinear", "me")
    assert native["input"] == (3 * NATIVE_LIMIT // 4, NATIVE_LIMIT) and native["capped"]


def test_cams_of_a_large_jpeg_are_those_of_its_own_pixels(explorer, large):
    settings = InferenceConfig(size=224, loops=2)
    ours = explorer.analyze(large, "224", "overlap", "you", loops=2).prediction
    whole = Predictor.predict(explorer.engine.predictor(), load_image(Path(large)), settings)
    assert ours.source == whole.source and ours.grid == whole.grid
    for method in whole.methods:
        wanted, got = whole.cams(method), ours.cams(method)
        assert got.shape == wanted.shape and np.abs(got - wanted).max() <= 0.03 * wanted.max()


def test_a_program_gets_the_same_hash_of_an_image_of_usual_size(explorer, tmp_path):
    path = written(tmp_path, "a.png")
    ours = explorer.analyze(path, "224", "overlap", "me").prediction
    theirs = Predictor.predict(explorer.engine.predictor(), path, InferenceConfig(size=224))
    assert ours.provenance == theirs.provenance and ours.source == theirs.source == SIDES
    for method in theirs.methods:
        np.testing.assert_array_equal(ours.cams(method), theirs.cams(method))
