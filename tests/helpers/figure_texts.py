"""The texts of a figure for print, where they are when it is drawn."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from crt.viz.print_file import DPI


def figure_texts(figure: Figure) -> list[Text]:
    """All texts in sight of a figure, which is drawn for that with the pixels of its PNG."""
    figure.set_dpi(DPI)
    FigureCanvasAgg(figure).draw()
    found = [one for one in figure.findobj(Text) if isinstance(one, Text)]
    return [text for text in found if text.get_text().strip() and text.get_visible()]


def points(text: Text) -> float:
    """The size of a text."""
    return float(text.get_fontsize())
