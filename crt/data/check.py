"""Whether all images and masks of a data set can be read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from crt.data.base import ImageDataset, Sample
from crt.data.error_collector import ErrorCollector
from crt.errors import InvalidImage, reason_of


def check_images(image_set: ImageDataset, workers: int = 0) -> None:
    """Decode every image once, and compare each mask's size with its image's.

    Args:
        image_set: that is read.
        workers: threads that decode side by side; 0 decodes in the calling thread.

    Raises:
        InvalidDataset: images or masks cannot be used; the message lists them.
    """
    problems = ErrorCollector("The image set")
    if workers > 0:
        with ThreadPoolExecutor(workers) as pool:
            reports = list(pool.map(_check_sample, image_set.samples))
    else:
        reports = [_check_sample(sample) for sample in image_set.samples]
    for sample, report in zip(image_set.samples, reports, strict=True):
        if report is not None:
            kind, detail = report
            problems.add(kind, f"{sample.id} ({detail})")
    problems.raise_if_any()


def _check_sample(sample: Sample) -> tuple[str, str] | None:
    """(kind, detail) of the first problem with a sample, or None."""
    from crt.data.images import load_image  # noqa: PLC0415 - reading file lists need not wait for torch

    try:
        height, width = load_image(sample.image).shape[:2]
    except InvalidImage as error:
        return "unusable image", reason_of(error)
    if sample.mask is None:
        return None
    try:
        mask_height, mask_width = load_image(sample.mask).shape[:2]
    except InvalidImage as error:
        return "unusable mask", reason_of(error)
    if (mask_height, mask_width) != (height, width):
        return "mask of another size", f"image {width}x{height}, mask {mask_width}x{mask_height}"
    return None
