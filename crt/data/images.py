"""Read images of any kind as one kind of array: upright RGB `uint8 (H, W, 3)`.

Formats are recognized by content, never by file name, and the pixel count is read from the header before anything is
decoded. Nothing global in Pillow is changed, so the functions are safe in threads and beside other libraries.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from crt.data.deep_tiff import decode_tiff
from crt.data.formats import FORMATS, HEAD_BYTES, HEIF, format_name, unreadable
from crt.data.heif import decode_heif
from crt.data.upright import SIDEWAYS, orientation_of, samples_to_rgb, upright_rgb
from crt.errors import InvalidImage, reason_of

MAX_PIXELS = 64_000_000  # a photo of 60 megapixels works; decoded it takes 192 MB

_EMPTY = "This file is empty; choose an image."

Source = str | Path | bytes | bytearray | memoryview | Image.Image | np.ndarray | torch.Tensor
"""One image: what `load_image` takes."""


def load_image(source: Source, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read an image of any kind as upright RGB.

    EXIF orientation is applied; transparency is laid over white; of an animation the first frame counts; 16-bit grey
    is divided by 257. Grey of 32 bits, whose white is not defined, is read by its range: floats up to 1 as [0, 1],
    values up to 255 as 8 bits, up to 65535 as 16 bits.

    Args:
        source: a path, the bytes of a file, a PIL image; an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of bool,
            uint8, uint16 (65535 is white) or float in [0, 1]; or a tensor (3, H, W) of uint8 or float in [0, 1], RGB,
            on any device, before it is normalized.
        max_pixels: the most H * W allowed; checked before decoding.

    Returns:
        (H, W, 3) uint8 RGB, C-contiguous, writable, sharing no memory with `source`.

    Raises:
        InvalidImage: everything else: not an image, damaged or cut off, too large, empty, NaN.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, torch.Tensor):
        return _from_tensor(source, max_pixels)
    if isinstance(source, Image.Image):
        if source.format is not None and source.format not in (*FORMATS, HEIF):
            raise InvalidImage(unreadable(source.format))
        return _decode(source, max_pixels)
    if isinstance(source, (bytes, bytearray, memoryview)):
        if not len(source):
            raise InvalidImage(_EMPTY)
        return _open(io.BytesIO(source), max_pixels)
    if isinstance(source, (str, Path)):
        return _from_path(source, max_pixels)
    raise InvalidImage(
        f"An image cannot be made from {type(source).__name__}; give a path, bytes, a PIL image, a NumPy array or a "
        "tensor."
    )


def load_reduced(data: bytes, least_side: int, *, max_pixels: int = MAX_PIXELS) -> tuple[np.ndarray, tuple[int, int]]:
    """Read a file as `load_image` does, a large JPEG at a half, a quarter or an eighth of its size.

    A JPEG decoder makes such an image from the lowest frequencies of each block, which costs a part of the time and
    memory of all its pixels. Every other format, and a JPEG that would fall below `least_side`, keeps its own size.

    Args:
        data: the bytes of a file.
        least_side: pixels that the longer side keeps at least: no fewer than those to which the image is resized.
        max_pixels: the most H * W of the file allowed.

    Returns:
        (h, w, 3) uint8 RGB, upright, and the height and width of the upright image in the file.

    Raises:
        InvalidImage: as `load_image` does.
    """
    size: tuple[int, int] | None = None

    def reduce(image: Image.Image) -> None:
        nonlocal size
        if not isinstance(image, JpegImageFile):
            return
        width, height = image.size
        size = (width, height) if orientation_of(image) in SIDEWAYS else (height, width)
        factor = least_side / max(size)
        if factor < 1:
            image.draft(None, (math.ceil(width * factor), math.ceil(height * factor)))

    if not data:
        raise InvalidImage(_EMPTY)
    pixels = _open(io.BytesIO(data), max_pixels, reduce)
    return pixels, size or (pixels.shape[0], pixels.shape[1])


def split_batch(images: Source | Sequence[Source]) -> list[Source] | None:
    """Take the images of a list, a tuple or a batch apart.

    Args:
        images: one image as `load_image` takes it, a list or tuple of those, an array (B, H, W, 3) or a tensor
            (B, 3, H, W).

    Returns:
        The images one by one, not yet read; None for one image, which is no batch.
    """
    if isinstance(images, list | tuple) or (isinstance(images, np.ndarray | torch.Tensor) and images.ndim == 4):
        return list(images)
    return None


def _from_path(path: str | Path, max_pixels: int) -> np.ndarray:
    try:
        path = Path(path)
        if path.is_dir():
            raise InvalidImage(f"{path} is a folder; choose an image file inside it.")
        if not path.is_file():  # also keeps devices and pipes out, which could be read without end
            raise InvalidImage(f"There is no file {path}; check the path.")
        if path.stat().st_size == 0:
            raise InvalidImage(f"The file {path} is empty; choose an image.")
        with path.open("rb") as file:
            return _open(file, max_pixels)
    except (OSError, ValueError) as error:  # no permission, a name too long, a NUL in the name
        raise InvalidImage(f"The file {path!s} cannot be opened ({_reason(error)}); check the path.") from error


def _open(file: IO[bytes], max_pixels: int, reduce: Callable[[Image.Image], None] | None = None) -> np.ndarray:
    """Identify the image in an open binary file and decode it; `reduce` is called with what Pillow reads, before."""
    name = format_name(file.read(HEAD_BYTES))
    file.seek(0)

    def check_size(width: int, height: int) -> None:
        _check_size(width, height, max_pixels)

    if name == "HEIC":
        return upright_rgb(decode_heif(file, check_size))
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        if name != "TIFF":
            raise InvalidImage(unreadable(name)) from error
        file.seek(0)
        return samples_to_rgb(decode_tiff(file, check_size))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidImage(f"This image is too large ({_reason(error)}); make it smaller first.") from error
    except Exception as error:  # Pillow's readers raise nearly any type on damaged headers
        raise InvalidImage(f"This image is damaged ({_reason(error)}); get an intact copy.") from error
    with image:
        return _decode(image, max_pixels, reduce)


def _decode(image: Image.Image, max_pixels: int, reduce: Callable[[Image.Image], None] | None = None) -> np.ndarray:
    """Check the header's size, then decode; without `reduce` the caller's image is only loaded, never changed."""
    _check_size(*image.size, max_pixels)
    try:
        if reduce is not None:
            reduce(image)
        image.load()
        return upright_rgb(image)
    except InvalidImage:
        raise
    except Exception as error:  # as above: OSError, SyntaxError, struct.error, ValueError, MemoryError, ...
        reason = _reason(error)
        raise InvalidImage(f"This image is damaged or cut off ({reason}); get an intact copy.") from error


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise InvalidImage("This image has no pixels; choose another one.")
    if width * height > max_pixels:
        raise InvalidImage(
            f"This image has {width} x {height} pixels, more than the {max_pixels:,} allowed; make it smaller first."
        )


def _from_array(array: np.ndarray, max_pixels: int) -> np.ndarray:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise InvalidImage(f"This array has shape {array.shape}; give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).")
    _check_size(array.shape[1], array.shape[0], max_pixels)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype.kind == "u" and array.dtype.itemsize == 2:
        array = np.rint(array / 257).astype(np.uint8)
    elif array.dtype.kind == "f":
        _check_unit_range("array", float(array.min()), float(array.max()))
        array = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise InvalidImage(f"This array holds {array.dtype}; give bool, uint8, uint16 or float in [0, 1].")
    return upright_rgb(Image.fromarray(np.ascontiguousarray(array)))


def _from_tensor(tensor: torch.Tensor, max_pixels: int) -> np.ndarray:
    """(3, H, W) uint8 or float in [0, 1] -> (H, W, 3) uint8."""
    if tensor.ndim != 3 or tensor.shape[0] != 3:
        raise InvalidImage(f"This tensor has shape {tuple(tensor.shape)}; give (3, H, W), red, green and blue.")
    if tensor.dtype != torch.uint8 and not tensor.is_floating_point():
        kind = str(tensor.dtype).removeprefix("torch.")
        raise InvalidImage(f"This tensor holds {kind}; give uint8, or float in [0, 1].")
    _check_size(tensor.shape[2], tensor.shape[1], max_pixels)
    if tensor.is_floating_point():
        low, high = (float(end) for end in tensor.detach().aminmax())
        _check_unit_range("tensor", low, high, " before the image is normalized")
        tensor = tensor.float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.array(tensor.detach().cpu().permute(1, 2, 0).numpy(), order="C")


def _check_unit_range(kind: str, low: float, high: float, when: str = "") -> None:
    """Raise InvalidImage for floats outside [0, 1], by more than the hair that interpolation may overshoot, and NaN."""
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # NaN fails too
        raise InvalidImage(
            f"This {kind} has values from {low:g} to {high:g}; give floats in [0, 1], without NaN{when}."
        )


def _reason(error: BaseException) -> str:
    """The message of an exception, short enough for one sentence."""
    return reason_of(error)[:160]
