"""Sheets of a run or an evaluation: methods side by side, the worst masks, boxes over images."""
