"""Hostile files, some hundreds, the same at every run: each must be read or refused.

    python -m scripts.fuzz.corpus --out hostile

Formats and modes, odd sizes, files cut off or with changed bytes, false headers, decompression bombs, metadata, and
names. `kinds.json` beside them holds the kind of each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from crt.errors import InvalidSetting, count_of
from scripts.cli import run_cli
from scripts.fuzz.damaged_files import damaged_metadata, decompression_bombs, false_headers, other_files
from scripts.fuzz.image_files import File, odd_sizes, whole_files

CUTS = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
FLIPS = 8  # files with changed bytes for each format
UNSAFE_NAMES = (
    "../../../../etc/passwd.png",
    "..\\..\\windows.png",
    "<img src=x onerror=alert(1)>.png",
    "${7*7}.png",
    "{{7*7}}.png",
    "`id`.png",
    "'; drop table images; --.png",
    "%2e%2e%2fpasswd.png",
    "a b\tc.png",
    "line\nbreak.png",
    "\u202egnp.exe",
    "\U0001f431 katze.png",
    "Bär & Söhne «1».png",
    ".hidden.png",
    "-rf.png",
    "CON.png",
    "no_extension",
    "double.png.exe",
    "image.svg",
    "x" * 180 + ".png",
)


@dataclass(frozen=True)
class CorpusConfig:
    """Where the files go."""

    out: Path
    """A new or empty folder."""
    seed: int = 0
    """Of the pixels and the changed bytes."""


def write_corpus(config: CorpusConfig) -> dict[str, str]:
    """Write all files -> the kind of each by its name on disk. Raises InvalidSetting for a folder that is not empty."""
    if config.out.exists() and any(config.out.iterdir()):
        raise InvalidSetting(f"{config.out} is not empty: choose a new folder.")
    config.out.mkdir(parents=True, exist_ok=True)
    kinds: dict[str, str] = {}
    for index, (kind, name, data) in enumerate(corpus(config.seed)):
        safe = "".join(letter if letter not in "/\\\0" else "_" for letter in name)
        target = config.out / f"{index:03d} {safe}"
        target.write_bytes(data)
        kinds[target.name] = kind
    (config.out / "kinds.json").write_text(json.dumps(kinds, indent=1) + "\n", encoding="utf-8")
    return kinds


def corpus(seed: int = 0) -> Iterator[File]:
    """All files. The names are as an attacker would send them; paths in them are part of the attack."""
    rng = np.random.default_rng(seed)
    whole = dict(whole_files(rng))
    for name, data in whole.items():
        yield "whole", name, data
    bases = {
        name: whole[name] for name in ("rgb.png", "rgb.jpg", "rgb.webp", "anim.gif", "rgb.bmp", "rgb.tif", "p6.ppm")
    }
    for name, data in bases.items():
        for cut in CUTS:
            yield "cut off", f"{cut:.2f}_{name}", data[: int(cut * len(data))]
        for number in range(FLIPS):
            changed = bytearray(data)
            for _ in range(1 + 4 * number):
                changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
            yield "changed bytes", f"{number}_{name}", bytes(changed)
        yield "twice", f"twice_{name}", data + data
        yield "zeros behind", f"tail_{name}", data + bytes(5000)
    yield from odd_sizes(rng)
    yield from false_headers(whole)
    yield from decompression_bombs()
    yield from damaged_metadata(rng)
    yield from other_files(whole)
    for name in UNSAFE_NAMES:
        yield "name", name, whole["rgb.png"]


def main(config: CorpusConfig) -> None:
    """Write the files and print their number."""
    print(count_of(len(write_corpus(config)), "file"))


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(CorpusConfig, description=__doc__), main))
