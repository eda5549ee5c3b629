"""Figures of a printed width: the numbers of the page, not of the screen."""

import io
import re
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from PIL import Image

from crt.viz.layer import MapLayer, Style
from crt.viz.plots import MapBlock, Plot
from crt.viz.print_charts import Axis, Chart, Series, Table
from crt.viz.print_file import render
from crt.viz.print_layout import Block, Words, lay_out
from crt.viz.print_size import MILLIMETRES, PrintSize, lettered, print_figure
from tests.helpers.figure_texts import figure_texts, points

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
VALUES = np.linspace(0, 1, 48 * 64, dtype=np.float32).reshape(48, 64)
RING = np.array([(0.2, 0.2), (0.8, 0.2), (0.8, 0.8)])
NOTES = [
    "Input 336 × 252 px, 4 tiles, overlap, 3 loops, refined by the attention summed over the passes.",
    "Dashed: ground truth.",
]


def panel(title: str = "CRT", *, ends: tuple[str, str] | None = None) -> MapBlock:
    layer = MapLayer(VALUES, 0.832, "raw CAM × attention", level=0.3, ends=ends)
    plot = Plot(title, "3 loops, refined by all blocks", layer, ("p 98 % · IoU 62 %",))
    return MapBlock(IMAGE, plot, Style(truth=(RING,)))


def chart(title: str = "IoU by threshold") -> Chart:
    lines = (Series("CRT, 3 loops", "#0f766e", ((0, 0.2), (0.5, 0.8), (1, 0.1))),)
    return Chart(title, Axis("threshold", 0, 1, percent=True), Axis("IoU"), lines, "At the usual threshold.")


def width_mm(figure: Figure) -> float:
    return figure.get_size_inches()[0] * MILLIMETRES


ROWS: dict[str, Sequence[Sequence[Block]]] = {
    "three maps": [[panel("ResNet"), panel("TS-CAM"), panel("CRT")]],
    "a difference": [[panel("A − B, share", ends=("more B", "more A")), panel("A"), panel("B")]],
    "a grid": [[panel(f"336 px, {loops} loops") for loops in range(5)] for _ in range(2)],
    "charts": [[chart(), chart(), chart()], [Words("A sentence that is longer than one line of a narrow column has.")]],
    "a table": [[Table(("Pass", "1", "2"), (("Size of the correction, ‖F(x)‖ / ‖x‖", "0.31", "0.12"),))]],
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS.keys())
@pytest.mark.parametrize(
    "size", [PrintSize(85), PrintSize(180), PrintSize(85, font=8)], ids=["85", "180", "85 at 8 pt"]
)
def test_a_figure_has_its_printed_width_and_text_that_can_be_read(rows, size):
    figure = print_figure(rows, size, title="cat", notes=NOTES)
    assert width_mm(figure) == pytest.approx(size.width, abs=0.05)
    found = figure_texts(figure)
    assert min(points(text) for text in found) >= size.font - 0.01
    assert max(points(text) for text in found) <= 2.2 * size.font
    page = figure.bbox
    for text in found:
        box = text.get_window_extent()
        assert box.x0 >= page.x0 - 2 and box.x1 <= page.x1 + 2, text.get_text()
        assert box.y0 >= page.y0 - 2 and box.y1 <= page.y1 + 2, text.get_text()


def test_the_texts_of_a_narrow_panel_do_not_overlap():
    found = figure_texts(print_figure(ROWS["three maps"], PrintSize(85)))
    boxes = [(text.get_text(), text.get_window_extent()) for text in found]
    for index, (text, box) in enumerate(boxes):
        for other, its in boxes[index + 1 :]:
            across = min(box.x1, its.x1) - max(box.x0, its.x0)
            down = min(box.y1, its.y1) - max(box.y0, its.y0)
            assert across <= 1 or down <= 0.35 * min(box.height, its.height), f"{text} over {other}"


def test_the_pdf_is_a_page_of_this_width_with_this_text():
    data = render(print_figure(ROWS["three maps"], PrintSize(85), notes=NOTES), "pdf")
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", data)
    assert box is not None
    assert float(box[1]) / 72 * MILLIMETRES == pytest.approx(85, abs=0.05)
    streams = [part for part in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL) if part[:1] == b"x"]
    drawn = [zlib.decompressobj().decompress(part) for part in streams]
    sizes = {float(size) for part in drawn for size in re.findall(rb"/F\d+ ([\d.]+) Tf", part)}
    assert min(sizes) >= 6
    with Image.open(io.BytesIO(render(print_figure(ROWS["three maps"], PrintSize(85)), "png"))) as image:
        assert image.width == pytest.approx(85 / MILLIMETRES * 300, abs=1)


