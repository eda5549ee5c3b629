"""Sections and tables as Markdown that GitHub and the site of the documentation both render."""

from __future__ import annotations

from collections.abc import Iterable

from scripts.report.base import Chart, Section, Table
from scripts.report.charts import slug
from scripts.report.evaluation import ROWS

FIGURES = "figures"
"""Folder of the charts, beside the page."""
REPRODUCE = "**Reproduce**"
"""The line before the command of a section."""


def markdown(section: Section) -> str:
    """A section with the images of its charts, which lie in `FIGURES`, each below its table, and the command last."""
    lines = [f"## {section.title}", ""]
    for note in section.notes:
        lines += [note, ""]
    left = list(section.charts)
    for table in section.tables:
        lines += table_markdown(table)
        beside = [chart for chart in left if chart.beside == table.head[0]]
        left = [chart for chart in left if chart not in beside]
        lines += _images(section, beside)
    lines += _images(section, left)
    if section.sentences:
        lines += [" ".join(section.sentences), ""]
    if section.command:
        lines += [REPRODUCE, "", f"    {section.command}", ""]
    return "\n".join(lines)


def table_markdown(table: Table) -> list[str]:
    """A table with its heading and caption, folded if it is to be; a blank line last."""
    lines = [*table_lines(table), ""]
    if table.caption:
        lines += [" ".join(table.caption), ""]
    if table.folded:
        fold = f'<details markdown="1">\n<summary>{table.folded}</summary>'
        lines = [fold, "", *lines, "</details>", ""]
    return [f"### {table.title}", "", *lines] if table.title else lines


def table_lines(table: Table) -> list[str]:
    """The lines of a table, its default row in bold."""
    lines = ["| " + " | ".join(table.head) + " |", "|---" * len(table.head) + "|"]
    return lines + ["| " + " | ".join((_bold(row[0]), *row[1:])) + " |" for row in table.rows]


def chart_file(section: Section, chart: Chart) -> str:
    """The file name of a chart; sections of one kind have charts of the same title."""
    return f"{slug(f'{section.title} {chart.title}')}.svg"


def anchor(heading: str) -> str:
    """The fragment of a heading, which GitHub and the site make alike of words, commas and brackets."""
    return "".join(one for one in heading.lower().replace(" ", "-") if one.isalnum() or one in "-_")


def _images(section: Section, charts: Iterable[Chart]) -> list[str]:
    lines = []
    for chart in charts:
        lines += [f"![{chart.caption}]({FIGURES}/{chart_file(section, chart)})", ""]
    return lines


def _bold(name: str) -> str:
    return f"**{name}**" if name == ROWS["crt"] else name
