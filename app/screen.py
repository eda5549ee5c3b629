"""The maps on the screen, computed again from the Trace, with the numbers and words that belong to them."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import matplotlib as mpl
import numpy as np

from app.explore import Look, fingerprint
from app.shown import OWN_UNITS, UNITS, Shown
from crt.checkpoint import METHODS, CheckpointConfig, Method
from crt.figures import TITLES, probabilities, settings_line
from crt.outlines import overlap
from crt.plots import Kind, MapLayer, Plot, Style, plot, render
from crt.seeds import to_pixels
from crt.trace import TokenRecord

UNIT_NAMES = {**UNITS, **OWN_UNITS}
SCALES = {
    "map": "each map by its own largest value",
    "shared": "maps of one unit by the largest of them",
    "absolute": "fixed values",
}
NOTES: dict[Method, str] = {
    "resnet": "CNN trained alone",
    "tscam": "transformer trained alone",
    "crt": "transformer trained with the CNN",
    "crt_cnn": "CNN trained with the transformer",
}


@dataclass(frozen=True)
class Shot:
    """One map of the screen.

    `cells`: (h, w) float32, the largest over the classes; `fine`: the same on the page's grid. `top`: its largest
    value. `reach`: the value of the last colour. `scores`: probability of each class.
    """

    title: str
    note: str
    unit: str
    cells: np.ndarray
    fine: np.ndarray
    top: float
    reach: float
    scores: dict[str, float]
    iou: float | None


@dataclass(frozen=True)
class Screen:
    """What is on the screen: the look, its settings and its maps by name, in the order of the page."""

    look: Look
    shown: Shown
    config: CheckpointConfig
    shots: dict[str, Shot]

    @classmethod
    def of(cls, look: Look, shown: Shown, config: CheckpointConfig) -> Screen:
        """Compute the maps that the page shows. `config`: of the checkpoint that made the Trace."""
        maps: dict[str, tuple[str, np.ndarray, tuple[float, float]]] = {}
        for method in shown.methods:
            cells = look.trace.maps(method, classes=shown.classes, **shown.options[method]).max(0)
            maps[method] = _unit(look, shown, method), cells, look.trace.span(method)
        if shown.extra is not None:
            maps["extra"] = shown.extra.unit, shown.extra.values, shown.extra.span
        tops = {name: float(cells.max(initial=0)) for name, (_, cells, _) in maps.items()}
        shots: dict[str, Shot] = {}
        for name, (unit, cells, span) in maps.items():
            alike = [tops[other] for other in maps if maps[other][0] == unit]
            reach = {"map": tops[name], "shared": max(alike), "absolute": shown.absolute.get(unit, tops[name])}
            title, note, scores = _words(look, shown, config, name)
            fine = to_pixels(cells[None], span, shown.points)[0]
            truth = shown.truth
            iou = None
            if truth.inside is not None and shown.threshold * tops[name] > 0:
                iou = overlap(fine, shown.threshold * tops[name], truth.inside, truth.ignore)
            shots[name] = Shot(title, note, unit, cells, fine, tops[name], reach[shown.scale], scores, iou)
        return cls(look, shown, config, shots)

    @property
    def classes(self) -> list[str]:
        """Names of the chosen classes."""
        return [self.look.trace.classes[index] for index in self.shown.classes]

    @property
    def name(self) -> str:
        """A file name of plain letters: the classes, and the picture by its hash."""
        words = re.sub(r"[^a-z0-9]+", "-", " ".join(self.classes).lower())[:40].strip("-") or "maps"
        return f"crt-{words}-{fingerprint(self.look.image)[:8]}"

    def figures(self, kinds: Sequence[Kind]) -> dict[Kind, bytes]:
        """All panels as one figure, as the bytes of a file of each kind."""
        shown, (height, width) = self.shown, self.look.trace.source
        panels = [Plot("Picture", f"{width} × {height} px")] if shown.picture else []
        for shot in self.shots.values():
            level = shown.threshold * shot.top
            layer = MapLayer(
                shot.fine, shot.reach, UNIT_NAMES[shot.unit], level, shown.overlay == "mask", shown.outline
            )
            best = f"p {_percent(max(shot.scores.values()))}" if shot.scores else ""
            iou = "" if shot.iou is None else f"IoU {shot.iou:.0%}"
            empty = "" if shot.top > 0 else "no evidence for this class"
            line = " · ".join(part for part in (best, iou, f"largest value {shot.top:.3g}", empty) if part)
            panels.append(Plot(shot.title, shot.note, layer, (line,)))
        title = " + ".join(self.classes)
        style = Style(shown.colormap, shown.opacity, shown.truth.rings)
        drawn = plot(self.look.image, panels, style, title=title, notes=self.notes())
        about = {"title": f"Class activation maps: {title}", "description": json.dumps(self.settings())}
        return {kind: render(drawn, kind, **about) for kind in kinds}

    def notes(self) -> list[str]:
        """What a reader has to know to read the figure and to make it again."""
        shown, trace = self.shown, self.look.trace
        notes = [settings_line(trace, loops=shown.loops, refined=shown.refined)]
        if shown.refined and any(isinstance(trace.record(method), TokenRecord) for method in shown.methods):
            blocks = "all blocks" if shown.blocks is None else f"blocks {shown.blocks[0] + 1} to {shown.blocks[1] + 1}"
            notes.append(f"Refinement: attention averaged over {blocks}, {COMBINED[shown.combine]}.")
        if len(shown.classes) > 1:
            notes.append("Several classes: each point shows the largest value among their maps.")
        outlined = ", white outline" if shown.outline else ""
        outside = ", the rest darkened" if shown.overlay == "mask" else ""
        notes.append(
            f"Colours: {shown.colormap}, {SCALES[shown.scale]}. Threshold: {shown.threshold:.0%} of a map's largest "
            f"value{outlined}{outside}. p: probability by that network{', the largest' * (len(shown.classes) > 1)}."
        )
        if shown.truth.rings:
            notes.append("Dashed: ground truth. IoU: of the mask at the threshold with it.")
        notes.append(f"Checkpoint {self.config.name}, sha256 {trace.provenance.get('checkpoint_sha256', '?')}")
        if self.look.example and self.look.example.credit:
            notes.append(f"Picture: {self.look.example.credit}")
        return notes

    def settings(self) -> dict[str, Any]:
        """All that made the files, as JSON values."""
        shown, trace, example = self.shown, self.look.trace, self.look.example
        choices = ("loops", "refined", "blocks", "combine", "threshold", "opacity", "colormap", "scale", "absolute")
        numbers = ("title", "note", "unit", "top", "reach", "scores", "iou")
        return {
            "classes": [{"index": index, "name": trace.classes[index]} for index in shown.classes],
            "shown": {name: getattr(shown, name) for name in (*choices, "outline", "overlay", "picture")},
            "maps": {key: {name: getattr(shot, name) for name in numbers} for key, shot in self.shots.items()},
            "picture": {
                "source": trace.source,
                "input": (trace.grid.height, trace.grid.width),
                "example": example.id if example else None,
            },
            "trace": trace.provenance,
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "matplotlib": mpl.__version__,
                "gradio": gr.__version__,
            },
        }


COMBINED = {
    "sum": "summed over the passes",
    "mean": "averaged over the passes",
    "first": "of the first pass",
    "last": "of the last pass",
}


def _unit(look: Look, shown: Shown, method: Method) -> str:
    return "product" if shown.refined and isinstance(look.trace.record(method), TokenRecord) else "cam"


def _words(look: Look, shown: Shown, config: CheckpointConfig, name: str) -> tuple[str, str, dict[str, float]]:
    """Title and note of a map, and the probability of each class where a network gives one."""
    if name == "extra" and shown.extra is not None:
        return shown.extra.title, shown.extra.note, {}
    method: Method = METHODS[[str(known) for known in METHODS].index(name)]
    loops = shown.options[method]["loops"]
    made = [f"{loops} {'loop' if loops == 1 else 'loops'}"] if method == "crt" else []
    made += ["refined"] if _unit(look, shown, method) == "product" else []
    shares = probabilities(look.trace, method, loops=loops, single_label=config.single_label)
    scores = {look.trace.classes[index]: float(shares[index]) for index in shown.classes}
    return TITLES[method], ", ".join(made) or NOTES[method], scores


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"
