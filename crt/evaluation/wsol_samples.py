"""The images of a single-label data set with the CAMs of their class, one run of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from crt.data import ImageDataset, Sample
from crt.data.images import load_image
from crt.errors import InvalidDataset, count_of
from crt.evaluation.wsol_transform import ToImage, WsolTransform
from crt.multiscale import MethodSpec
from crt.predictor import InferenceConfig, Predictor
from crt.pseudo_labels.label_png import read_labels
from crt.resample import resize_map, upsample_cam


@dataclass(frozen=True)
class WsolSample:
    """One image with the CAMs of its class.

    Attributes:
        sample: the image.
        maps: (h, w) float32 of its class on the pixels of the networks' input, by kind.
        logits: (C,) float32 of the network that made the map, by kind.
        to_image: takes boxes from pixels of the input to pixels of the image.
        size: height and width of the image.
    """

    sample: Sample
    maps: dict[str, np.ndarray]
    logits: dict[str, np.ndarray]
    to_image: ToImage
    size: tuple[int, int]

    @cached_property
    def mask(self) -> np.ndarray | None:
        """(H, W) uint8 of the image, not 0 on the object; None without one. Raises InvalidDataset."""
        return truth_mask(self.sample, self.size)

    def on_image(self, cam: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
        """Put a map on the image.

        Args:
            cam: (h, w) on the pixels of the networks' input.
            size: height and width of the image.

        Returns:
            (H, W) float32; the map's minimum outside the input.
        """
        height, width = cam.shape
        x0, y0, x1, y1 = np.rint(self.to_image([[0, 0, width, height]])[0]).astype(int)
        whole = np.full(size, cam.min(), dtype=np.float32)
        whole[y0:y1, x0:x1] = resize_map(cam, (y1 - y0, x1 - x0))
        return whole


def run_samples(
    predictor: Predictor, images: ImageDataset, specs: Mapping[str, MethodSpec], transform: WsolTransform
) -> Iterator[WsolSample]:
    """Run each image once, as a transform makes it.

    Args:
        predictor: whose networks make the maps.
        images: with boxes, over the classes of the checkpoint.
        specs: kinds of maps by name.
        transform: makes the networks' input.

    Yields:
        The images in order, with the map of their class by every spec.

    Raises:
        InvalidDataset: other classes, or an image without a box.
    """
    if tuple(images.classes) != tuple(predictor.checkpoint.config.classes):
        raise InvalidDataset("The classes of the data are not those of the checkpoint.")
    if bare := [sample.id for sample in images.samples if not sample.boxes]:
        raise InvalidDataset(f"{count_of(len(bare), 'image')} with no box, {bare[0]} among them: give all boxes.")
    settings = InferenceConfig(
        size=None,
        mode=predictor.checkpoint.config.modes[0],
        loops=max((spec.spec.loops for spec in specs.values()), default=0),
        methods=tuple({spec.method for spec in specs.values()}),
    )
    for sample in images.samples:
        image = load_image(sample.image)
        seen, to_image = transform.of(image)
        prediction = predictor.predict(seen, settings)
        maps, logits = {}, {}
        for name, want in specs.items():
            cam = want.cams(prediction, sample.labels)
            maps[name] = upsample_cam(cam, prediction.content_size(want.method), seen.shape[:2])[0]
            logits[name] = prediction.scores(want.method, prediction.spec_of(want.method, want.spec).loops)
        yield WsolSample(sample, maps, logits, to_image, (image.shape[0], image.shape[1]))


def truth_mask(sample: Sample, size: tuple[int, int]) -> np.ndarray | None:
    """The mask of a sample's object. CUB's are grey: the share of five annotators who marked a pixel.

    Args:
        sample: with or without a mask.
        size: height and width of its image.

    Returns:
        (H, W) uint8, not 0 on the object; None without a mask.

    Raises:
        InvalidDataset: the mask cannot be read, or is of another size than the image; the message has the id.
    """
    if sample.mask is None:
        return None
    try:
        with Image.open(sample.mask) as file:
            indexed = file.mode == "P"
            mask = None if indexed else (np.asarray(file.convert("L"), dtype=np.float32) > 127).astype(np.uint8)
    except Exception as error:  # Pillow's readers raise nearly any type at damaged files
        raise InvalidDataset(f"The mask of {sample.id} cannot be read: get an intact copy.") from error
    if mask is None:
        mask = read_labels(sample.mask, name=sample.id)
    if mask.shape != size:
        (rows, columns), (height, width) = mask.shape, size
        raise InvalidDataset(
            f"The mask of {sample.id} has {columns} x {rows} pixels and the image {width} x {height}: give one of the "
            "image's size."
        )
    return mask
