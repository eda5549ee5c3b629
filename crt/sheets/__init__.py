"""Sheets of a run or an evaluation: methods side by side, the worst masks, boxes over images."""

from crt.sheets.compare import Extra, probabilities, settings_line, side_by_side

__all__ = ["Extra", "probabilities", "settings_line", "side_by_side"]
