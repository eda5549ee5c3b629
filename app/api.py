"""The public endpoints /cams, /predict and /masks, which are also the tools of the MCP server.

Gradio makes an endpoint's description and a tool's parameters of their docstrings.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr

from app.api_results import cams_npz, mask_png, needed_loops, needed_method, parse_class_names, prediction_npz
from app.core.analysis import Analysis, Explorer
from app.core.input_sizes import NATIVE, SIZES, start_size
from app.core.models import Model
from app.gradio_compat import serve_bytes
from app.rpc import MODEL
from crt.checkpoint import METHODS
from crt.errors import InvalidImage
from crt.models.tiles import MODES
from crt.pass_reductions import PASS_REDUCTIONS


def register(explorer: Explorer) -> None:
    """Add the endpoints to the page that is being built; their components are hidden.

    Args:
        explorer: which runs the networks.
    """

    def analyze(image: str, size: str, mode: str, model: Model, request: gr.Request | None, **needed: Any) -> Analysis:
        """`needed`: the networks and loops, as `Explorer.analyze` takes them; all if left out."""
        if not image:
            raise InvalidImage("Give an image.")
        session = (request.session_hash if request else None) or ""
        first = model.config.modes[0]
        return explorer.analyze(image, size or start_size(model), mode or first, session, model=model, **needed)

    def cams(  # noqa: D417 - the request is Gradio's
        image: str,
        size: str,
        mode: str,
        loops: float | None = None,
        refined: bool | None = None,
        classes: str = "",
        pass_reduction: str = "",
        checkpoint: str = "",
        method: str = "",
        request: gr.Request | None = None,
    ) -> str:
        """Raw class activation maps of every network, or of one, for one image, and the class scores. The file is an
        npz: for each network ({methods}) an array (K, h, w) float32 of non-negative evidence on a grid of cells, with
        NETWORK.content_size (height and width of the image in cells) and NETWORK.scores (K logits); `classes` and
        `source` (height and width of the image in pixels).

        Args:
            image: The image: JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC.
            size: Pixels of the image's longer side at the input of the networks: {sizes}, or native for its own size;
                empty for the checkpoint's default.
            mode: How an image larger than a tile goes through the transformers; empty for the checkpoint's default.
            loops: How often CRT adds its encoder's output to its input, 0 to 4; the other networks have no loop.
                The checkpoint's default if left out.
            refined: Whether the transformers' maps are multiplied by the class token's attention; the checkpoint's
                default if left out.
            classes: Names of the classes with commas between them; empty for all classes of the checkpoint.
            pass_reduction: How the attention of the passes becomes one, of all blocks: {pass_reductions}; empty for
                the checkpoint's default.
            checkpoint: Which of the page's checkpoints runs, by name; empty for the first.
            method: The only network that runs: {methods}; empty for all.

        Returns:
            A file cams.npz; read it with numpy.load.
        """

        def make() -> bytes:
            model = explorer.engine.named(checkpoint)
            parse_class_names(classes, model.config.classes)  # a wrong name needs no run
            network = needed_method(model.config, method) if method else None
            count = needed_loops(model.config, loops, network)
            methods = None if network is None else (network,)
            analysis = analyze(image, size, mode, model, request, methods=methods, loops=count)
            return cams_npz(analysis, loops, refined, classes, pass_reduction, network)

        return serve_result("cams.npz", make)

    def predict(image: str, size: str, mode: str, checkpoint: str, request: gr.Request) -> str:  # noqa: D417
        """Everything that one run of the networks gives: raw CAMs of every tile, loop count and class, and the class
        token's attention. crt.prediction.Prediction.load reads the file; every map of any class, loop count,
        block or threshold is then arithmetic on it, without the networks.

        Args:
            image: The image: JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC.
            size: Pixels of the image's longer side at the input of the networks: {sizes}, or native for its own size;
                empty for the checkpoint's default.
            mode: How an image larger than a tile goes through the transformers; empty for the checkpoint's default.
            checkpoint: Which of the page's checkpoints runs, by name; empty for the first.

        Returns:
            A file prediction.npz.
        """
        return serve_result(
            "prediction.npz",
            lambda: prediction_npz(analyze(image, size, mode, explorer.engine.named(checkpoint), request)),
        )

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
            image: The image: JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC.
            size: Pixels of the image's longer side at the input of the networks: {sizes}, or native for its own size;
                empty for the checkpoint's default.
            mode: How an image larger than a tile goes through the transformers; empty for the checkpoint's default.
            method: The network: {methods}; crt_cnn is the CNN trained with CRT. Empty for crt, or the first network of
                a checkpoint without it.
            loops: How often CRT adds its encoder's output to its input, 0 to 4; the other networks have no loop.
                The checkpoint's default if left out.
            refined: Whether the transformers' maps are multiplied by the class token's attention; the checkpoint's
                default if left out.
            threshold: Share of a map's largest value above which a pixel belongs to the mask, above 0 and below 1; the
                checkpoint's default if left out.
            classes: Names with commas between them; empty for those the network finds likely, at least the likeliest.
            pass_reduction: How the attention of the passes becomes one, of all blocks: {pass_reductions}; empty for
                the checkpoint's default.
            checkpoint: Which of the page's checkpoints runs, by name; empty for the first.

        Returns:
            A file masks.png.
        """

        def make() -> bytes:
            model = explorer.engine.named(checkpoint)
            parse_class_names(classes, model.config.classes)
            network = needed_method(model.config, method)
            count = needed_loops(model.config, loops, network)
            analysis = analyze(image, size, mode, model, request, methods=(network,), loops=count)
            return mask_png(analysis, network, loops, refined, threshold, classes, pass_reduction)

        return serve_result("masks.png", make)

    def serve_result(name: str, make: Callable[[], bytes]) -> str:
        """The bytes as a file that the server may serve. Its errors reach the client by `SafeBlocks`."""
        return serve_bytes(result, make(), name)

    # An empty value, or None, is the default of the requested checkpoint, which is not always the page's first. Values
    # that are not among the choices are accepted here and refused by the endpoint, with its own message.
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
        (cams, [*shared, loops, refined, classes, pass_reduction, checkpoint, method]),
        (predict, [*shared, checkpoint]),
        (masks, [*shared, method, loops, refined, threshold, classes, pass_reduction, checkpoint]),
    ):
        name = function.__name__
        function.__doc__ = complete_docstring(function)
        button.click(function, inputs, result, api_name=name, api_description=_summary(function), **MODEL)


def complete_docstring(function: Callable) -> str:
    """An endpoint's docstring as Gradio reads it: with the choices of today, and every parameter on one line, since
    Gradio reads the first line of each alone.

    Args:
        function: the endpoint; its docstring names choices as `{sizes}`, `{methods}` and `{pass_reductions}`.

    Returns:
        The docstring.
    """
    summary, found, arguments = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    text = summary + found + arguments.replace("\n        ", " ")
    choices = {"sizes": SIZES, "methods": METHODS, "pass_reductions": PASS_REDUCTIONS}
    for name, values in choices.items():
        text = text.replace(f"{{{name}}}", ", ".join(map(str, values)))
    return text


def _summary(function: Callable) -> str:
    """The first paragraph of a docstring as one line."""
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
