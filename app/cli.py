"""What the command line of `app.py` decides, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crt.errors import InvalidSetting


@dataclass(frozen=True)
class AppConfig:
    """Settings of the explorer. What is not given on the command line is taken from GRADIO_* variables."""

    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    extra_checkpoints: tuple[str, ...] | None = None
    """Further checkpoints to choose from on the page; left out, the others that come with this program if the first is
    one of them."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`bf16`: bfloat16 products in the networks, faster on processors made for them; `fp32`: float32;
    `auto`: bfloat16 where the processor or GPU has instructions for it. The maps differ by some hundredths of their
    largest value at most."""
    host: str | None = None
    """Address to listen on; GRADIO_SERVER_NAME, or this machine alone."""
    port: int | None = None
    """Port to listen on; GRADIO_SERVER_PORT, or the first free one from 7860."""
    share: bool = False
    """Make a public link through Gradio's tunnel."""
    examples: Path | None = None
    """A folder in the layout of the VOC devkit: its first validation images become examples, with their masks."""
    class_names: tuple[str, ...] = ()
    """All classes of `--examples`, if it is a data set of one's own, in the order of its mask values; VOC's if
    empty."""
    allow_custom_checkpoints: bool = False
    """Let everybody who opens the page load another checkpoint, from a folder of this machine or from the Hub."""
    max_upload_mb: int = 20
    """The largest upload in megabytes."""
    cache_mb: int = 256
    """Memory for Predictions of all sessions together, in megabytes."""
    queue_size: int = 24
    """Requests that may wait; one more is answered that the app is busy."""
    requests_per_minute: int | None = None
    """Requests and uploads that one client may send in a minute; no limit if left out."""
    password: str | None = None
    """Require it, with the user name crt. The variable CRT_PASSWORD does the same and is in no list of processes."""

    def __post_init__(self) -> None:
        for name in ("max_upload_mb", "cache_mb", "queue_size", "requests_per_minute"):
            if (value := getattr(self, name)) is not None and value < 1:
                option = "--" + name.replace("_", "-")
                raise InvalidSetting(f"{option} is {value}: give at least 1.")
