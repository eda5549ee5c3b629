"""Training crops with masks: image and labels stay together, resumed runs see the same crops, problems have names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pillow_heif
import pytest
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from crt.data import ImageDataset, Sample
from crt.errors import InvalidDataset, InvalidImage, InvalidSetting
from crt.pseudo_labels.affinity import reduce_labels
from crt.pseudo_labels.label_png import save_labels
from crt.train.masks_data import MaskCrops, mask_crop, with_masks
from crt.train.run_config import MaskRunConfig
from crt.types import IMAGENET_MEAN, IMAGENET_STD

BLOCK = 16


def labelled(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """An image in blocks of one colour each, which shows the label: 60, 120, 180 or 240 in all channels."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 4, (-(-height // BLOCK), -(-width // BLOCK))).astype(np.uint8)
    labels = blocks.repeat(BLOCK, 0).repeat(BLOCK, 1)[:height, :width]
    return np.repeat((60 * labels + 60)[..., None], 3, 2), labels


def levels(crop: Tensor) -> np.ndarray:
    """(3, h, w) normalised -> (h, w) the first channel as 0 … 255; padding gives the mean, 123.675."""
    return 255 * (crop[0].numpy() * IMAGENET_STD[0] + IMAGENET_MEAN[0])


def rectangle(inside: np.ndarray) -> tuple[slice, slice]:
    rows, cols = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)


@pytest.mark.parametrize("rescale", [(1.0, 1.0), (0.5, 0.8), (1.5, 2.5), (0.5, 1.5)])
@pytest.mark.parametrize("size", [(64, 96), (33, 150), (130, 40)])
def test_image_and_labels_stay_together(size: tuple[int, int], rescale: tuple[float, float]) -> None:
    image, labels = labelled(*size)
    for seed in range(12):
        pixels, marked = mask_crop(image, labels, 72, rescale, np.random.default_rng(seed))
        assert pixels.shape == (3, 72, 72) and pixels.dtype == torch.float32
        assert marked.shape == (72, 72) and marked.dtype == np.uint8
        inside = marked != 255
        where = rectangle(inside)
        assert inside[where].all()  # the image is one rectangle
        assert not pixels[:, torch.from_numpy(~inside)].any()  # zeros after normalisation around it
        # Bicubic resizing blurs the edges of blocks and rings near them, two cells wide: away from these all agree.
        found, wanted = levels(pixels)[where], 60.0 * marked[where] + 60
        near = np.lib.stride_tricks.sliding_window_view(np.pad(wanted, 4), (9, 9))
        flat = near.min((-2, -1)) == near.max((-2, -1))
        assert np.abs(found - wanted)[flat].max(initial=0) < 25
        exact = rescale == (1.0, 1.0)
        assert (np.abs(found - wanted) < 30).mean() > (0.999 if exact else 0.85)


def test_a_larger_crop_holds_the_whole_image_and_a_smaller_crop_is_full() -> None:
    image, labels = labelled(40, 56)
    places, flips = set(), set()
    for seed in range(30):
        _, marked = mask_crop(image, labels, 64, (1.0, 1.0), np.random.default_rng(seed))
        where = rectangle(marked != 255)
        plain, turned = (np.array_equal(marked[where], wanted) for wanted in (labels, labels[:, ::-1]))
        assert plain != turned
        flips.add(plain)
        places.add((where[0].start, where[1].start))
        assert (mask_crop(image, labels, 32, (1.0, 1.0), np.random.default_rng(seed))[1] != 255).all()
    assert flips == {True, False} and len(places) > 20


def test_the_factor_is_drawn_from_the_range() -> None:
    image, labels = labelled(64, 64)
    sides = []
    for seed in range(60):
        _, marked = mask_crop(image, labels, 128, (0.5, 1.5), np.random.default_rng(seed))
        rows, cols = rectangle(marked != 255)
        assert rows.stop - rows.start == cols.stop - cols.start
        sides.append(rows.stop - rows.start)
    assert 32 <= min(sides) < 38 and 90 < max(sides) <= 96


def test_no_labels_are_made_up_and_the_arrays_are_left_alone() -> None:
    image, labels = labelled(32, 32)
    labels[labels < 3] = 20
    labels[:, :8] = 255
    before = image.copy(), labels.copy()
    for seed in range(10):
        _, marked = mask_crop(image, labels, 24, (0.5, 1.5), np.random.default_rng(seed))
        assert set(np.unique(marked)) <= {3, 20, 255}
    _, marked = mask_crop(image, labels, 32, (1.0, 1.0), np.random.default_rng(0))
    assert (marked == 255).sum() == 8 * 32
    assert np.array_equal(image, before[0]) and np.array_equal(labels, before[1])


