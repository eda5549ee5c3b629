"""Run a checkpoint on one image: class scores, raw maps, and a figure that puts the methods side by side.

    python -m scripts.explain IMAGE --checkpoint checkpoints/voc --size 336 --output FILE.npz --figure FILE.png

`--output` writes the whole Prediction (`crt.prediction.Prediction.load` reads it), and `--json FILE` the result for
other programs; `--json -` prints it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from crt.cam_spec import CamSpec, class_ids
from crt.errors import InvalidSetting, reason_of
from crt.io_utils import atomic_path
from crt.pass_reductions import Attention, PassReduction
from crt.types import InferencePrecision, Method, Mode
from scripts.cli import run_cli
from scripts.output import write_json

if TYPE_CHECKING:
    import numpy as np

    from crt.prediction import Prediction
    from crt.predictor import Predictor
    from crt.sheets.compare import Extra

LIKELY = 0.5
STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True)
class Explain:
    """One image through all networks of a checkpoint."""

    image: tyro.conf.Positional[Path]
    """The image: JPEG, PNG, WebP, BMP, GIF or TIFF."""
    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    size: int | None = 336
    """Pixels of the long side that the networks see; `None` for the image's own."""
    mode: Mode = "overlap"
    """How a larger image goes through the transformer."""
    loops: int | None = None
    """Loop count of CRT's maps; the checkpoint's own default if not given."""
    refined: bool | None = None
    """Refine the transformers' maps by attention; the checkpoint's own default if not given."""
    pass_reduction: PassReduction | None = None
    """Which passes' attention refines, of all blocks; the checkpoint's own default, with its blocks, if not given."""
    classes: tuple[str, ...] = ()
    """Classes to show, by name without regard to capitals, or by number from 0; if none, those that CRT gives more
    than half a chance, at least the likeliest."""
    threshold: float | None = None
    """Outline a seed at this share of the map's largest value; the checkpoint's own default if not given."""
    explainers: tuple[str, ...] = ()
    """More columns: names of `crt.analysis.explainers`, such as gradcam, layercam or scorecam."""
    explain_network: Method | None = None
    """The network that the explainers explain; CRT's, or the first there is."""
    output: Path | None = None
    """Write the Prediction to this file (npz)."""
    figure: Path | None = None
    """Write the figure here (PNG, JPEG, WebP)."""
    device: str = "auto"
    """`auto` is the GPU if there is one."""
    precision: InferencePrecision = "auto"
    """`auto` is bfloat16 where the processor or GPU has instructions for it, else float32; explainers take float32."""
    json: Path | None = None
    """Write the result here; `-` prints it instead of the table."""


def explain(config: Explain) -> dict:
    """Run it, write the requested files and return the JSON result."""
    from crt.checkpoint import load_checkpoint
    from crt.data.images import load_image
    from crt.device import choose_device
    from crt.precision import resolve
    from crt.predictor import InferenceConfig, Predictor
    from scripts.report.evaluation import attention_of

    check(config)
    checkpoint = load_checkpoint(config.checkpoint)
    defaults, device = checkpoint.config.defaults, choose_device(config.device)
    if config.pass_reduction is not None:
        defaults = replace(defaults, pass_reduction=config.pass_reduction, blocks=None)
    spec = CamSpec.of(defaults)
    given = {"loops": config.loops, "refined": config.refined}
    spec = replace(spec, **{name: value for name, value in given.items() if value is not None})
    threshold = defaults.threshold if config.threshold is None else config.threshold
    image = load_image(config.image)
    bfloat16 = resolve(config.precision, device.type) == "bf16"
    predictor = Predictor(checkpoint, device=device, bfloat16=bfloat16)
    prediction = predictor.predict(image, InferenceConfig(size=config.size, mode=config.mode, loops=spec.loops))
    single = checkpoint.config.single_label
    shares: dict[Method, np.ndarray] = {
        m: prediction.probabilities(m, spec.loops, single_label=single) for m in prediction.methods
    }
    chosen = choose_classes(config.classes, prediction, shares)
    extras, seconds = run_explainers(config, predictor, prediction, image, chosen)
    result = {
        "image": str(config.image),
        "checkpoint": checkpoint.config.name,
        "checkpoint_sha256": checkpoint.sha256,
        "source": list(prediction.source),
        "input": [prediction.grid.height, prediction.grid.width],
        "mode": config.mode,
        "precision": "bfloat16" if bfloat16 else "float32",
        "loops": spec.loops,
        "refined": spec.refined,
        "attention": attention_of(defaults),
        "threshold": threshold,
        "single_label": single,
        "tiles": len(prediction.grid),
        "passes": prediction.passes,
        "classes": {
            prediction.classes[i]: {method: round(float(share[i]), 4) for method, share in shares.items()}
            for i in chosen
        },
        "milliseconds": {stage: round(value, 1) for stage, value in {**prediction.timings, **seconds}.items()},
    }
    write(config, prediction, image, chosen, extras, result, defaults.attention)
    if config.json not in (None, STANDARD_OUTPUT):
        write_json(config.json, result)
    print(json.dumps(result, indent=1) if config.json == STANDARD_OUTPUT else class_table(result))
    return result


