"""A sheet of maps on a few fixed images after each epoch, to see training go right or wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crt.checkpoint import Checkpoint, CheckpointConfig, Method, NetworkSpec
from crt.data import ImageDataset
from crt.data.images import load_image
from crt.models.dual import DualBranch, SecondCnn
from crt.postprocess import max_normalize
from crt.predictor import InferenceConfig, Predictor
from crt.resample import upsample_cam
from crt.types import METHOD_TITLES, Mode
from crt.viz.colours import fit, overlay
from crt.viz.sheet import Panel, contact_sheet

PREVIEW_WIDTH = 200


@dataclass(frozen=True)
class MapPreview:
    """Draws `folder/epoch_01.png` and so on: a row per image, a column per branch, the first class of each image.

    Attributes:
        images: that are drawn.
        folder: of the sheets.
        size: pixels of the long side that the networks see.
        loops: of the transformer's maps.
        mode: how an image larger than a tile goes through the transformer.
        refined: whether attention multiplies them.
    """

    images: ImageDataset
    folder: Path
    size: int
    loops: int
    mode: Mode = "overlap"
    refined: bool = True

    def __call__(self, model: DualBranch, epoch: int) -> Path:
        """Look at the images with the networks as they are -> the file written. Leaves the networks in eval form."""
        networks, pair = {}, model.cnn is not None and model.vit is not None
        specs: dict[Method, NetworkSpec] = {}
        if model.cnn is not None:
            networks["crt_cnn" if pair else "resnet"] = model.cnn
        if model.vit is not None:
            networks["resnet" if isinstance(model.vit, SecondCnn) else "crt" if pair else "tscam"] = model.vit
        config = CheckpointConfig(f"epoch {epoch + 1}", self.images.classes, specs)
        device = next(model.parameters()).device
        predictor = Predictor(Checkpoint(config, networks, ""), device=device)
        model.eval()
        rows = [self._row(predictor, index) for index in range(len(self.images))]
        sheet = contact_sheet(
            rows, title=f"After epoch {epoch + 1}", bar=("0", "the map's largest value"), width=PREVIEW_WIDTH
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"epoch_{epoch + 1:02d}.png"
        sheet.save(path)
        return path

    def _row(self, predictor: Predictor, index: int) -> list[Panel]:
        sample = self.images.samples[index]
        image = load_image(sample.image)
        prediction = predictor.predict(image, InferenceConfig(self.size, self.mode, self.loops))
        label = sample.labels[0]
        small = fit(image, PREVIEW_WIDTH)
        panels = [Panel(small, (self.images.classes[label], sample.id))]
        for method in prediction.methods:
            loops = prediction.clamp(method, self.loops)
            maps = prediction.cams(method, loops=loops, refined=self.refined, classes=[label])
            pixels = max_normalize(
                upsample_cam(maps, prediction.content_size(method), (small.shape[0], small.shape[1]))
            )[0]
            chance = float(prediction.probabilities(method, loops, single_label=self.images.single_label)[label])
            panels.append(Panel(overlay(small, pixels, vmax=1.0), (METHOD_TITLES[method], f"probability {chance:.0%}")))
        return panels


def fixed_images(images: ImageDataset, count: int) -> ImageDataset:
    """The same images of a set every time, spread evenly over those that show a class.

    Args:
        images: the set.
        count: how many.

    Returns:
        At most that many of them.
    """
    labelled = [sample for sample in images.samples if sample.labels]
    count = min(count, len(labelled))
    chosen = np.unique(np.linspace(0, len(labelled) - 1, count).astype(int)) if count else []
    return ImageDataset(images.classes, tuple(labelled[i] for i in chosen), images.single_label)
