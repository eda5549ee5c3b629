"""What the public endpoints give: CAMs, the Prediction and masks of one image as the bytes of a file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.core.analysis import Analysis
from app.core.input_sizes import LOOPS
from app.requests.validation import is_number
from crt.cam_spec import CamSpec, class_ids, plain_name
from crt.checkpoint import METHODS, CheckpointConfig, Defaults, Method
from crt.errors import InvalidSetting
from crt.models.outputs import VitOutputs
from crt.pass_reductions import check_reduction
from crt.prediction import Prediction
from crt.pseudo_labels.label_png import indexed_png, labels_of_image

LIKELY_PROBABILITY = 0.5
MAX_NAMES_LENGTH = 2000  # characters of a list of class names


def cams_npz(
    analysis: Analysis,
    loops: float | None = None,
    refined: bool | None = None,
    names: str = "",
    pass_reduction: str = "",
    method: Method | None = None,
) -> bytes:
    """CAMs of every network of one image, or of one network, as the endpoint `/cams` gives them.

    Args:
        analysis: the image and its Prediction.
        loops: the loop count of CRT; the checkpoint's default if None.
        refined: whether attention multiplies the transformers' CAMs; the checkpoint's default if None.
        names: class names with commas between them; all classes if empty.
        pass_reduction: its name; the checkpoint's default if empty.
        method: the only network; all if None.

    Returns:
        The bytes of an npz: for each network (K, h, w) float32, `NETWORK.content_size` and `NETWORK.scores` (K logits);
        `classes` and `source` (height and width of the image in pixels).

    Raises:
        InvalidSetting: a class, loop count or pass reduction that the Prediction does not have.
    """
    prediction, chosen = analysis.prediction, parse_class_names(names, analysis.prediction.classes)
    chosen = chosen or list(range(len(prediction.classes)))
    arrays: dict[str, np.ndarray] = {
        "classes": np.array([prediction.classes[index] for index in chosen]),
        "source": np.array(prediction.source),
    }
    for name in prediction.methods if method is None else (method,):
        spec = requested_spec(prediction, name, loops, refined, pass_reduction)
        arrays[name] = prediction.cams(name, classes=chosen, spec=spec)
        arrays[f"{name}.content_size"] = np.array(prediction.content_size(name))
        arrays[f"{name}.scores"] = prediction.scores(name, spec.loops)[chosen]
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # pyright: ignore[reportArgumentType]
    return stream.getvalue()


def prediction_npz(analysis: Analysis) -> bytes:
    """The whole Prediction, as the endpoint `/predict` gives it.

    Args:
        analysis: the image and its Prediction.

    Returns:
        The bytes that `crt.prediction.Prediction.load` reads.
    """
    stream = io.BytesIO()
    analysis.prediction.save(stream)
    return stream.getvalue()


def mask_png(
    analysis: Analysis,
    method: Method | None = None,
    loops: float | None = None,
    refined: bool | None = None,
    threshold: float | None = None,
    names: str = "",
    pass_reduction: str = "",
) -> bytes:
    """A mask of several classes of one image, as the endpoint `/masks` gives it.

    Args:
        analysis: the image and its Prediction.
        method: the network; `prediction.default_method` if None.
        loops: the loop count of CRT; the checkpoint's default if None.
        refined: whether attention multiplies the transformers' CAMs; the checkpoint's default if None.
        threshold: share of a CAM's largest value, above 0 and below 1; the checkpoint's default if None.
        names: class names with commas between them; if empty those with a probability above 0.5, at least the
            likeliest.
        pass_reduction: its name; the checkpoint's default if empty.

    Returns:
        The bytes of an indexed PNG of the image's own size: 0 is background, k + 1 the k-th class.

    Raises:
        InvalidSetting: a network, class, loop count, threshold or pass reduction that the Prediction does not have.
    """
    prediction, config = analysis.prediction, analysis.model.config if analysis.model is not None else None
    network = prediction.default_method if method is None else method
    if threshold is None:
        threshold = (config.defaults if config is not None else Defaults()).threshold
    elif not is_number(threshold) or not 0 < threshold < 1:
        raise InvalidSetting(f"The threshold is {str(threshold)[:40]}: choose above 0 and below 1.")
    spec = requested_spec(prediction, network, loops, refined, pass_reduction)
    chosen = parse_class_names(names, prediction.classes)
    if not chosen:
        single_label = config is not None and config.single_label
        shares = prediction.probabilities(network, spec.loops, single_label=single_label)
        chosen = np.flatnonzero(shares > LIKELY_PROBABILITY).tolist() or [int(shares.argmax())]
    maps = prediction.cams(network, classes=chosen, spec=spec)
    size = prediction.content_size(network)
    return indexed_png(labels_of_image(maps, size, prediction.source, chosen, float(threshold)))


def parse_class_names(names: str, known: Sequence[str]) -> list[int]:
    """Find classes by names with commas between them; names may hold commas themselves.

    Names are compared as `crt.cam_spec.class_ids` does.

    Args:
        names: at most `MAX_NAMES_LENGTH` characters.
        known: the class names of the checkpoint.

    Returns:
        Class ids from 0 in the order of the names, each once.

    Raises:
        InvalidSetting: a name that is not known, or no text of names.
    """
    if not isinstance(names, str) or len(names) > MAX_NAMES_LENGTH:
        raise InvalidSetting("The classes must be names with commas between them.")
    index = {tuple(map(plain_name, _parts(name))): at for at, name in reversed(list(enumerate(known)))}
    rest, found = _parts(names), []
    plain = tuple(map(plain_name, rest))
    while rest:
        length = next((end for end in range(len(rest), 0, -1) if plain[:end] in index), 0)
        found += [index[plain[:length]]] if length else class_ids(rest[0], known)  # whose error names similar classes
        rest, plain = rest[max(1, length) :], plain[max(1, length) :]
    return list(dict.fromkeys(found))


def requested_spec(
    prediction: Prediction,
    method: Method,
    loops: float | None = None,
    refined: bool | None = None,
    pass_reduction: str = "",
) -> CamSpec:
    """The checkpoint's default spec with the values of a request in the place of its own.

    Args:
        prediction: whose spec.
        method: the network.
        loops: the loop count, which only CRT has; the default if None.
        refined: whether attention multiplies the CAM; the default if None.
        pass_reduction: its name, then over all blocks; the default with its blocks if empty.

    Returns:
        The spec.

    Raises:
        InvalidSetting: a loop count that is not recorded, or an unknown pass reduction.
    """
    spec = prediction.spec_of(method)
    if loops is not None:
        spec = replace(spec, loops=requested_loops(prediction, method, loops))
    if refined is not None:
        spec = replace(spec, refined=bool(refined))
    if pass_reduction:
        spec = replace(spec, pass_reduction=check_reduction(pass_reduction), blocks=None)
    return spec


def needed_method(config: CheckpointConfig, method: str) -> Method:
    """The network that a mask needs.

    Args:
        config: of the checkpoint.
        method: its name; if empty `crt`, or the first of a checkpoint without it.

    Returns:
        The network.

    Raises:
        InvalidSetting: the checkpoint has no such network.
    """
    have = [name for name in METHODS if name in config.networks]
    method = method or ("crt" if "crt" in have else have[0])
    if method not in have:
        raise InvalidSetting(f"Unknown method {str(method)[:40]!r}: choose one of {', '.join(have)}.")
    return METHODS[METHODS.index(method)]


def needed_loops(config: CheckpointConfig, loops: float | None, method: Method | None = None) -> int:
    """The largest loop count that has to be recorded.

    Args:
        config: of the checkpoint.
        loops: the requested loop count; the checkpoint's default if None.
        method: the only network whose CAMs are needed; None for those of all.

    Returns:
        The loop count, at most `LOOPS`; 0 without CRT, which alone has loops.

    Raises:
        InvalidSetting: it is not a whole number, or CRT is not run so often.
    """
    if loops is None:
        loops = min(config.defaults.loops, LOOPS)
    if not is_number(loops) or loops != int(loops):
        raise InvalidSetting("The loop count must be a whole number.")
    if "crt" not in (config.networks if method is None else (method,)):
        return 0
    if not 0 <= loops <= LOOPS:
        raise InvalidSetting(f"The loop count is {loops:g}: choose 0 to {LOOPS}.")
    return int(loops)


def requested_loops(prediction: Prediction, method: Method, loops: float) -> int:
    """Check a requested loop count, which only CRT has.

    Args:
        prediction: that records loop counts.
        method: the network.
        loops: a whole number.

    Returns:
        The loop count; 0 for another network than CRT.

    Raises:
        InvalidSetting: it is not a whole number, or not recorded.
    """
    if not is_number(loops) or loops != int(loops):
        raise InvalidSetting("The loop count must be a whole number.")
    record = prediction.record(method)
    if method != "crt" or not isinstance(record, VitOutputs):
        return 0
    if not 0 <= loops <= record.loops:
        raise InvalidSetting(f"The loop count is {loops:g}: choose 0 to {record.loops}.")
    return int(loops)


def _parts(names: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(part.strip() for part in names.split(",") if part.strip())
