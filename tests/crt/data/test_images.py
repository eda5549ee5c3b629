"""`crt.data.images`: every kind of image a user may bring, and every kind of thing that is none."""

import contextlib
import io
import struct
import time
import warnings
import zlib
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageFile

from crt.data.images import FORMATS, MAX_PIXELS, load_image, load_reduced
from crt.data.resizing import resize_long_side, resize_scale, to_tensor
from crt.errors import InvalidImage, InvalidSetting
from crt.types import IMAGENET_MEAN, IMAGENET_STD

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (12, 20, 3), dtype=np.uint8)
ROWS, COLUMNS = np.mgrid[0:160:4, 0:240:4]
SMOOTH = np.stack([COLUMNS, ROWS, np.full_like(ROWS, 90)], axis=2).astype(np.uint8)
LOSSY = {"JPEG": 12, "WEBP": 20, "AVIF": 20}  # largest error allowed on a smooth image


def encode(image, format, **options) -> bytes:
    """The file of a PIL image or array in memory."""
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, format, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def assert_image(array, shape):
    assert array.dtype == np.uint8 and array.shape == shape
    assert array.flags.c_contiguous and array.flags.writeable


# --- kinds of source -------------------------------------------------------------------------------------------------


def test_every_source_gives_the_same_image(tmp_path):
    data = encode(RGB, "PNG")
    path = tmp_path / "image.txt"  # the name has no meaning
    path.write_bytes(data)
    sources = (path, str(path), data, bytearray(data), memoryview(data), Image.fromarray(RGB), Image.open(path), RGB)
    for source in sources:
        image = load_image(source)
        assert_image(image, RGB.shape)
        np.testing.assert_array_equal(image, RGB)
        assert not np.shares_memory(image, RGB)


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "MPO"])
def test_formats(format):
    image = load_image(encode(SMOOTH, format))
    assert_image(image, SMOOTH.shape)
    if format != "GIF":  # its 256 colours do not test the reader
        assert np.abs(image.astype(int) - SMOOTH).max() <= LOSSY.get(format, 0)


