"""Turn the weights of other programs into this project's: a checkpoint folder, or a backbone to train from.

    python -m scripts.import_checkpoint model_best.pth --classes cub --out checkpoints/tscam
    python -m scripts.import_checkpoint cam1.pth cam2.pth --crt --classes voc --out checkpoints/released
    python -m scripts.import_checkpoint deit_small_patch16_224-cd65a155.pth --output deit_small.safetensors

Read are `.pth` files (or safetensors) of DeiT, TS-CAM, the authors' CRT, IRN, and plain ResNets of torchvision or timm.
A file with a convolution for CAMs becomes a network of the folder `--out`, which the app and every command open.
Of any file the backbone alone goes to `--output`, for `--model.vit-weights` or `--model.cnn-weights` of
`scripts.train_crt`. Nothing that a file holds is run. Every tensor of it is used or left out for a reason that is
printed; one that is neither is an error.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import tyro

from crt.checkpoint import CONFIG_FILE, CheckpointConfig, Defaults, Method, NetworkSpec, write_config
from crt.data import VOC_CLASSES
from crt.data.cub_classes import CUB_CLASSES
from crt.errors import InvalidCheckpoint, InvalidSetting, reason_of
from scripts.cli import run_cli
from scripts.output import write_json

if TYPE_CHECKING:
    from crt.checkpoint.convert import Converted
    from crt.checkpoint.formats import Family

CRT_LOOPS = 3
"""Loop count in the authors' program, in training and after it."""


@dataclass(frozen=True)
class Import:
    """Which files become which networks."""

    files: tyro.conf.Positional[tuple[Path, ...]]
    """One file, or two for a folder: that of a transformer and that of a CNN, in any order."""
    out: Path | None = None
    """The checkpoint folder to write, of files with a convolution for CAMs; one that holds no checkpoint yet."""
    output: Path | None = None
    """The safetensors file to write, of one file's backbone alone."""
    classes: str | None = None
    """Names of the classes, in the order of the maps: `voc`, `cub`, or a text file with a name in each line."""
    crt: bool = False
    """The files are the authors' CRT: they become `crt` and `crt_cnn`, made with 3 loops. Else `tscam` and `resnet`."""
    single_label: bool | None = None
    """Each image shows one class; if not given, so it is for `cub` and not for others."""
    vit: str | None = None
    """timm's name of the transformer; if not given, the DeiT of these shapes."""
    cnn: str | None = None
    """timm's name of the ResNet; if not given, the one of these shapes."""
    tile: int | None = None
    """Pixels of the side of the transformer's input; that of the file if not given. The position embedding is
    resampled."""
    averaged: bool = False
    """Take the moving average of the weights (`model_ema`) in the place of those of the last step."""
    verbose: bool = False
    """Print every tensor, not only counts by reason."""
    json: Path | None = None
    """Write what became of every tensor here."""


def import_files(config: Import) -> list[Converted]:
    """Read the files, write the folder or the backbone, and read a folder back strictly. Raises CrtError."""
    from crt.checkpoint.convert import convert
    from crt.checkpoint.weights import save_network

    if (config.out is None) == (config.output is None):
        raise InvalidSetting("Give --out FOLDER for a checkpoint, or --output FILE for a backbone, and not both.")
    if not config.files:
        raise InvalidSetting("Give the file to import.")
    if config.out is not None and (config.out / CONFIG_FILE).exists():
        raise InvalidCheckpoint(f"{config.out} already holds a checkpoint: choose another --out for the new one.")
    backbone: dict[Family, str] = {}
    if config.vit is not None:
        backbone["vit"] = config.vit
    if config.cnn is not None:
        backbone["resnet"] = config.cnn
    if config.output is not None and (len(config.files) != 1 or config.output.suffix != ".safetensors"):
        raise InvalidSetting("--output takes one file, and its name must end with .safetensors.")
    done = [
        convert(path, backbone=backbone, tile=config.tile, head=config.output is None, averaged=config.averaged)
        for path in config.files
    ]
    if config.output is not None:
        config.output.parent.mkdir(parents=True, exist_ok=True)
        save_network(done[0].network, config.output)
    elif config.out is not None:
        _write_folder(config, config.out, done)
    return done


def class_names(given: str) -> tuple[str, ...]:
    """`voc`, `cub`, or a text file with a name in each line -> the names. Raises InvalidSetting."""
    if given in ("voc", "cub"):
        return VOC_CLASSES if given == "voc" else CUB_CLASSES
    try:
        lines = Path(given).expanduser().read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"--classes {given} is neither voc, cub, nor a text file with class names.") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if not names or len(set(names)) != len(names):
        raise InvalidSetting(f"{given} must hold each class name once, one in each line.")
    return names


