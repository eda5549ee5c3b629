"""Tables of the report in tests."""

from scripts.report.base import Table


def as_dict(table: Table) -> dict[str, str]:
    """The second cell of each row by the first."""
    return {row[0]: row[1] for row in table.rows}