def check(config: Explain) -> None:
    """Check what can be checked before anything is computed. Raises InvalidSetting."""
    from crt.analysis.explainers import EXPLAINERS

    unknown = [name for name in config.explainers if name not in EXPLAINERS]
    if unknown:
        raise InvalidSetting(f"There is no explainer {unknown[0]!r}: choose among {', '.join(EXPLAINERS)}.")
    for path in (config.output, config.figure):
        if path is not None and not path.parent.is_dir():
            raise InvalidSetting(f"There is no folder {path.parent}: make it first.")
    if config.figure is not None and config.figure.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise InvalidSetting(f"A figure is a .png, .jpg or .webp file, not {config.figure.name}.")


def choose_classes(names: Sequence[str], prediction: Prediction, shares: dict[Method, np.ndarray]) -> list[int]:
    """The classes named, or those that CRT (else the first network) finds likely, the likeliest first."""
    import numpy as np

    if names:
        numbered = [int(name) if name.isdecimal() and name not in prediction.classes else name for name in names]
        return list(dict.fromkeys(class_ids(numbered, prediction.classes)))
    share = shares.get("crt", shares[prediction.methods[0]])
    order = [int(index) for index in np.argsort(-share, kind="stable")]
    return [index for index in order if share[index] > LIKELY] or order[:1]


def run_explainers(
    config: Explain, predictor: Predictor, prediction: Prediction, image: np.ndarray, classes: Sequence[int]
) -> tuple[list[Extra], dict[str, float]]:
    """The columns of the explainers, and the milliseconds that each took."""
    from tqdm import tqdm

    from crt.analysis.explainers import EXPLAINERS
    from crt.data.resizing import resize_long_side, to_tensor
    from crt.models.normalization import normalization_of
    from crt.sheets.compare import Extra
    from crt.types import METHOD_TITLES

    extras: list[Extra] = []
    seconds: dict[str, float] = {}
    if not config.explainers:
        return extras, seconds
    networks = predictor.checkpoint.networks
    method = config.explain_network or ("crt" if "crt" in networks else prediction.methods[0])
    if method not in networks:
        raise InvalidSetting(f"This checkpoint has no {method} network: choose among {', '.join(networks)}.")
    resized = image if config.size is None else resize_long_side(image, config.size)
    pixels = to_tensor(resized, *normalization_of(networks[method])).to(predictor.device)
    for name in tqdm(
        dict.fromkeys(config.explainers), unit="explainer", disable=config.json == STANDARD_OUTPUT or None
    ):
        began = time.perf_counter()
        maps = EXPLAINERS[name].explain(networks[method], pixels, classes, prediction.grid)
        seconds[name] = 1000 * (time.perf_counter() - began)
        title = f"{EXPLAINERS[name].title} of {METHOD_TITLES[method]}"
        extras.append(Extra(title, maps, prediction.content_size(method)))
    return extras, seconds


def write(
    config: Explain,
    prediction: Prediction,
    image: np.ndarray,
    classes: list[int],
    extras: list[Extra],
    result: dict,
    attention: Attention,
) -> None:
    """The requested files. Raises InvalidSetting where one cannot be written."""
    from crt.sheets.compare import side_by_side

    target = config.output
    try:
        if config.output is not None:
            with atomic_path(config.output) as temporary, temporary.open("wb") as stream:  # to a name NumPy adds .npz
                prediction.save(stream)
        if config.figure is not None:
            target = config.figure
            side_by_side(
                prediction,
                image,
                classes,
                loops=result["loops"],
                refined=result["refined"],
                attention=attention,
                threshold=result["threshold"],
                extras=extras,
                single_label=result["single_label"],
            ).save(config.figure)
    except OSError as error:
        raise InvalidSetting(f"{target} cannot be written: {reason_of(error)}.") from error


def class_table(result: dict) -> str:
    """The result for people: one line per class, one column per network."""
    from crt.types import METHOD_TITLES

    methods = list(next(iter(result["classes"].values())))
    lines = [f"{'class':<16}" + "".join(f"{METHOD_TITLES[method]:>18}" for method in methods)]
    lines += [
        f"{name:<16}" + "".join(f"{shares[method]:>18.1%}" for method in methods)
        for name, shares in result["classes"].items()
    ]
    height, width = result["input"]
    counts = ", ".join(f"{name} {result[name]}" for name in ("tiles", "passes", "loops"))
    lines.append(f"input {width} × {height}, {counts}")
    lines += [f"{stage:<16}{value:>10.1f} ms" for stage, value in result["milliseconds"].items()]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command -> its exit code."""
    return run_cli(lambda: tyro.cli(Explain, args=arguments, description=__doc__), explain)


if __name__ == "__main__":
    sys.exit(main())