def _write_folder(config: Import, folder: Path, done: list[Converted]) -> None:
    """A checkpoint of the networks with heads, whole or not at all. Raises InvalidSetting where they make none."""
    from crt.checkpoint import load_checkpoint

    names = _checked_names(config, done)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as staged:
        _write_networks(config, Path(staged), done, folder.name, names)
        load_checkpoint(staged)
        folder.mkdir(exist_ok=True)
        for file in Path(staged).iterdir():
            file.replace(folder / file.name)


def _write_networks(config: Import, folder: Path, done: list[Converted], name: str, classes: tuple[str, ...]) -> None:
    """The files of a checkpoint, into an empty folder."""
    from crt.checkpoint.weights import file_sha256, save_network
    from crt.models.normalization import normalization_of

    networks: dict[Method, NetworkSpec] = {}
    origin = {}
    by_family = sorted(zip(config.files, done, strict=True), key=lambda pair: pair[1].family != "vit")
    for path, found in by_family:
        vit = found.family == "vit"
        method: Method = ("crt" if vit else "crt_cnn") if config.crt else ("tscam" if vit else "resnet")
        file = f"{method}.safetensors"
        loops = (CRT_LOOPS if config.crt else 0,) if vit else ()
        networks[method] = NetworkSpec(
            found.family,
            found.backbone,
            file,
            save_network(found.network, folder / file),
            tile=found.tile,
            trained_loops=loops,
            **normalization_of(found.network)._asdict(),
        )
        origin[method] = {"imported_from": path.name, "sha256": file_sha256(path.expanduser())}
    single = config.classes == "cub" if config.single_label is None else config.single_label
    size = next((found.tile for found in done if found.family == "vit"), 224) if single else Defaults.size
    defaults = Defaults(size=size, loops=CRT_LOOPS if config.crt else 0)
    write_config(
        folder,
        CheckpointConfig(name, classes, networks, single_label=single, defaults=defaults, training=origin),
    )


def _checked_names(config: Import, done: list[Converted]) -> tuple[str, ...]:
    """The class names, which every head must have as many of."""
    for path, found in zip(config.files, done, strict=True):
        if found.classes is None:
            raise InvalidSetting(
                f"{path.name} has no convolution for CAMs, so it makes no checkpoint: write its backbone with "
                "--output FILE.safetensors and train from it."
            )
    if len(done) > 2 or len({found.family for found in done}) != len(done):
        raise InvalidSetting("A folder takes one transformer and one CNN at most: import the others into their own.")
    counts = {found.classes for found in done}
    if config.classes is None:
        raise InvalidSetting(
            f"The maps are of {' and '.join(map(str, counts))} classes: name them with --classes voc, cub, or a file."
        )
    names = class_names(config.classes)
    if counts != {len(names)}:
        raise InvalidSetting(
            f"--classes {config.classes} names {len(names)} classes, and the maps are of "
            f"{' and '.join(map(str, counts))}: give the names that belong to the file."
        )
    return names


def report_tensors(config: Import, done: list[Converted]) -> list[dict[str, Any]]:
    """What became of every tensor: printed, and as plain values."""
    results = []
    for path, found in zip(config.files, done, strict=True):
        size = f" on {found.tile} px" if found.family == "vit" else ""
        resampled = f", position embedding resampled from {found.resampled} px" if found.resampled else ""
        print(f"{path}: {found.backbone}{size}{resampled}")
        print(f"  used: {len(found.used)} tensors")
        if config.verbose:
            print(*(f"    {name} -> {target}" for name, target in found.used.items()), sep="\n")
        by_reason = defaultdict(list)
        for name, reason in found.left_out.items():
            by_reason["the same tensor under another name" if reason.endswith(" once more") else reason].append(name)
        for reason, names in by_reason.items():
            shown = names if config.verbose else names[:3]
            more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
            print(f"  left out: {', '.join(shown)}{more} ({reason})")
        values = {part.name: getattr(found, part.name) for part in fields(found) if part.name != "network"}
        results.append({"file": path.name, **values})
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """The command -> its exit code."""
    return run_cli(lambda: tyro.cli(Import, args=arguments, description=__doc__), write_report)


def write_report(config: Import) -> None:
    """Convert, and report the result of every file. Raises CrtError."""
    target = config.out or config.output
    try:
        done = import_files(config)
    except OSError as error:
        raise InvalidSetting(f"{target} cannot be written ({reason_of(error)}): choose another place.") from error
    results = report_tensors(config, done)
    if config.json is not None:
        write_json(config.json, {"files": results})
    print(f"wrote {target}")


if __name__ == "__main__":
    sys.exit(main())