def test_one_pixel_is_enough() -> None:
    pixels, marked = mask_crop(*labelled(1, 1), 5, (0.1, 0.2), np.random.default_rng(0))
    assert (marked != 255).sum() == (pixels[0] != 0).sum() == 1


def test_arrays_that_do_not_fit_are_refused() -> None:
    image, labels = labelled(8, 9)
    rng = np.random.default_rng(0)
    for wrong in (labels[:, :8], labels.astype(np.int64), labels[..., None]):
        with pytest.raises(InvalidSetting, match="do not fit an image"):
            mask_crop(image, wrong, 8, (1, 1), rng)
    with pytest.raises(InvalidImage, match=r"\(H, W, 3\) is needed"):
        mask_crop(image[..., 0], labels, 8, (1, 1), rng)
    with pytest.raises(InvalidSetting, match="The scale is"):
        mask_crop(image, labels, 8, (-1, -0.5), rng)


@pytest.fixture
def images(tmp_path: Path) -> ImageDataset:
    """Ten images of different sizes in `images`, their masks in `masks`; the set does not name the masks yet."""
    samples = []
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for i in range(10):
        image, labels = labelled(40 + i, 60 - i, seed=i)
        path = tmp_path / "images" / f"p{i}.png"
        Image.fromarray(image).save(path)
        save_labels(tmp_path / "masks" / f"p{i}.png", labels)
        samples.append(Sample(path.stem, path, (0, 1)))
    return ImageDataset(("a", "b", "c"), tuple(samples))


def plan(
    images: ImageDataset, *, reduce: Callable[[np.ndarray], np.ndarray] | None = None, **changes: Any
) -> MaskCrops:
    return MaskCrops(images, MaskRunConfig(**{"crop": 48, "batch": 4, "workers": 0, **changes}), reduce)


def test_crops_depend_on_seed_epoch_and_image_alone(images: ImageDataset, tmp_path: Path) -> None:
    masked = with_masks(images, tmp_path / "masks")
    one, two = plan(masked), plan(masked)
    assert (one.steps_per_epoch, one.steps, len(one)) == (2, 6, 24)
    first = [one[i] for i in range(24)]
    for i in (23, 3, 0, 8):
        assert all(torch.equal(a, b) for a, b in zip(two[i], first[i], strict=True))
    assert not torch.equal(plan(masked, seed=1)[0][0], first[0][0])
    assert len({crop.numpy().tobytes() for crop, _ in first}) == 24  # the same image has another crop each epoch
    for crop, labels in first:
        assert crop.shape == (3, 48, 48) and crop.dtype == torch.float32
        assert labels.shape == (48, 48) and labels.dtype == torch.int64
        assert set(labels.unique().tolist()) <= {0, 1, 2, 3, 255}


def test_resumed_and_shared_runs_see_the_same_batches(images: ImageDataset, tmp_path: Path) -> None:
    crops = plan(with_masks(images, tmp_path / "masks"))
    batches = list(crops.loader(0))
    assert len(batches) == 6
    for start in (2, 5):
        for batch, wanted in zip(crops.loader(start), batches[start:], strict=True):
            assert all(torch.equal(a, b) for a, b in zip(batch, wanted, strict=True))
    shares = [list(crops.loader(4, rank=rank, processes=2)) for rank in (0, 1)]
    for parts in zip(*shares, batches[4:], strict=True):
        for a, b, wanted in zip(*parts, strict=True):
            assert torch.equal(torch.cat([a, b]), wanted)
    (worker,) = list(plan(with_masks(images, tmp_path / "masks"), workers=1).loader(5))
    assert torch.equal(worker[0], batches[5][0])


def test_labels_can_be_reduced(images: ImageDataset, tmp_path: Path) -> None:
    masked = with_masks(images, tmp_path / "masks")
    _, whole = plan(masked)[0]
    _, fewer = plan(masked, reduce=reduce_labels)[0]
    assert fewer.shape == (12, 12) and fewer.dtype == torch.int64
    assert np.array_equal(fewer, reduce_labels(whole.numpy().astype(np.uint8)))


