"""A file of a Prediction may come from anywhere: `load` raises InvalidPrediction or gives one that works."""

import io
import json
import pickle
import re
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crt.checkpoint import load_checkpoint
from crt.models.outputs import VitOutputs
from crt.models.tiles import MODES
from crt.prediction import Prediction
from crt.prediction_io import InvalidPrediction
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

ODD = st.sampled_from([0, -1, 1, 2, 17, 2**31, 10**400, 0.5, True, "crt", "conv", "tokens", "released", *MODES, [], {}])
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | ODD
JSON = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("tiny"))))


@pytest.fixture(scope="module", params=MODES[:3])
def stored(predictor, request):
    """Header and arrays of a file with both kinds of record."""
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    wanted = InferenceConfig(
        size=96, loops=2, methods=("crt", "resnet"), mode=request.param, heads=request.param == "bilinear"
    )
    stream = io.BytesIO()
    predictor.predict(image, wanted).save(stream)
    with np.load(io.BytesIO(stream.getvalue())) as found:
        arrays = {name: found[name] for name in found.files}
    return json.loads(str(arrays.pop("header"))), arrays


def written(header, arrays):
    stream = io.BytesIO()
    np.savez(stream, header=np.array(json.dumps(header)), **arrays)
    return stream.getvalue()


def refused_or_usable(content):
    """The reason why the file is refused, or None after everything was asked of the Prediction."""
    try:
        prediction = Prediction.load(io.BytesIO(content))
    except InvalidPrediction as error:
        return str(error)
    for method in prediction.methods:
        loops = prediction.clamp(method, 8)
        assert np.isfinite(prediction.content_size(method)).all()
        assert (
            prediction.cams(method, loops=loops).shape[0]
            == prediction.scores(method, loops).shape[0]
            == len(prediction.classes)
        )
        if isinstance(prediction.records[method], VitOutputs):
            assert prediction.attention(method, loops=loops).shape == prediction.grid.patch_cells
    prediction.save(io.BytesIO())
    return None


def paths(header, before=()):
    """The way to every entry of nested dictionaries and lists."""
    for key in header if isinstance(header, dict) else range(len(header)):
        yield (*before, key)
        if isinstance(header[key], dict | list):
            yield from paths(header[key], (*before, key))


def test_what_was_saved_is_accepted(stored):
    assert refused_or_usable(written(*stored)) is None


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_a_header_of_any_content(stored, data):
    header, arrays = json.loads(json.dumps(stored[0])), stored[1]
    *way, last = data.draw(st.sampled_from(sorted(paths(header), key=str)))
    inner = header
    for key in way:
        inner = inner[key]
    if data.draw(st.booleans()):
        inner[last] = data.draw(JSON)
    else:
        del inner[last]
    refused_or_usable(written(header, arrays))


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_an_array_of_any_shape_and_type(stored, data):
    header, arrays = stored[0], dict(stored[1])
    name = data.draw(st.sampled_from(sorted(arrays)))
    shape = list(arrays[name].shape)
    axis = data.draw(st.integers(0, len(shape) - 1))
    change = data.draw(st.sampled_from(["longer", "shorter", "empty", "dropped", "added", "any"]))
    if change in ("longer", "shorter", "empty"):
        shape[axis] = {"longer": shape[axis] + 1, "shorter": shape[axis] - 1, "empty": 0}[change]
    elif change == "any":
        shape = data.draw(st.lists(st.integers(0, 4), max_size=6))
    else:
        shape[axis : axis + (change == "dropped")] = [1] * (change == "added")
    kind = data.draw(st.sampled_from(["<f4", "<f4", ">f4", "<f2", "<f8", "<i4", "?", "<c8", "<U3", "<M8[s]", "V4"]))
    arrays[name] = np.zeros(shape, dtype=kind)
    reason = refused_or_usable(written(header, arrays))
    same = tuple(shape) == stored[1][name].shape
    if kind != "<f4" or not (same or name == "crt.cls_attn"):  # rows of other blocks and heads may be right
        assert reason is not None


@settings(deadline=None, max_examples=200)
@given(
    kind=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]),
    data=st.data(),
)
def test_a_file_with_bytes_of_any_value(stored, kind, data):
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(written(*stored))) as whole, zipfile.ZipFile(stream, "w", kind) as copy:
        for name in whole.namelist():
            copy.writestr(name, whole.read(name))
    content = bytearray(stream.getvalue())
    where = st.integers(0, 200) | st.integers(0, len(content) - 1) | st.integers(len(content) - 900, len(content) - 1)
    for position, value in data.draw(st.lists(st.tuples(where, st.integers(0, 255)), min_size=1, max_size=5)):
        content[position] = value
    refused_or_usable(bytes(content))


