"""Decoded images of any mode, depth and orientation as upright RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

from crt.errors import InvalidImage

# EXIF tag 0x0112 -> what makes the image upright (EXIF 2.32, table 4.6.4; the same as ImageOps.exif_transpose).
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

SIDEWAYS = range(5, 9)
"""The orientations that exchange height and width."""


def upright_rgb(image: Image.Image) -> np.ndarray:
    """Turn an image as its EXIF orientation says, and lay transparency over white.

    Args:
        image: loaded, of any mode. Grey of more than 8 bits is divided by 257 where white is 65535, and else read by
            the range of its values.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InvalidImage: grey values below 0, above 65535 or NaN.
    """
    turn = _TURNS.get(orientation_of(image) or 1)  # after load: Pillow turns TIFFs itself then, and clears their tag
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_deep_grey(image))
    if image.has_transparency_data:
        # Pillow turns premultiplied grey into RGBA only by way of LA.
        layer = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        image = Image.new("RGB", layer.size, "white")
        image.paste(layer, mask=layer.getchannel("A"))
    elif image.mode != "RGB":
        image = image.convert("RGB")
    if turn is not None:
        image = image.transpose(turn)
    return np.array(image)


def orientation_of(image: Image.Image) -> int | None:
    """The EXIF orientation of an image (EXIF 2.32, table 4.6.4).

    Args:
        image: with the EXIF of its file, which may be damaged.

    Returns:
        1 … 8 in a file that follows the standard; None where there is none that can be read.
    """
    try:
        value = image.getexif().get(_ORIENTATION_TAG)
    except Exception:  # noqa: BLE001 - Pillow raises many kinds for damaged EXIF
        return None
    return value if isinstance(value, int) else None


def _deep_grey(image: Image.Image) -> np.ndarray:
    """Modes I;16*, I and F -> (H, W) uint8; Pillow's own conversion would clip at 255 instead of scaling."""
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high <= 65535:  # NaN fails too
        raise InvalidImage(f"This image has grey values from {low:g} to {high:g}; save it with 8 or 16 bits.")
    # Pillow gives 16-bit PGM, and in older versions 16-bit PNG, as mode I: there white is 65535 whatever the range.
    sixteen = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    grey = values / (257 if sixteen else _unit(values.dtype, high))
    grey = np.rint(grey)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255  # laid over white
    return grey.astype(np.uint8)


def _unit(dtype: np.dtype, high: float) -> float:
    """What one level of 8 bits is worth in samples whose white is not defined, by their largest value."""
    if high > 255:
        return 257.0
    return 1 / 255 if dtype.kind == "f" and high <= 1 else 1.0


def samples_to_rgb(values: np.ndarray) -> np.ndarray:
    """Read samples whose white is not defined by the range of their values.

    Args:
        values: (H, W), (H, W, 3) or (H, W, 4) of any depth.

    Returns:
        (H, W, 3) uint8, transparency over white.

    Raises:
        InvalidImage: values below 0, above 65535 or NaN.
    """
    levels = np.empty(values.shape, np.uint8)
    colour = np.s_[..., :3] if values.ndim == 3 else np.s_[:, :]
    for part in (colour, np.s_[..., 3:]) if values.shape[2:] == (4,) else (colour,):
        low, high = float(values[part].min()), float(values[part].max())
        if not 0 <= low <= high <= 65535:  # NaN fails too
            raise InvalidImage(f"This TIFF file has values from {low:g} to {high:g}; save it with 8 or 16 bits.")
        levels[part] = np.rint(values[part] / _unit(values.dtype, high))
    return upright_rgb(Image.fromarray(levels))