def test_mpo_gives_its_first_image():
    first, second = Image.fromarray(SMOOTH), Image.new("RGB", (60, 40))
    data = encode(first, "MPO", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert np.abs(load_image(data).astype(int) - SMOOTH).max() <= LOSSY["JPEG"]


@pytest.mark.parametrize("format", ["TGA", "ICO", "PCX", "JPEG2000", "SGI"])
def test_readable_but_not_allowed(format, tmp_path):
    path = tmp_path / "image.png"
    path.write_bytes(encode(Image.fromarray(SMOOTH).resize((32, 32)), format))
    with pytest.raises(InvalidImage, match="not an image this program can read"):
        load_image(path)
    with Image.open(path) as image, pytest.raises(InvalidImage, match="not an image this program can read"):
        load_image(image)


# --- colour, depth, transparency -------------------------------------------------------------------------------------

ARRAYS = {
    "bool": (np.array([[True, False]]), [[255, 0]]),
    "uint8": (np.array([[7, 250]], np.uint8), [[7, 250]]),
    "uint8 with a channel": (np.array([[[7], [250]]], np.uint8), [[7, 250]]),
    "uint16": (np.array([[0, 257, 32768, 65535]], np.uint16), [[0, 1, 128, 255]]),
    "uint16 big-endian": (np.array([[0, 65535]], ">u2"), [[0, 255]]),
    "float": (np.array([[0.0, 0.5, 1.0]]), [[0, 128, 255]]),
    "float16": (np.array([[0.0, 1.0]], np.float16), [[0, 255]]),
    "overshoot": (np.array([[-1e-4, 1.0001]], np.float32), [[0, 255]]),
}


@pytest.mark.parametrize(("array", "grey"), ARRAYS.values(), ids=ARRAYS)
def test_grey_arrays(array, grey):
    np.testing.assert_array_equal(load_image(array), np.repeat(np.array(grey, np.uint8)[:, :, None], 3, axis=2))


def test_colour_arrays():
    np.testing.assert_array_equal(load_image(RGB.astype(np.uint16) * 257), RGB)
    np.testing.assert_array_equal(load_image(RGB / 255), RGB)
    np.testing.assert_array_equal(load_image(RGB[::-1, ::2]), RGB[::-1, ::2])
    alpha = np.concatenate([RGB, np.zeros_like(RGB[:, :, :1])], axis=2)
    assert (load_image(alpha) == 255).all()
    alpha[:, :, 3] = 255
    np.testing.assert_array_equal(load_image(alpha), RGB)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_scaled(format):
    values = np.array([[0, 128, 257, 1000, 32896, 65535]], np.uint16)
    expected = np.repeat(np.rint(values / 257).astype(np.uint8)[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(load_image(encode(values, format)), expected)


def test_dark_sixteen_bit_grey_stays_dark():
    values = np.full((2, 2), 200, np.uint16)
    assert (load_image(encode(values, "PNG")) == 1).all()
    assert (load_image(encode(values, "PPM")) == 1).all()


@pytest.mark.parametrize("mode", ["I", "F"])
def test_thirty_two_bit_grey(mode):
    grey = Image.fromarray(RGB[:, :, 0])
    for source in (grey.convert(mode), encode(grey.convert(mode), "TIFF")):
        np.testing.assert_array_equal(load_image(source)[:, :, 1], RGB[:, :, 0])
    wide = Image.fromarray(np.array([[0, 65535]], np.int32 if mode == "I" else np.float32))
    assert load_image(wide)[0, :, 0].tolist() == [0, 255]
    with pytest.raises(InvalidImage, match="grey values"):
        load_image(Image.fromarray(np.array([[0, 70000]], np.int32 if mode == "I" else np.float32)))


def test_float_grey():
    assert load_image(Image.fromarray(np.array([[0, 1]], np.float32)))[0, :, 0].tolist() == [0, 255]
    with pytest.raises(InvalidImage, match="nan"):
        load_image(Image.fromarray(np.array([[0, np.nan]], np.float32)))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGBa", "La"])
def test_alpha_is_laid_over_white(mode):
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    if mode == "La":
        image = image.convert("LA")
    image = image.convert(mode)
    assert load_image(image)[0, :, 0].tolist() == [0, 255, 127]


def test_palette_with_an_alpha_channel():
    image = Image.new("P", (2, 1))
    image.putpalette([1, 2, 3, 4, 5, 6])
    image = image.convert("PA")
    image.putpixel((1, 0), (1, 0))
    assert load_image(image)[0].tolist() == [[1, 2, 3], [255, 255, 255]]


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_palette_with_transparency(format):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    data = encode(image, format, transparency=1)
    assert load_image(data)[0].tolist() == [[10, 20, 30], [255, 255, 255], [70, 80, 90]]


def test_palette_with_graded_transparency():
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([0, 0, 0] * 3)
    assert load_image(encode(image, "PNG", transparency=b"\xff\x80\x00"))[0, :, 0].tolist() == [0, 127, 255]


@pytest.mark.parametrize(("dtype", "key"), [(np.uint8, 7), (np.uint16, 1799)])
def test_colour_key_of_grey_png(dtype, key):
    values = np.array([[0, key]], dtype)
    assert load_image(encode(values, "PNG", transparency=key))[0, :, 0].tolist() == [0, 255]


def test_colour_key_of_rgb_png():
    values = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    assert load_image(encode(values, "PNG", transparency=(1, 2, 3)))[0].tolist() == [[255] * 3, [4, 5, 6]]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_other_modes(mode):
    image = Image.new("RGB", (4, 2), "white")
    image.paste("black", (0, 0, 2, 2))
    pixels = load_image(image.convert(mode))
    assert_image(pixels, (2, 4, 3))
    assert (pixels[:, :2] == 0).all() and (pixels[:, 2:] == 255).all()


def test_lab():
    assert (load_image(Image.new("LAB", (2, 2), (255, 128, 128))) >= 254).all()


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_files_are_not_inverted(format):
    image = Image.new("RGB", (16, 16), (200, 30, 60))
    pixels = load_image(encode(image.convert("CMYK"), format))  # Pillow writes JPEG as Adobe does: inverted
    assert np.abs(pixels.astype(int) - (200, 30, 60)).max() <= 6


def test_one_bit_file():
    bits = np.array([[True, False, True]])
    assert load_image(encode(Image.fromarray(bits), "PNG"))[0, :, 2].tolist() == [255, 0, 255]


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animation_gives_its_first_frame(format):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("black", "white", "red")]
    data = encode(frames[0], format, save_all=True, append_images=frames[1:])
    assert cast("Any", Image.open(io.BytesIO(data))).n_frames == 3
    assert load_image(data).max() <= 2


# --- orientation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_exif_orientation(orientation, format):
    turned = {
        2: SMOOTH[:, ::-1],
        3: SMOOTH[::-1, ::-1],
        4: SMOOTH[::-1],
        5: SMOOTH.transpose(1, 0, 2),
        6: np.rot90(SMOOTH, -1),
        7: np.rot90(SMOOTH, 2).transpose(1, 0, 2),
        8: np.rot90(SMOOTH),
    }
    expected = turned.get(orientation, SMOOTH)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(SMOOTH, format, exif=exif)
    for source in (data, Image.open(io.BytesIO(data))):
        image = load_image(source)
        assert_image(image, expected.shape)
        assert np.abs(image.astype(int) - expected).max() <= LOSSY.get(format, 0)


def test_broken_exif_does_not_cost_the_image():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert load_image(encode(SMOOTH, "JPEG", exif=b"Exif\0\0garbage")).shape == SMOOTH.shape


# --- size ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 4000), (4000, 1)])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP"])
def test_extreme_shapes(height, width, format):
    assert_image(load_image(encode(np.zeros((height, width, 3), np.uint8), format)), (height, width, 3))


def test_sixty_megapixels_are_allowed():
    assert MAX_PIXELS >= 9504 * 6336  # a camera of 60 megapixels
    assert load_image(encode(Image.new("1", (9504, 6336)), "PNG")).shape == (6336, 9504, 3)


@pytest.mark.parametrize(
    ("width", "height"), [(8001, 8000), (10_000, 10_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)]
)
@pytest.mark.parametrize("action", ["default", "ignore", "error"])
def test_bombs_are_refused_from_the_header(width, height, action):
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        if action == "default":  # Pillow may warn besides; what counts is our error
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(InvalidImage, match="smaller"):
            load_image(png_header(width, height))
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("source", [RGB, encode(RGB, "PNG"), Image.fromarray(RGB)], ids=["array", "bytes", "pil"])
def test_max_pixels_is_a_choice(source):
    assert load_image(source, max_pixels=240).shape == (12, 20, 3)
    with pytest.raises(InvalidImage, match="20 x 12 pixels, more than the 239 allowed"):
        load_image(source, max_pixels=239)


# --- damage and nonsense ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "MPO"])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_truncated_files_are_refused(format, share):
    noise = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encode(noise, format)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InvalidImage):
            load_image(data[: int(len(data) * share)])
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_truncated_progressive_jpeg_is_refused():
    data = encode(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8), "JPEG", progressive=True)
    with pytest.raises(InvalidImage, match="damaged or cut off"):
        load_image(data[: len(data) // 2])


def test_paths_that_are_no_images(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not an image")
    with pytest.raises(InvalidImage, match="is empty"):
        load_image(tmp_path / "empty.jpg")
    with pytest.raises(InvalidImage, match="not an image"):
        load_image(tmp_path / "text.jpg")
    with pytest.raises(InvalidImage, match="is a folder"):
        load_image(tmp_path)
    for missing in (tmp_path / "missing.jpg", "", "a\0b", "x" * 5000, "https://example.org/cat.jpg"):
        with pytest.raises(InvalidImage):
            load_image(missing)


NONSENSE = {
    "none": None,
    "number": 3,
    "list": [[1, 2]],
    "tensor": torch.zeros(4, 4, 3),
    "empty bytes": b"",
    "text": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "one dimension": np.zeros(4, np.uint8),
    "four dimensions": np.zeros((1, 4, 4, 3), np.uint8),
    "two channels": np.zeros((4, 4, 2), np.uint8),
    "channels first": np.zeros((3, 4, 5), np.uint8),
    "no rows": np.zeros((0, 4, 3), np.uint8),
    "no columns": np.zeros((4, 0), np.float32),
    "int64": np.zeros((4, 4), np.int64),
    "objects": np.full((4, 4), None),
    "nan": np.full((4, 4), np.nan),
    "infinity": np.full((4, 4), np.inf),
    "above one": np.full((4, 4), 200.0),
    "below zero": np.full((4, 4), -0.5),
}


@pytest.mark.parametrize("source", NONSENSE.values(), ids=NONSENSE)
def test_invalid_values_are_refused_in_one_sentence(source):
    with pytest.raises(InvalidImage) as caught:
        load_image(source)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message


def test_closed_pil_image_is_refused():
    image = Image.open(io.BytesIO(encode(RGB, "PNG")))
    image.close()
    with pytest.raises(InvalidImage):
        load_image(image)


SIGNATURES = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"P6 ", b"Pf\n"]
SIGNATURES += [b"RIFF\x10\0\0\0WEBPVP8 ", b"\0\0\0\x1cftypavif"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SIGNATURES), st.binary(max_size=200))
def test_random_bytes_never_raise_anything_else(signature, tail):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = load_image(signature + tail, max_pixels=100_000)
        except InvalidImage:
            return
    assert image.dtype == np.uint8 and image.ndim == 3  # by chance it was an image


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255), st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]))
def test_damaged_files_never_raise_anything_else(position, value, format):
    data = bytearray(encode(SMOOTH, format))
    data[position % len(data)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(InvalidImage):
            assert load_image(bytes(data), max_pixels=10_000_000).ndim == 3


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_random_arrays_round_trip(array):
    for source in (array, Image.fromarray(array), encode(array, "PNG"), encode(array, "BMP")):
        np.testing.assert_array_equal(load_image(source), array)


# --- resizing and tensors --------------------------------------------------------------------------------------------


def test_resize_long_side():
    assert resize_long_side(RGB, 40).shape == (24, 40, 3)
    assert resize_long_side(RGB.transpose(1, 0, 2), 10).shape == (10, 6, 3)
    assert resize_long_side(RGB, 20) is RGB
    assert resize_long_side(np.zeros((1, 4000, 3), np.uint8), 448).shape == (1, 448, 3)
    expected = Image.fromarray(RGB).resize((40, 24), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(resize_long_side(RGB, 40), np.asarray(expected))
    for size in (0, -1):
        with pytest.raises(InvalidSetting):
            resize_long_side(RGB, size)


def test_resize_scale():
    assert resize_scale(RGB, 0.5).shape == (6, 10, 3)
    assert resize_scale(RGB, 0.001).shape == (1, 1, 3)
    assert resize_scale(RGB, 1.0) is RGB
    for factor in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InvalidSetting):
            resize_scale(RGB, factor)


def test_to_tensor():
    tensor = to_tensor(RGB[::-1])
    assert tensor.shape == (1, 3, 12, 20) and tensor.dtype == torch.float32 and tensor.is_contiguous()
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (IMAGENET_MEAN, IMAGENET_STD))
    restored = ((tensor * std + mean) * 255).round().byte()[0].permute(1, 2, 0)
    np.testing.assert_array_equal(restored.numpy(), RGB[::-1])


