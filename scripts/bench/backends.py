"""Other backends for the networks on this machine, each measured beside the one in use."""

from __future__ import annotations

import copy
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from crt.models.cnn import CnnBranch
from crt.models.vit import TransformerBranch
from crt.precision import resolve
from crt.predictor import Predictor
from scripts.bench.timing import compared, in_turns

TILES, SIDE = 4, 336
"""Tiles of an image with its long side at 336, and the pixels of the square that the CNN sees."""

Run = Callable[[], object]


def tried(predictor: Predictor, runs: int) -> dict[str, Any]:
    """One pass of the transformer, and the CNN, by each way: milliseconds, ratios to ours, seconds to make it ready.

    ONNX Runtime and OpenVINO are measured where they are installed (`pip install onnx onnxscript onnxruntime
    openvino`), a compiled pass where there is a C++ compiler. `skipped`: what could not be measured, and why.
    """
    branch = cast("TransformerBranch", predictor.checkpoint.networks["crt"])
    with torch.inference_mode():
        embedded = branch.embed(torch.randn(TILES, 3, branch.tile, branch.tile))
    x, encoder = embedded.clone(), _Pass(branch).eval()
    ways: dict[str, Run] = {
        "ours": _inference(encoder, x),
        "no_grad for inference mode": _no_grad(encoder, x),
        "attention matrices written out": _written_out(encoder, x),
        "one thread": _one_thread(encoder, x),
    }
    if resolve("auto", "cpu") == "bf16":
        ways["bfloat16"] = _bfloat16(encoder, x)
    ready: dict[str, float] = {}
    skipped: dict[str, str] = {}
    for name, make in {"torch.compile": _compiled, "ONNX Runtime": _onnx_runtime, "OpenVINO": _openvino}.items():
        began = time.perf_counter()
        try:
            ways[name] = make(encoder, x)
        except ImportError as error:
            skipped[name] = f"{error.name or error} is not installed"
        else:
            ready[name] = round(time.perf_counter() - began, 1)
    cnn = cast("CnnBranch", predictor.checkpoint.networks["resnet"])
    return {
        "transformer": compared(in_turns(ways, runs), "ours"),
        "cnn": compared(in_turns(_cnn_ways(cnn), runs), "ours"),
        "ready_s": ready,
        "skipped": skipped,
    }


class _Pass(nn.Module):
    """One pass of the encoder with the class token's rows: (n, N, D) -> tokens and rows."""

    def __init__(self, branch: TransformerBranch) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.branch.encode_with_cls_attn(x)


def _inference(module: Callable[[Tensor], object], x: Tensor) -> Run:
    @torch.inference_mode()
    def run() -> object:
        return module(x)

    return run


def _no_grad(module: nn.Module, x: Tensor) -> Run:
    @torch.no_grad()
    def run() -> object:
        return module(x)

    return run


def _written_out(module: nn.Module, x: Tensor) -> Run:
    ours = _inference(module, x)

    def run() -> object:
        with sdpa_kernel(SDPBackend.MATH):
            return ours()

    return run


def _one_thread(module: nn.Module, x: Tensor) -> Run:
    ours = _inference(module, x)

    def run() -> object:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return ours()
        finally:
            torch.set_num_threads(threads)

    return run


def _bfloat16(module: nn.Module, x: Tensor) -> Run:
    ours = _inference(module, x)

    def run() -> object:
        with torch.autocast("cpu", torch.bfloat16):
            return ours()

    return run


def _compiled(module: nn.Module, x: Tensor) -> Run:
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        raise ImportError(name="a C++ compiler")
    run = _inference(torch.compile(module), x)
    run()
    return run


def _onnx_runtime(module: nn.Module, x: Tensor) -> Run:
    import onnx  # noqa: F401 # pyright: ignore[reportMissingImports] - the export needs it
    import onnxruntime  # pyright: ignore[reportMissingImports]

    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "pass.onnx"
        torch.onnx.export(module, (x.clone(),), path, dynamo=False, input_names=["x"])
        network = path.read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    given = {"x": x.numpy()}
    return lambda: session.run(None, given)


def _openvino(module: nn.Module, x: Tensor) -> Run:
    import openvino  # pyright: ignore[reportMissingImports]

    with torch.no_grad():
        made = openvino.convert_model(module, example_input=x.clone(), input=list(x.shape))
    hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.compile_model(made, "CPU", hints)
    given = x.numpy()
    return lambda: compiled(given)


def _cnn_ways(cnn: CnnBranch) -> dict[str, Run]:
    """Ours has channels last in memory."""
    first = torch.randn(1, 3, SIDE, SIDE)
    last = first.contiguous(memory_format=torch.channels_last)
    other = copy.deepcopy(cnn).to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]
    ways = {"ours": _inference(cnn, last), "channels first": _inference(other, first)}
    if resolve("auto", "cpu") == "bf16":
        ways["bfloat16"] = _bfloat16(cnn, last)
    return ways
