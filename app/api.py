"""Programs as users: the public endpoints /cams, /predict and /masks, which are also the tools of the MCP server.

Their docstrings are what a program reads: Gradio makes the endpoint's description and the tool's parameters of them.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Sequence
from dataclasses import replace

import gradio as gr
import numpy as np

from app.core.analysis import NATIVE, SIZES, Analysis, Explorer, start_size
from app.gradio_compat import serve_bytes
from app.requests.validation import is_number
from app.rpc import MODEL
from crt.cam_spec import CamSpec, class_ids, plain_name
from crt.checkpoint import METHODS, Defaults, Method
from crt.errors import InvalidImage, InvalidSetting
from crt.models.outputs import VitOutputs
from crt.models.tiles import MODES
from crt.pass_reductions import PASS_REDUCTIONS, check_reduction
from crt.prediction import Prediction
from crt.pseudo_labels.label_png import indexed_png, labels_of_image
from crt.viz import probabilities

LIKELY = 0.5
NAMES = 2000  # characters of a list of class names


def register(explorer: Explorer) -> None:
    """Add the endpoints to the page that is being built; their components are on no page."""

    def analyze(image: str, size: str, mode: str, checkpoint: str, request: gr.Request | None) -> Analysis:
        if not image:
            raise InvalidImage("Give an image.")
        model = explorer.engine.named(checkpoint)
        session = (request.session_hash if request else None) or ""
        return explorer.analyze(image, size or start_size(model), mode or model.config.modes[0], session, model=model)

    def cams(  # noqa: D417 - the request is Gradio's
        image: str,
        size: str,
        mode: str,
        loops: float | None = None,
        refined: bool | None = None,
        classes: str = "",
        pass_reduction: str = "",
        checkpoint: str = "",
        request: gr.Request | None = None,
    ) -> str:
        """Raw class activation maps of every network for one image, and the class scores. The file is an npz: for
        each network (resnet, tscam, crt, crt_cnn) an array (K, h, w) float32 of non-negative evidence on a grid of
        cells, with NETWORK.content_size (height and width of the image in cells) and NETWORK.scores (K logits);
        `classes` and `source` (height and width of the image in pixels).

        Args:
            image: The image: JPEG, PNG, WebP, BMP, GIF or TIFF.
            size: Pixels of the longer side that the networks see: 224, 336, 448, 560, 672, or native for its own size;
                empty for the checkpoint's default.
            mode: How an image larger than a tile goes through the transformers; empty for the checkpoint's default.
            loops: How often CRT's transformer is entered again, 0 to 4; the other networks have no loop. The
                checkpoint's default if left out.
            refined: Whether the transformers' maps are multiplied by the class token's attention; the checkpoint's
                default if left out.
            classes: Names of the classes with commas between them; empty for all that the checkpoint knows.
            pass_reduction: How the attention of the passes becomes one, of all blocks: sum, mean, first, last or
                tile_normalized; empty for what is
                the checkpoint's default.
            checkpoint: Which of the page's checkpoints runs, by name; empty for the first.

        Returns:
            A file cams.npz; read it with numpy.load.
        """
        return serve_result(
            "cams.npz",
            lambda: maps_of(analyze(image, size, mode, checkpoint, request), loops, refined, classes, pass_reduction),
        )

    def predict(image: str, size: str, mode: str, checkpoint: str, request: gr.Request) -> str:  # noqa: D417
        """Everything that the networks saw in one image, once: raw maps of every tile, loop count and class, and the
        class token's attention. crt.prediction.Prediction.load reads the file; every map of any class, loop count,
        block or threshold is then arithmetic on it, without the networks.

        Args:
            image: The image: JPEG, PNG, WebP, BMP, GIF or TIFF.
            size: Pixels of the longer side that the networks see: 224, 336, 448, 560, 672, or native for its own size;
                empty for the checkpoint's default.
            mode: How an image larger than a tile goes through the transformers; empty for the checkpoint's default.
            checkpoint: Which of the page's checkpoints runs, by name; empty for the first.

        Returns:
            A file prediction.npz.
        """
        return serve_result("prediction.npz", lambda: trace_of(analyze(image, size, mode, checkpoint, request)))

    def masks(  # noqa: D417
        image: str,
        size: str,
        mode: str,
        method: str,
        loops: float | None = None,
        refined: bool | None = None,
        threshold: float | None = None,
        classes: str = "",
        pass_reduction: str = "",
        checkpoint: str = "",
        request: gr.Request | None = None,
    ) -> str:
        """A mask of the chosen classes in one image, cut out of the maps of one network at a threshold. The file is
        an indexed PNG of the image's own size in the palette of PASCAL VOC: 0 is background, k + 1 the k-th class of
        the checkpoint; where classes overlap the stronger one wins.

        Args:
            image: The image: JPEG, PNG, WebP, BMP, GIF or TIFF.
            size: Pixels of the longer side that the networks see: 224, 336, 448, 560, 672, or native for its own size;
                empty for the checkpoint's default.
            mode: How an image larger than a tile goes through the transformers; empty for the checkpoint's default.
            method: Whose maps: resnet, tscam, crt, or crt_cnn (the CNN trained with CRT); empty for crt, or the first
                network of a checkpoint without it.
            loops: How often CRT's transformer is entered again, 0 to 4; the other networks have no loop. The
                checkpoint's default if left out.
            refined: Whether the transformers' maps are multiplied by the class token's attention; the checkpoint's
                default if left out.
            threshold: Share of a map's largest value above which a pixel belongs to the mask, above 0 and below 1; the
                checkpoint's default if left out.
            classes: Names with commas between them; empty for those the network finds likely, at least the likeliest.
            pass_reduction: How the attention of the passes becomes one, of all blocks: sum, mean, first, last or
                tile_normalized; empty for what is
                the checkpoint's default.
            checkpoint: Which of the page's checkpoints runs, by name; empty for the first.

        Returns:
            A file masks.png.
        """
        return serve_result(
            "masks.png",
            lambda: masks_of(
                analyze(image, size, mode, checkpoint, request),
                method,
                loops,
                refined,
                threshold,
                classes,
                pass_reduction,
            ),
        )

    def serve_result(name: str, make: Callable[[], bytes]) -> str:
        """The bytes as a file that the server may serve. Its errors reach the client by `SafeBlocks`."""
        return serve_bytes(result, make(), name)

    # An empty value, or none, is the default of the checkpoint that is asked, which is not always the page's first.
    # Values that are not among the choices reach us, so that the answer is our sentence.
    with gr.Column(visible=False):
        image = gr.File(label="image", type="filepath")
        size = gr.Dropdown(["", *map(str, SIZES), NATIVE], value="", label="size", allow_custom_value=True)
        mode = gr.Dropdown(["", *MODES], value="", label="mode", allow_custom_value=True)
        method = gr.Dropdown(["", *METHODS], value="", label="method", allow_custom_value=True)
        loops = gr.Number(None, label="loops")
        refined = gr.Checkbox(label="refined")
        refined.value = None  # given as an argument, None would become False
        threshold = gr.Number(None, label="threshold")
        classes = gr.Textbox("", label="classes")
        pass_reduction = gr.Dropdown(["", *PASS_REDUCTIONS], value="", label="pass_reduction", allow_custom_value=True)
        names = ["", *explorer.engine.names]
        checkpoint = gr.Dropdown(names, value="", label="checkpoint", allow_custom_value=True)
        result = gr.File(label="file")
        button = gr.Button()
    shared = [image, size, mode]
    for function, inputs in (
        (cams, [*shared, loops, refined, classes, pass_reduction, checkpoint]),
        (predict, [*shared, checkpoint]),
        (masks, [*shared, method, loops, refined, threshold, classes, pass_reduction, checkpoint]),
    ):
        name = function.__name__
        function.__doc__ = whole_parameters(function)
        button.click(function, inputs, result, api_name=name, api_description=_summary(function), **MODEL)


def maps_of(
    analysis: Analysis,
    loops: float | None = None,
    refined: bool | None = None,
    names: str = "",
    pass_reduction: str = "",
) -> bytes:
    """Class maps as the bytes of an npz: see `maps`. Raises InvalidSetting."""
    prediction, chosen = analysis.prediction, classes_named(names, analysis.prediction.classes)
    chosen = chosen or list(range(len(prediction.classes)))
    arrays: dict[str, np.ndarray] = {
        "classes": np.array([prediction.classes[index] for index in chosen]),
        "source": np.array(prediction.source),
    }
    for method in prediction.methods:
        spec = spec_asked(prediction, method, loops, refined, pass_reduction)
        arrays[method] = prediction.cams(method, classes=chosen, spec=spec)
        arrays[f"{method}.content_size"] = np.array(prediction.content_size(method))
        arrays[f"{method}.scores"] = prediction.scores(method, spec.loops)[chosen]
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # pyright: ignore[reportArgumentType]
    return stream.getvalue()


def trace_of(analysis: Analysis) -> bytes:
    """The Prediction as the bytes of its file."""
    stream = io.BytesIO()
    analysis.prediction.save(stream)
    return stream.getvalue()


def masks_of(
    analysis: Analysis,
    method: str = "",
    loops: float | None = None,
    refined: bool | None = None,
    threshold: float | None = None,
    names: str = "",
    pass_reduction: str = "",
) -> bytes:
    """The mask at a threshold as the bytes of an indexed PNG: see `masks`. Raises InvalidSetting."""
    prediction, config = analysis.prediction, analysis.model.config if analysis.model is not None else None
    method = method or ("crt" if "crt" in prediction.methods else prediction.methods[0])
    if method not in prediction.methods:
        raise InvalidSetting(f"Unknown method {str(method)[:40]!r}: choose one of {', '.join(prediction.methods)}.")
    network: Method = METHODS[METHODS.index(method)]
    if threshold is None:
        threshold = (config.defaults if config is not None else Defaults()).threshold
    elif not is_number(threshold) or not 0 < threshold < 1:
        raise InvalidSetting(f"The threshold is {str(threshold)[:40]}: choose above 0 and below 1.")
    spec = spec_asked(prediction, network, loops, refined, pass_reduction)
    chosen = classes_named(names, prediction.classes)
    if not chosen:
        single_label = config is not None and config.single_label
        shares = probabilities(prediction, network, loops=spec.loops, single_label=single_label)
        chosen = np.flatnonzero(shares > LIKELY).tolist() or [int(shares.argmax())]
    maps = prediction.cams(network, classes=chosen, spec=spec)
    return indexed_png(
        labels_of_image(maps, prediction.content_size(network), analysis.image.shape[:2], chosen, float(threshold))
    )


def classes_named(names: str, known: Sequence[str]) -> list[int]:
    """Indices of class names with commas between them, each once; names may hold commas themselves.

    Names are compared as `crt.cam_spec.class_ids` does. Raises InvalidSetting for a name that is not known.
    """
    if not isinstance(names, str) or len(names) > NAMES:
        raise InvalidSetting("The classes must be names with commas between them.")
    index = {tuple(map(plain_name, _parts(name))): at for at, name in reversed(list(enumerate(known)))}
    rest, found = _parts(names), []
    plain = tuple(map(plain_name, rest))
    while rest:
        length = next((end for end in range(len(rest), 0, -1) if plain[:end] in index), 0)
        found += [index[plain[:length]]] if length else class_ids(rest[0], known)  # which says what is like it
        rest, plain = rest[max(1, length) :], plain[max(1, length) :]
    return list(dict.fromkeys(found))


def spec_asked(
    prediction: Prediction,
    method: Method,
    loops: float | None = None,
    refined: bool | None = None,
    pass_reduction: str = "",
) -> CamSpec:
    """The checkpoint's default spec, and in its place what a program asks for; `pass_reduction` is then of all blocks.

    Raises InvalidSetting for a loop count that is not recorded, which only CRT has, or an unknown pass reduction.
    """
    spec = prediction.spec_of(method)
    if loops is not None:
        spec = replace(spec, loops=loops_of(prediction, method, loops))
    if refined is not None:
        spec = replace(spec, refined=bool(refined))
    if pass_reduction:
        spec = replace(spec, pass_reduction=check_reduction(pass_reduction), blocks=None)
    return spec


def loops_of(prediction: Prediction, method: Method, loops: float) -> int:
    """The loop count asked for, which only CRT has. Raises InvalidSetting if it is not recorded."""
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


def whole_parameters(function: Callable) -> str:
    """The docstring with every parameter on one line, since Gradio reads the first line of each alone."""
    summary, found, arguments = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    return summary + found + arguments.replace("\n        ", " ")


def _summary(function: Callable) -> str:
    """The first paragraph of a docstring as one line."""
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