@pytest.mark.parametrize("wrong", [RGB / 255, RGB[:, :, 0], RGB[:, :, :2], None], ids=["float", "grey", "two", "none"])
def test_wrong_arrays_are_refused(wrong):
    for function in (to_tensor, lambda image: resize_scale(image, 2), lambda image: resize_long_side(image, 2)):
        with pytest.raises(InvalidImage, match="uint8 array"):
            function(wrong)


# --- large JPEGs at a part of their size -----------------------------------------------------------------------------


def photo(width: int, height: int, seed: int = 3) -> Image.Image:
    """Smooth, with a bright corner, so that a turned or mirrored image is another one."""
    small = np.random.default_rng(seed).integers(0, 128, (6, 8, 3), dtype=np.uint8)
    small[0, 0] = 255
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def oriented(value: int) -> dict[str, Any]:
    exif = Image.Exif()
    exif[0x0112] = value
    return {"exif": exif}


@pytest.mark.parametrize(
    ("least_side", "factor"), [(1201, 1), (1200, 1), (601, 1), (600, 2), (301, 2), (300, 4), (9, 8)]
)
def test_a_large_jpeg_is_read_at_the_smallest_size_that_keeps_a_side(least_side, factor):
    pixels, size = load_reduced(encode(photo(1200, 800), "JPEG"), least_side)
    assert size == (800, 1200) and pixels.shape == (800 // factor, 1200 // factor, 3)
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous and pixels.flags.writeable


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_reduced_jpeg_is_the_resized_image_upright_and_rgb(mode, orientation):
    data = encode(photo(640, 400).convert(mode), "JPEG", quality=95, **oriented(orientation))
    pixels, size = load_reduced(data, 160)
    whole = load_image(data)
    assert size == whole.shape[:2] and pixels.shape == (size[0] // 4, size[1] // 4, 3)
    wanted = resize_long_side(whole, 160)
    assert np.abs(pixels.astype(int) - wanted).mean() < 2 and np.abs(pixels.astype(int) - wanted).max() < 16


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"subsampling": 0}, {"subsampling": 2}, {"restart_marker_rows": 1}]
)
def test_every_kind_of_jpeg_is_reduced(options):
    data = encode(photo(640, 400), "JPEG", quality=95, **options)
    pixels, _ = load_reduced(data, 160)
    assert pixels.shape == (100, 160, 3)
    assert np.abs(pixels.astype(int) - resize_long_side(load_image(data), 160)).max() < 16