@settings(deadline=None, max_examples=100)
@given(
    name=st.sampled_from(["header", "crt.cls_attn"]),
    text=st.text(max_size=60) | st.sampled_from(["(" * 300, "{'a", "'''", "1_"]),
)
@example(name="header", text="[" * 100_000)
def test_a_member_that_is_no_array(stored, name, text):
    plain, proper = text.encode(), io.BytesIO()
    np.save(proper, np.array(text))  # an array, but of other text
    for content in (plain, b"\x93NUMPY\x02\x00" + len(plain).to_bytes(4, "little") + plain, proper.getvalue()):
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(written(*stored))) as whole, zipfile.ZipFile(stream, "w") as copy:
            for member in whole.namelist():
                copy.writestr(member, content if member == f"{name}.npy" else whole.read(member))
        assert refused_or_usable(stream.getvalue()) is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": 1}, "schema 1, this program reads 4"),
        ({"schema": None}, "schema None, this program reads 4"),
        (
            {"classes": ["a", "b"]},
            r"cams is float32 \(3, .*, not float32 \(2, |crt\.cams is float32 .*, 3, .*, not .*, 2, ",
        ),
        ({"classes": "abc"}, "not a list of names"),
        ({"source": [90, -120]}, "not whole numbers"),
        ({"source": [90, 10**400]}, "not whole numbers"),
        ({"timings": {"read": True}}, "timings or provenance"),
        ({"kinds": {"deit": "tokens"}}, "others than resnet, tscam, crt, crt_cnn"),
        ({"kinds": {"crt": "tokens", "tscam": "tokens"}}, r"tscam\.cams"),
        ({"height": 97}, r"(crt|resnet)\.cams is float32"),
        ({"tile": 96}, r"crt\.(cams|cls_attn) is float32"),
        ({"patch": 8}, r"crt\.(cams|cls_attn) is float32"),
        ({"mode": "diagonal"}, "Unknown cut-merge mode 'diagonal': choose one of .*deconvolution\\.$"),
        ({"width": 96.0}, "not whole numbers"),
    ],
)
def test_the_message_has_the_reason(stored, change, reason):
    header, arrays = stored
    inside = set(change) <= set(header["grid"])
    changed = {**header, "grid": {**header["grid"], **change}} if inside else {**header, **change}
    assert re.search(reason, present(refused_or_usable(written(changed, arrays))))


@pytest.mark.parametrize(
    ("lead", "accepted"),
    [((2, 3), True), ((2, 3, 4), True), ((2,), False), ((2, 0), False), ((2, 3, 0), False), ((2, 3, 4, 1), False)],
)
def test_rows_have_passes_blocks_and_perhaps_heads(stored, lead, accepted):
    header, arrays = stored
    rows = np.zeros((*lead, *arrays["crt.cls_attn"].shape[-2:]), dtype=np.float32)
    reason = refused_or_usable(written(header, {**arrays, "crt.cls_attn": rows}))
    assert (reason is None) if accepted else ("crt has no loop count, block or head" in present(reason))


def test_a_prediction_without_a_loop_count_is_refused(stored):
    header, arrays = stored
    for name in ("cams", "similarity", "scores"):
        arrays = {**arrays, f"crt.{name}": arrays[f"crt.{name}"][:0]}
    assert "crt has no loop count" in present(refused_or_usable(written(header, arrays)))


def declaring(content, size):
    """The same file, whose directory has `size` bytes for its first member when unpacked."""
    data = bytearray(content)
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = size.to_bytes(4, "little")
    return bytes(data)


def test_a_bomb_is_refused_before_it_is_unpacked(stored, monkeypatch):
    content = written(*stored)
    read = []
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda self, n=-1: read.append(n) or b"")
    reason = refused_or_usable(declaring(content, 2**31))
    assert reason is not None and re.fullmatch(
        r"This file would unpack to \d{4} MiB, .* at most 1024: make .*\.", reason
    )
    assert not read


def test_a_file_with_a_smaller_declared_size_is_not_unpacked_further(stored):
    reason = refused_or_usable(declaring(written(*stored), 60))
    assert reason is not None and "not a Prediction" in reason


def test_a_real_bomb_costs_no_memory(tmp_path):
    size = 20 * 2**20
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("header.npy", bytes(size))
        for number in range(60):
            bomb.writestr(f"{number}.npy", bytes(size))
    assert path.stat().st_size < 3 * 2**20
    tracemalloc.start()
    with pytest.raises(InvalidPrediction, match="unpack to 1220 MiB"):
        Prediction.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 4


def test_pickled_arrays_are_never_opened(stored):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    header, arrays = stored
    for name in ("crt.cams", "resnet.scores"):
        hostile = {**arrays, name: np.array([Bomb()], dtype=object)}
        reason = refused_or_usable(written(header, hostile))
        assert reason is not None and "allow_pickle" in reason
    stream = io.BytesIO()
    np.savez(stream, header=np.array([Bomb()], dtype=object), **arrays)
    assert "not a Prediction" in present(refused_or_usable(stream.getvalue()))
    for content in (pickle.dumps(Bomb()), b"\x93NUMPY" + pickle.dumps(Bomb())):
        assert "not a Prediction" in present(refused_or_usable(content))
