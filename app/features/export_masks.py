"""What the Masks tab shows, made again: every mask as labels, the edges, and a figure of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from app.core.analysis import Analysis
from app.core.models import Model
from app.features.masks import crf_of_maps, parsed_labels, walk_of_maps, working
from app.requests.export_common import credit_lines, file_name, made_with, percent
from app.requests.export_files import FIGURE_WORDS, LABEL_WORDS, SETTINGS_WORDS, packed
from app.requests.export_sheet import Exported, Sheet
from app.requests.masks_request import MasksRequest
from crt.errors import CrtError, InvalidSetting
from crt.metrics.pixels import overlap
from crt.postprocess import MAX_CLASSES, cam_to_labels, check_class_ids
from crt.pseudo_labels.label_png import indexed_png, labels_of_image
from crt.pseudo_labels.random_walk import walk_labels
from crt.resample import WALK_STRIDE, upsample_cam
from crt.sheets.compare import settings_line
from crt.types import IGNORE, METHOD_TITLES
from crt.viz.colours import colour
from crt.viz.label_colours import LABEL_COLOURS
from crt.viz.layer import LabelLayer, Style
from crt.viz.plots import MapBlock, Plot, grid_of

TILES = {
    "seed": "Seed at the threshold",
    "crf": "After the dense CRF",
    "walk": "After the random walk",
    "deeplab": "The segmentation network",
    "ground_truth": "Ground truth",
}
"""The masks of the tab and their captions."""


@dataclass(frozen=True)
class MasksView(Exported):
    """The masks of the Masks tab.

    Attributes:
        analysis: the image.
        shown: the settings of the tab.
        model: the checkpoint.
        tiles: (h, w) uint8 labels by name, k + 1 for the k-th chosen class; those of the segmentation network k + 1 for
            class k.
        screen: the same as the page draws them: masks that it makes from CAMs are made on its own points.
        missing: messages for masks that cannot be made, by name.
        propagated: (K, h, w) float32 CAMs after the random walk, None without it.
        edges: (h, w) float32 edges of the IRN, 0 … 1, None without them.
    """

    analysis: Analysis
    shown: MasksRequest
    model: Model
    tiles: dict[str, np.ndarray]
    screen: dict[str, np.ndarray]
    missing: dict[str, str]
    propagated: np.ndarray | None
    edges: np.ndarray | None

    @classmethod
    def of(cls, analysis: Analysis, details: dict[str, Any], model: Model) -> MasksView:
        """Make every mask that the tab shows.

        Args:
            analysis: the image on the page with its Prediction.
            details: values from the browser, not to be trusted.
            model: the checkpoint.

        Returns:
            The contents of the tab.

        Raises:
            InvalidSetting: wrong values.
        """
        shown = MasksRequest.of(analysis, details)
        (wanted,), prediction = shown.base.maps, analysis.prediction
        maps = prediction.cams(wanted.method, classes=shown.base.classes, **wanted.options)
        order, size, points = range(len(maps)), prediction.content_size(wanted.method), shown.base.points
        tiles, drawn = (
            {"seed": labels_of_image(maps, size, resolution, order, shown.base.threshold)}
            for resolution in (prediction.source, points)
        )
        missing: dict[str, str] = {}
        propagated = edges = None
        try:
            if shown.crf is not None:
                tiles["crf"] = crf_of_maps(analysis, maps, wanted.method, shown.base.threshold, shown.crf)
        except CrtError as error:  # said in the figure; the other masks do not need it
            missing["crf"] = str(error)
        if shown.walk is not None:
            propagated, edge = walk_of_maps(analysis, maps, wanted.method, shown.walk, model)
            height, width = working(analysis.image).shape[:2]
            tiles["walk"] = walk_labels(propagated, order, (height, width), threshold=shown.walk_threshold)
            scores = upsample_cam(propagated, (height / WALK_STRIDE, width / WALK_STRIDE), points)
            drawn["walk"] = cam_to_labels(scores / (scores.max(initial=0) or 1), order, shown.walk_threshold)
            edges = edge[0]
        if shown.deeplab:
            tiles["deeplab"] = parsed_labels(analysis, model)
        if any(one is not None for one in shown.ground_truth):
            labels = np.zeros(points, np.uint8)
            for k, inside in enumerate(shown.ground_truth):
                labels[inside if inside is not None else np.zeros_like(labels, bool)] = k + 1
            tiles["ground_truth"] = labels
        return cls(analysis, shown, model, tiles, tiles | drawn, missing, propagated, edges)

    @property
    def classes(self) -> list[str]:
        """Names of the chosen classes."""
        return [self.analysis.prediction.classes[index] for index in self.shown.base.classes]

    @property
    def name(self) -> str:
        """A file name of plain letters."""
        return file_name(self.analysis, self.classes, "masks")

    def png(self, tile: Any) -> bytes:
        """One mask in the image's own pixels.

        Args:
            tile: its name.

        Returns:
            The bytes of an indexed PNG.

        Raises:
            InvalidSetting: the mask is not shown.
        """
        if not isinstance(tile, str) or tile not in self.tiles:
            raise InvalidSetting(f"Unknown mask: choose one of {', '.join(self.tiles)}.")
        chosen = list(self.shown.base.classes)
        check_class_ids(chosen if tile != "deeplab" else [])
        table = np.arange(256, dtype=np.uint8)
        if tile != "deeplab":
            table[1 : len(chosen) + 1] = [index + 1 for index in chosen]
        height, width = self.analysis.prediction.source
        labels = Image.fromarray(table[self.tiles[tile]]).resize((width, height), Image.Resampling.NEAREST)
        return indexed_png(np.asarray(labels))

    def sheet(self) -> Sheet:
        """All masks, with the share and IoU of each label below."""
        base, style = self.shown.base, Style(self.shown.base.colormap)
        blocks = [MapBlock(self.analysis.image, self._plot(tile), style) for tile in self.tiles]
        if self.edges is not None:
            edges = colour(self.edges, colormap=base.colormap, vmax=1.0)
            blocks.append(MapBlock(edges, Plot("Predicted boundaries", "between things, from 0 to 1"), style))
        title = " + ".join(self.classes)
        return Sheet(f"Masks: {title}", grid_of(blocks), title, self.notes())

    def notes(self) -> list[str]:
        """Lines below the figure: the settings that make it again."""
        base, (wanted,) = self.shown.base, self.shown.base.maps
        notes = [
            f"Source map: {METHOD_TITLES[wanted.method]}. "
            + settings_line(self.analysis.prediction, loops=base.loops, refined=base.refined),
            f"Seed and CRF: threshold {base.threshold:.0%} of each map's largest value.",
        ]
        if self.shown.walk is not None:
            notes.append(
                f"Random walk: {2**self.shown.walk.exp_times} steps, β {self.shown.walk.beta:g}, background "
                f"{self.shown.walk_threshold:.0%} of the largest value of all maps."
            )
        notes += [f"{TILES[tile]}: {sentence}" for tile, sentence in self.missing.items()]
        if "ground_truth" in self.tiles:
            notes.append("IoU: with the ground truth, on the points of the page's grid.")
        return [*notes, *credit_lines(self.analysis, self.model.config)]

    def files(self) -> dict[str, bytes]:
        """Each mask as an indexed PNG, and the maps after the walk with its edges as one npz."""
        labelled = all(index < MAX_CLASSES for index in self.shown.base.classes)
        files = {f"mask_{tile}.png": self.png(tile) for tile in self.tiles if labelled or tile == "deeplab"}
        if self.propagated is not None and self.edges is not None:
            arrays = {"classes": np.array(self.classes), "propagated": self.propagated, "edges": self.edges}
            files["walk.npz"] = packed(arrays)
        return files

    def settings(self) -> dict[str, Any]:
        """All that made the masks, as JSON values."""
        base, (wanted,), prediction = self.shown.base, self.shown.base.maps, self.analysis.prediction
        return {
            "tab": "masks",
            "classes": [
                {"index": index, "name": prediction.classes[index], "color": "#" + bytes(self._colour(index)).hex()}
                for index in base.classes
            ],
            "source_map": {"method": wanted.method, **wanted.options},
            "threshold": base.threshold,
            "crf": asdict(self.shown.crf) if self.shown.crf else None,
            "walk": {**asdict(self.shown.walk), "threshold": self.shown.walk_threshold} if self.shown.walk else None,
            "masks": {
                tile: {
                    name: {"share": share, "iou": iou} for name, (share, iou) in self._measured(tile, labels).items()
                }
                for tile, labels in self.tiles.items()
            },
            "missing": self.missing,
            **made_with(self.analysis),
        }

    def readme(self) -> str:
        """One paragraph about the files."""
        walk = (
            "walk.npz holds the maps (K, h, w) after the random walk at a quarter of the image's resolution and the "
            "edges it went by. "
            if self.propagated is not None
            else ""
        )
        return (
            f"Masks of {', '.join(self.classes)}. {FIGURE_WORDS} mask_NAME.png is each mask that was shown, "
            f"{LABEL_WORDS}. Masks made at another resolution are enlarged by their nearest points. {walk}"
            f"{SETTINGS_WORDS}"
        )

    def _plot(self, tile: str) -> Plot:
        """A mask over the image, with the colour, the share and the IoU of each label."""
        labels = self.screen[tile]
        if tile == "deeplab":
            ids, names = range(len(self.analysis.prediction.classes)), list(self.analysis.prediction.classes)
        else:
            ids, names = self.shown.base.classes, self.classes
        colours = np.array([(0, 0, 0), *(self._colour(index) for index in ids)], np.uint8)
        layer = LabelLayer(labels, colours, ("background", *names), self.shown.outlined, self.shown.boxed)
        lines = [
            f"{name} {percent(share)}" + ("" if iou is None else f", IoU {percent(iou)}")
            for name, (share, iou) in self._measured(tile, labels).items()
        ]
        swatches = [self._colour(index) for index in self.shown.base.classes]
        if tile == "deeplab":  # its other classes
            for label in np.unique(labels[labels > 0]).tolist():
                if label - 1 not in self.shown.base.classes:
                    lines.append(f"{names[label - 1]} {percent(float((labels == label).mean()))}")
                    swatches.append(self._colour(label - 1))
        return Plot(TILES[tile], "", layer, tuple(lines), tuple(swatches))

    def _colour(self, index: int) -> tuple[int, int, int]:
        """The page's colour of a class; one by its index for a class that the page had not drawn yet."""
        return LABEL_COLOURS[self.shown.colours.get(index, index % len(LABEL_COLOURS))]

    def _measured(self, tile: str, labels: np.ndarray) -> dict[str, tuple[float, float | None]]:
        """Share of the points and IoU with the truth of each chosen class in the labels of a tile."""
        found: dict[str, tuple[float, float | None]] = {}
        for k, (name, index) in enumerate(zip(self.classes, self.shown.base.classes, strict=True)):
            inside = labels == (index if tile == "deeplab" else k) + 1
            truth, ignore, iou = self.shown.ground_truth[k], self.shown.ignore[k], None
            if truth is not None and tile != "ground_truth":
                iou = _iou(_on_grid(inside.astype(np.uint8), truth.shape) > 0, truth, ignore)
            found[name] = float(inside.mean()), iou
        return found


def _on_grid(labels: np.ndarray, points: tuple[int, int]) -> np.ndarray:
    """Labels at the centres of rows × columns points spread over the image."""
    return np.asarray(Image.fromarray(labels).resize((points[1], points[0]), Image.Resampling.NEAREST))


def _iou(inside: np.ndarray, truth: np.ndarray, ignore: np.ndarray | None) -> float:
    """IoU of a label with its mask, bool both, on the points that are not ignored."""
    labels = truth.astype(np.uint8) if ignore is None else np.where(ignore, IGNORE, truth).astype(np.uint8)
    return float(overlap(inside, labels).iou)