def test_masks_come_from_the_folder(images: ImageDataset, tmp_path: Path) -> None:
    masked = with_masks(images, tmp_path / "masks")
    assert [sample.mask for sample in masked.samples] == [tmp_path / "masks" / f"p{i}.png" for i in range(10)]
    assert [replace(sample, mask=None) for sample in masked.samples] == list(images.samples)
    assert masked.classes == images.classes


def test_all_problems_with_masks_are_reported_at_once(images: ImageDataset, tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    (folder / "p1.png").unlink()
    (folder / "p4.png").unlink()
    save_labels(folder / "p2.png", labelled(42, 57)[1])
    Image.fromarray(labelled(43, 57)[0]).save(folder / "p3.png")
    (folder / "p5.png").write_bytes(b"no image")
    images.samples[6].image.write_bytes(b"no image")
    with pytest.raises(InvalidDataset) as error:
        with_masks(images, folder)
    lines = str(error.value).splitlines()
    assert "6 problems" in lines[0] and str(folder) in lines[0]
    assert "- no mask (2): p1, p4" in lines
    assert "- mask of another size (1): p2 (image 58x42, mask 57x42)" in lines
    assert "- mask in colours (1): p3 (mode RGB)" in lines
    assert any(line.startswith("- unreadable image or mask (2): p5 (") and "p6 (" in line for line in lines)


def test_a_image_that_its_exif_turns_has_a_mask_of_the_upright_size(tmp_path: Path) -> None:
    image, labels = labelled(24, 40)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(image).rotate(90, expand=True).save(tmp_path / "p.jpg", exif=exif)
    (tmp_path / "masks").mkdir()
    save_labels(tmp_path / "masks" / "p.png", labels)
    masked = with_masks(ImageDataset(("a", "b", "c"), (Sample("p", tmp_path / "p.jpg", (0,)),)), tmp_path / "masks")
    crop, marked = plan(masked, batch=1, crop=24, rescale=(1.0, 1.0))[0]
    assert np.abs(levels(crop) - (60 * marked.numpy() + 60)).mean() < 10


@pytest.mark.parametrize("name", ["p.HEIC", "p.tif"])
def test_images_that_pillow_cannot_identify_are_learned_from(name: str, tmp_path: Path) -> None:
    image, labels = labelled(32, 48)
    if name == "p.HEIC":
        pillow_heif.from_pillow(Image.fromarray(image)).save(tmp_path / name, quality=95)
    else:
        done, data = cv2.imencode(".tiff", image.astype(np.float32) / 255)
        assert done
        (tmp_path / name).write_bytes(data.tobytes())
    with pytest.raises(UnidentifiedImageError):
        Image.open(tmp_path / name)
    (tmp_path / "masks").mkdir()
    save_labels(tmp_path / "masks" / "p.png", labels)
    images = ImageDataset(("a", "b", "c"), (Sample("p", tmp_path / name, (0,)),))
    crop, marked = plan(with_masks(images, tmp_path / "masks"), batch=1, crop=32, rescale=(1.0, 1.0))[0]
    assert np.abs(levels(crop) - (60 * marked.numpy() + 60)).mean() < 10
    save_labels(tmp_path / "masks" / "p.png", labels[:, :40])
    with pytest.raises(InvalidDataset, match=r"p \(image 48x32, mask 40x32\)"):
        with_masks(images, tmp_path / "masks")


def test_masks_that_cannot_be_learned_from_are_named(images: ImageDataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match=r"p\d has no mask to learn from"):
        plan(images)[0]
    masked = with_masks(images, tmp_path / "masks")
    with pytest.raises(InvalidDataset, match=r"The mask of p\d has a label 3, but there are 2 classes"):
        plan(replace(masked, classes=("a", "b")))[0]
    for sample in masked.samples:
        save_labels(tmp_path / "masks" / f"{sample.id}.png", np.zeros((5, 6), np.uint8))
    with pytest.raises(InvalidDataset, match=r"The mask of p\d has \(5, 6\) pixels"):
        plan(masked)[0]
    (tmp_path / "masks" / "p0.png").write_bytes(b"no image")
    with pytest.raises(InvalidDataset, match="The mask of p0 cannot be read"):
        plan(replace(masked, samples=masked.samples[:1]), batch=1)[0]
    with pytest.raises(InvalidSetting, match="fill one batch"):
        plan(masked, batch=11)
