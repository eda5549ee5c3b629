"""What the Layers tab shows, made again: the class token's attention of every block and pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.core.analysis import Analysis
from app.core.models import Model
from app.requests.export_common import credit_lines, file_name, made_with
from app.requests.export_files import FIGURE_WORDS, SETTINGS_WORDS, packed
from app.requests.export_request import ExportRequest
from app.requests.export_sheet import Exported, Sheet
from app.requests.settings import read_group
from app.requests.validation import transformer_of
from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.models.outputs import VitOutputs, merge_patches
from crt.pass_reductions import blocks_between
from crt.predictor import Predictor
from crt.resample import upsample_cam
from crt.sheets.compare import settings_line
from crt.types import METHOD_TITLES
from crt.viz.layer import MapLayer, Style
from crt.viz.plots import MapBlock, Plot
from crt.viz.print_charts import Table
from crt.viz.print_layout import Block, Words

MAP_WIDTH = 0.95  # inches of a map
MAP_COLUMNS = 4  # of maps, where a row is not a block
OPACITY = 0.75  # of the colours, as on the page
ROLLOUT = "Attention rollout of the class token (Abnar and Zuidema, 2020)"


@dataclass(frozen=True)
class LayersView(Exported):
    """The attention maps of the Layers tab.

    Attributes:
        analysis: the image.
        shown: the settings of the page.
        model: the checkpoint.
        method: a transformer.
        head: of attention, from 0; None for the mean of all.
        together: whether all maps have one scale.
        maps: (passes, blocks, h, w) float32.
        rollout: (passes, h, w) float32 where it is shown, else None.
        cell: block and pass, from 0, that are enlarged; None where none are.
        heads: (heads, h, w) float32, those of the cell where they are shown, else None.
    """

    analysis: Analysis
    shown: ExportRequest
    model: Model
    method: Method
    head: int | None
    together: bool
    maps: np.ndarray
    rollout: np.ndarray | None
    cell: tuple[int, int] | None
    heads: np.ndarray | None

    @classmethod
    def of(cls, analysis: Analysis, details: dict[str, Any], model: Model) -> LayersView:
        """Check what the browser sent and make the maps; single heads need a run of the network.

        Args:
            analysis: the image on the page with its Prediction.
            details: values from the browser, not to be trusted.
            model: the checkpoint.

        Returns:
            The contents of the tab.

        Raises:
            InvalidSetting: wrong values, or a head, block or pass that the network does not have.
        """
        shown, given = ExportRequest.of(analysis, details, panels=False), details.get("layers")
        if not isinstance(given, dict):
            raise InvalidSetting("The settings of the layers are missing: reload the page.")
        method, own = transformer_of(analysis, given), read_group(given, "layers")
        head, together = own["layers.head"], own["layers.scale"] == "all"
        prediction, rollout, heads = analysis.prediction, None, None
        rows = _record(analysis, method).mean_cls_attn
        cell = _cell(own, rows.shape[1], rows.shape[0])
        if given.get("deep") is True:
            seen = model.run(Predictor.layers, analysis.image, analysis.settings, method=method)
            rollout = merge_patches(prediction.grid, seen.rollout)
            if head is not None:
                if head >= seen.heads.shape[2]:
                    raise InvalidSetting(f"This network has {seen.heads.shape[2]} heads: choose one of them.")
                rows = seen.heads[:, :, head]
            if cell is not None:
                heads = merge_patches(prediction.grid, seen.heads[cell[1], cell[0]])
        maps = merge_patches(prediction.grid, rows)
        return cls(analysis, shown, model, method, head, together, maps, rollout, cell, heads)

    @property
    def name(self) -> str:
        """A file name of plain letters."""
        return file_name(self.analysis, [self.method], "layers")

    def sheet(self) -> Sheet:
        """A row for each block and a column for each pass, the enlarged cell with its heads, the rollout, and what each
        pass changes.
        """
        passes, blocks = self.maps.shape[:2]
        maxima = self.maps.max((2, 3))
        rows: list[Sequence[Block]] = [
            [
                self._block(self.maps[k, block], maxima[k, block], f"Block {block + 1}", f"pass {k + 1}", maxima.max())
                for k in range(passes)
            ]
            for block in range(blocks)
        ]
        if passes == 1:
            rows = _in_rows([block for row in rows for block in row])
        if self.cell is not None:
            rows += self._chosen(*self.cell, maxima)
        if self.rollout is not None:
            rows += [[Words(ROLLOUT, heading=True)]]
            rows += _in_rows(
                [self._block(one, one.max(), f"Pass {k + 1}", "rollout") for k, one in enumerate(self.rollout)]
            )
        rows += [[Words("What each pass changes, mean over all patches of this image", heading=True)], [self._table()]]
        title = f"{METHOD_TITLES[self.method]}: class-token attention, {self._head_words()}"
        return Sheet(title, rows, title, self.notes(), MAP_WIDTH, MAP_COLUMNS, joined=True)

    def notes(self) -> list[str]:
        """Lines below the figure: the settings that make it again."""
        shown, prediction = self.shown, self.analysis.prediction
        scale = "the largest value of all maps" if self.together else "each map's own largest value"
        used = "no block, as refinement is off" if not shown.refined else f"blocks {self._used()}"
        return [
            f"Colours: {shown.colormap}, from 0 to {scale}, which is a share of attention. CAMs are refined by {used}.",
            settings_line(prediction, loops=shown.loops, refined=shown.refined),
            *credit_lines(self.analysis, self.model.config),
        ]

    def files(self) -> dict[str, bytes]:
        """The attention as one npz."""
        grid = self.analysis.prediction.grid
        arrays = {"attention": self.maps, "content_size": np.array(grid.patch_content_size)}
        if self.rollout is not None:
            arrays["rollout"] = self.rollout
        if self.heads is not None:
            arrays["heads"] = self.heads
        return {"attention.npz": packed(arrays)}

    def settings(self) -> dict[str, Any]:
        """All that made the maps, as JSON values."""
        record = _record(self.analysis, self.method)
        return {
            "tab": "layers",
            "method": self.method,
            "head": self.head,
            "block": self.cell and self.cell[0],
            "pass": self.cell and self.cell[1],
            "scale": "all" if self.together else "cell",
            "colormap": self.shown.colormap,
            "refined": self.shown.refined,
            "blocks": self.shown.blocks,
            "residual": np.round(record.residual, 5).tolist(),
            "similarity": np.round(record.similarity, 5).tolist(),
            **made_with(self.analysis),
        }

    def readme(self) -> str:
        """One paragraph about the files."""
        rollout = " rollout (passes, h, w) is the attention rollout." if self.rollout is not None else ""
        heads = " heads (heads, h, w) are those of the enlarged block and pass." if self.heads is not None else ""
        return (
            f"Class-token attention of {METHOD_TITLES[self.method]}, {self._head_words()}. {FIGURE_WORDS} "
            "attention.npz, which numpy.load reads, holds attention (passes, blocks, h, w), shares on the image's "
            "patches, and content_size, the height and width of the image in patches: what lies beyond is padding."
            f"{rollout}{heads} {SETTINGS_WORDS}"
        )

    def _block(self, values: np.ndarray, own: float, title: str, note: str, shared: float | None = None) -> MapBlock:
        """One small map over the image. `own`: its largest value; `shared`: that of all, if all share a scale."""
        vmax = float(shared if self.together and shared is not None else own)
        upsampled = upsample_cam(values[None], self.analysis.prediction.grid.patch_content_size, self.shown.points)[0]
        layer = MapLayer(upsampled, vmax, "", outlined=False)
        style = Style(self.shown.colormap, OPACITY)
        return MapBlock(self.analysis.image, Plot(title, f"{note} · {own:.2g}", layer, barred=False), style)

    def _chosen(self, block: int, k: int, maxima: np.ndarray) -> list[Sequence[Block]]:
        """The enlarged cell under its heading, and its single heads where they are shown."""
        title = f"Block {block + 1}, pass {k + 1}"
        small = self._block(self.maps[k, block], maxima[k, block], title, self._head_words(), maxima.max())
        rows: list[Sequence[Block]] = [[replace(small, wide=True)]]
        if self.heads is not None:
            largest = self.heads.max((1, 2))
            rows += [[Words(f"Heads of block {block + 1}, pass {k + 1}", heading=True)]]
            rows += _in_rows(
                [
                    self._block(one, largest[i], f"Head {i + 1}", "share", largest.max())
                    for i, one in enumerate(self.heads)
                ]
            )
        return rows

    def _table(self) -> Table:
        record = _record(self.analysis, self.method)
        head = ("Pass", *(str(k + 1) for k in range(len(record.residual))))
        rows = [("Relative size of the residual, ‖F(x)‖ / ‖x‖", *(f"{value:.3g}" for value in record.residual))]
        if self.method == "crt":
            after = [f"{value:.3g}" for value in record.similarity[1 : len(record.residual) + 1]]
            after += ["–"] * (len(record.residual) - len(after))
            rows.append(("Cosine of the tokens before and after the loop", *after))
        return Table(head, tuple(rows))

    def _head_words(self) -> str:
        return "mean of all heads" if self.head is None else f"head {self.head + 1}"

    def _used(self) -> str:
        """The blocks whose attention refines, in words."""
        depth = self.maps.shape[1]
        used = [block for block in blocks_between(self.shown.blocks) or range(depth) if block < depth]
        return f"{used[0] + 1} to {used[-1] + 1} of {depth}" if used else f"{depth} of {depth}"


def _in_rows(blocks: Sequence[Block]) -> list[Sequence[Block]]:
    return [blocks[first : first + MAP_COLUMNS] for first in range(0, len(blocks), MAP_COLUMNS)]


def _cell(own: dict[str, Any], blocks: int, passes: int) -> tuple[int, int] | None:
    """Block and pass that are enlarged. Raises InvalidSetting."""
    block, k = own["layers.block"], own["layers.pass"]
    if block is None or k is None:
        return None
    if block >= blocks or k >= passes:
        raise InvalidSetting(f"This network has {blocks} blocks and {passes} passes: choose a cell among them.")
    return block, k


def _record(analysis: Analysis, method: Method) -> VitOutputs:
    record = analysis.prediction.record(method)
    if not isinstance(record, VitOutputs):
        raise InvalidSetting("This network has no attention: choose a transformer.")
    return record
