"""Make a static site of a folder of images: thumbnails with CAMs, and the interactive page of each image.

    python -m scripts.gallery FOLDER --checkpoint voc --out site/

`site/index.html` opens from the disk and from any web server as it is, such as that of a project page. It lists the
images with the CAM of the class with the highest score, to be filtered by file name, class and score and sorted; each
opens the app's viewer with the run of that image, which needs no server. With `--masks` it has the IoU of every class
in the mask of an image, and with `--cams` the page shows CAMs of other methods beside the checkpoint's.

An interrupted run goes on where it was: an image is made again only if its file, its mask, the checkpoint or a setting
has changed. One that cannot be used is named at the end, and the exit code is then 1.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

import tyro
from tqdm import tqdm

from crt.errors import CrtError, InvalidSetting, count_of
from crt.types import InferencePrecision, Mode
from scripts.cli import DONE, FAILED, run_cli
from scripts.output import write_json
from scripts.provenance import ROOT

STOP_S = 20.0
NAME_LENGTH = 60
"""Characters of the name of a panel on the page."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Which images, by which checkpoint, and where the site goes."""

    folder: tyro.conf.Positional[Path]
    """The images: JPEG, PNG, WebP, BMP, GIF or TIFF, also in subfolders."""
    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    out: Path
    """Folder of the site: empty, not there yet, or that of a gallery, which is brought up to date."""
    masks: Path | None = None
    """Folder of ground truth: a PNG named as its image, 0 background, k the k-th class of the checkpoint, 255 to
    ignore."""
    cams: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """NAME=FOLDER, any number of times: CAMs of another method, each an .npy, .npz or greyscale PNG named as its image.
    The page of the image shows them as panels."""
    size: Literal["224", "336", "448", "560", "672", "native"] | None = None
    """Pixels of the long side that the networks see; the checkpoint's own default if not given."""
    mode: Mode | None = None
    """How a larger image goes through the transformer; the checkpoint's first mode if not given."""
    title: str = ""
    """Heading of the index; the name of the folder of images if not given."""
    device: str = "auto"
    """`auto` is the GPU if there is one."""
    precision: InferencePrecision = "auto"
    """`auto` is bfloat16 where the processor or GPU has instructions for it, else float32."""
    json: Path | None = None
    """Write what was made here: counts, mean IoU, and the name and reason of every file that could not be used."""


def gallery(config: Config) -> int:
    """Make the site -> the exit code. Raises CrtError, OSError."""
    values = {name: value for name, value in dataclasses.asdict(config).items() if name != "json"}
    values["cams"] = [named_folder(text) for text in config.cams]
    if len(dict(values["cams"])) < len(config.cams):
        raise InvalidSetting("Two --cams have one name: give each method its own.")
    result: dict[str, Any] | None = None
    with pages(values) as lines, tqdm(unit="image", mininterval=1.0) as bar:
        for line in lines:
            if "state" in line:
                bar.total = line["total"]
                bar.update(line["done"] - bar.n)
            elif "error" in line:
                raise InvalidSetting(line["error"]) if line["usage"] else CrtError(line["error"])
            elif "errno" in line:
                raise OSError(line["errno"], os.strerror(line["errno"]), line["filename"])
            else:
                result = line["result"]
    if result is None:
        raise CrtError("The pages could not be made: the lines above have the reason.")
    if config.json is not None:
        write_json(config.json, {**{name: plain(value) for name, value in values.items()}, **result})
    print(summary(config, result))
    for name, reason in result["failed"]:
        print(f"error: {name}: {reason}", file=sys.stderr)
    return FAILED if result["failed"] else DONE


def named_folder(text: str) -> tuple[str, str]:
    """The name of a method and the folder of its CAMs. Raises InvalidSetting."""
    name, _, folder = text.partition("=")
    if not name.strip() or not folder or len(name.strip()) > NAME_LENGTH:
        raise InvalidSetting(f"--cams takes NAME=FOLDER with a name of up to {NAME_LENGTH} characters, not {text!r}.")
    return name.strip(), folder


@contextmanager
def pages(values: dict[str, Any]) -> Iterator[Iterator[dict[str, Any]]]:
    """The lines of the process that makes the pages, which is ended with the block.

    `values`: the fields of `app.gallery.settings.GallerySettings`.
    """
    words = [sys.executable, "-P", "-m", "app.gallery"]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(  # noqa: S603 - fixed words, without a shell
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
    )
    settings, lines = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
    try:
        with settings:
            settings.write(json.dumps({name: plain(value) for name, value in values.items()}))
        yield map(json.loads, lines)
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        lines.close()


def plain(value: Any) -> Any:
    """A value of the settings as JSON has it."""
    return str(value) if isinstance(value, Path) else value


def summary(config: Config, result: dict[str, Any]) -> str:
    """What was made, in one line."""
    counts = [f"{result['made']} new", f"{result['kept']} kept"]
    counts += [f"{result[name]} {name}" for name in ("removed",) if result[name]]
    iou = "" if result["mean_iou"] is None else f", mean IoU {result['mean_iou']:.3f}"
    return f"{config.out / 'index.html'}: {count_of(result['images'], 'image')} ({', '.join(counts)}){iou}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command -> its exit code."""
    return run_cli(lambda: tyro.cli(Config, args=arguments, description=__doc__), gallery)


if __name__ == "__main__":
    sys.exit(main())
