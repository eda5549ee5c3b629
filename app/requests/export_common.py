"""What the exports of all tabs share: names and metadata."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import gradio as gr
import numpy as np

from app.core.analysis import Analysis
from app.core.decoded import fingerprint
from crt.checkpoint import CheckpointConfig


def file_name(analysis: Analysis, classes: Sequence[str], tab: str = "") -> str:
    """A file name of plain letters.

    Args:
        analysis: the image.
        classes: names.
        tab: empty for Explore.

    Returns:
        The classes, the tab, and the first digits of the image's hash.
    """
    words = slug(" ".join(classes)) or "maps"
    return "-".join(part for part in ("crt", words, tab, fingerprint(analysis.image)[:8]) if part)


def slug(text: str) -> str:
    """A text as a part of a file's name.

    Args:
        text: any.

    Returns:
        At most 40 small letters, digits and hyphens; empty if the text has no letter or digit of English.
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:40].strip("-")


def credit_lines(analysis: Analysis, config: CheckpointConfig) -> list[str]:
    """Lines under a figure about its sources.

    Args:
        analysis: the image.
        config: of the checkpoint.

    Returns:
        Name and hash of the checkpoint, and the author of the photograph if it is an example.
    """
    sha256 = analysis.prediction.provenance.get("checkpoint_sha256", "?")
    lines = [f"Checkpoint {config.name}, sha256 {sha256}"]
    if analysis.example and analysis.example.credit:
        lines.append(f"Image: {analysis.example.credit}")
    return lines


def made_with(analysis: Analysis) -> dict[str, Any]:
    """What the files were made with.

    Args:
        analysis: the image.

    Returns:
        The image, the provenance of the Prediction, and the versions of the programs, as JSON values.
    """
    prediction = analysis.prediction
    return {
        "image": {
            "source": prediction.source,
            "input": (prediction.grid.height, prediction.grid.width),
            "example": analysis.example.id if analysis.example else None,
        },
        "provenance": prediction.provenance,
        **versions(),
    }


def versions() -> dict[str, Any]:
    """The versions of the programs that make the files, as JSON values."""
    return {
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "matplotlib": version("matplotlib"),
            "gradio": gr.__version__,
        }
    }


def percent(share: float) -> str:
    """A share as the page writes it.

    Args:
        share: 0 … 1.

    Returns:
        Percent, with one decimal below 9.95 %.
    """
    return f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"