def test_a_jpeg_of_several_images_is_reduced_to_its_first():
    data = encode(photo(640, 400), "MPO", quality=95, save_all=True, append_images=[photo(640, 400, seed=4)])
    pixels, size = load_reduced(data, 160)
    assert size == (400, 640) and pixels.shape == (100, 160, 3)
    assert np.abs(pixels.astype(int) - resize_long_side(load_image(data), 160)).max() < 16


@pytest.mark.parametrize("format", ["PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_other_formats_are_read_at_their_own_size(format):
    data = encode(photo(640, 400), format)
    pixels, size = load_reduced(data, 160)
    assert size == (400, 640)
    np.testing.assert_array_equal(pixels, load_image(data))


def test_a_reduced_jpeg_that_is_damaged_empty_or_too_large_is_refused():
    data = encode(photo(640, 400), "JPEG")
    with pytest.raises(InvalidImage, match="damaged or cut off"):
        load_reduced(data[: len(data) // 2], 160)
    with pytest.raises(InvalidImage, match="empty"):
        load_reduced(b"", 160)
    with pytest.raises(InvalidImage, match="640 x 400 pixels"):
        load_reduced(data, 160, max_pixels=640 * 400 - 1)
    with pytest.raises(InvalidImage, match="not an image"):
        load_reduced(b"no image", 160)


def test_the_image_of_a_caller_is_never_reduced():
    image = Image.open(io.BytesIO(encode(photo(640, 400), "JPEG")))
    assert load_image(image).shape == (400, 640, 3) and image.size == (640, 400)


def test_a_photo_of_24_megapixels_is_read_in_a_part_of_the_time():
    """Seconds of the processor in one run; the fastest of some, since others use its cache as well."""
    noise = np.random.default_rng(0).integers(0, 256, (250, 375, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise).resize((6000, 4000), Image.Resampling.BICUBIC), "JPEG", quality=85)

    def seconds(read) -> float:
        began = time.process_time()
        read()
        return time.process_time() - began

    whole = min(seconds(lambda: load_image(data)) for _ in range(3))
    part = min(seconds(lambda: load_reduced(data, 2688)) for _ in range(3))
    assert part < 0.7 * whole