def test_three_panels_share_a_column_of_a_paper_and_more_are_broken_evenly():
    three = print_figure(ROWS["three maps"], PrintSize(85))
    tops = {round(axes.get_position().y1, 3) for axes in three.axes if axes.get_position().height > 0.15}
    assert len(tops) == 1
    grid = print_figure([[panel(str(k)) for k in range(5)]], PrintSize(85))
    images = [axes.get_position() for axes in grid.axes if axes.get_position().height > 0.08]
    assert len(images) == 5
    assert len({round(place.y1, 3) for place in images}) == 2


def matrix(rows: int, columns: int) -> list[Sequence[Block]]:
    """Small maps with a title and a note alone."""
    layer = MapLayer(VALUES, 0.832, "", outlined=False)
    return [
        [
            MapBlock(IMAGE, Plot(f"Block {row + 1}", f"pass {k + 1} · 0.0044", layer, barred=False), Style())
            for k in range(columns)
        ]
        for row in range(rows)
    ]


@pytest.mark.parametrize(("width", "across", "down"), [(85, 4, 12), (180, 8, 6)])
def test_a_matrix_of_small_maps_keeps_its_rows_and_puts_them_side_by_side(width, across, down):
    figure = print_figure(matrix(12, 4), PrintSize(width), joined=True)
    places = [axes.get_position() for axes in figure.axes]
    assert len(places) == 48
    tops = sorted({round(place.y1, 4) for place in places}, reverse=True)
    assert len(tops) == down
    assert all(sum(round(place.y1, 4) == top for place in places) == across for top in tops)
    assert [text.get_text() for text in figure_texts(figure) if text.get_text().startswith("Block")] == [
        f"Block {row + 1}" for row in range(12) for _ in range(4)
    ]
    assert not [text for text in figure_texts(figure) if "…" in text.get_text()]


def test_rows_of_another_kind_or_length_stay_rows():
    rows = [*matrix(1, 4), [Words("heading")], *matrix(1, 4), *matrix(1, 3), [panel()], [panel()]]
    figure = print_figure(rows, PrintSize(180), joined=True)
    tops = {round(axes.get_position().y1, 3) for axes in figure.axes if axes.get_position().height > 0.05}
    assert len(tops) == 5


def test_the_head_of_a_narrow_panel_is_whole_and_the_images_of_a_row_are_in_line():
    titles = ["horse by TS-CAM", "After the random walk", "CRT"]
    figure = print_figure([[panel(title) for title in titles]], PrintSize(85))
    found = [text.get_text() for text in figure_texts(figure)]
    assert not [text for text in found if "…" in text]
    assert set(" ".join(titles).split()) <= set(" ".join(found).split())
    assert " ".join(found).count("attention") == len(titles), "the unit of the colour bar"
    tops = {round(axes.get_position().y1, 4) for axes in figure.axes if axes.get_position().height > 0.1}
    assert len(tops) == 1


def test_a_title_without_an_end_is_cut_after_three_lines():
    found = figure_texts(print_figure([[panel("name " * 40), panel(), panel()]], PrintSize(85)))
    lines = [text.get_text() for text in found if text.get_text().startswith("name")]
    assert len(lines) == 3 and lines[-1].endswith("…")


def test_outlines_are_as_wide_as_chosen():
    def widest(lines: float) -> float:
        figure = print_figure(ROWS["three maps"], PrintSize(85, lines=lines))
        return max(patch.get_linewidth() for patch in figure.findobj(PathPatch) if isinstance(patch, PathPatch))

    assert widest(2) == pytest.approx(2 * widest(1))
    assert widest(1) >= 1.5  # points, also where the panel is small


def test_letters_count_panels_and_charts():
    rows = lettered([[panel("ResNet"), panel("")], [Words("text")], [chart("IoU")]])
    blocks = [block for row in rows for block in row]
    titles = [block.panel.title if isinstance(block, MapBlock) else getattr(block, "title", "") for block in blocks]
    assert titles == ["(a) ResNet", "(b)", "", "(c) IoU"]
    many = lettered([[panel("x") for _ in range(28)]])[0]
    assert [block.panel.title for block in many if isinstance(block, MapBlock)][-3:] == ["(z) x", "(aa) x", "(ab) x"]


def test_hollow_marks_have_no_line():
    points = ((0, 0.2), (0.5, 0.8))
    lines = Series("ours", "#0f766e", points), Series("paper", "#141414", points, hollow=True)
    axes, *keys = lay_out([[Chart("mIoU", Axis("stage"), Axis("mIoU"), lines)]]).axes
    for ours, paper in (axes.lines, [key.lines[0] for key in keys]):
        assert (ours.get_linestyle(), paper.get_linestyle()) == ("-", "None")
        assert (paper.get_marker(), paper.get_markerfacecolor()) == ("o", "none")
