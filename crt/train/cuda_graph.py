"""Forward and backward of a step recorded once as a CUDA graph and replayed with other batches.

Small networks leave a GPU waiting for the next launch most of the time; a replay launches everything at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

Terms = Mapping[str, Tensor | None]
Work = Callable[[list[Tensor], int], Terms]
"""(batch on the device, step) -> scalars, the gradients left in the parameters."""

WARM_UPS = 3  # times a step is done before it is recorded: libraries choose and compile their kernels meanwhile


class _Recording(NamedTuple):
    graph: torch.cuda.CUDAGraph
    batch: list[Tensor]
    terms: Terms
    gradients: list[Tensor | None]


class CudaGraphStep:
    """A step's work, done by replaying the CUDA graph of the step's key, which is recorded at its first step.

    The terms and the gradients of a step are overwritten by the next one of its key.

    Args:
        work: what a step does with its batch.
        graph_key: from a step to what, beside the batch, decides what `work` does. Batches of a key have the same
            shapes.
        parameters: that get gradients.
    """

    def __init__(self, work: Work, graph_key: Callable[[int], Hashable], parameters: Iterable[nn.Parameter]) -> None:
        self.work, self.graph_key = work, graph_key
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.recordings: dict[Hashable, _Recording] = {}

    def __call__(self, batch: list[Tensor], step: int) -> Terms:
        """As `work`, for a batch on any device."""
        key = self.graph_key(step)
        recording = self.recordings.get(key)
        if recording is None:
            recording = self.recordings[key] = self._record(batch, step)
        for held, tensor in zip(recording.batch, batch, strict=True):
            held.copy_(tensor, non_blocking=True)
        for parameter, gradient in zip(self.parameters, recording.gradients, strict=True):
            parameter.grad = gradient
        recording.graph.replay()
        return recording.terms

    def _record(self, batch: list[Tensor], step: int) -> _Recording:
        held = [tensor.to(self.parameters[0].device, copy=True) for tensor in batch]
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                self._forget()
                self.work(held, step)
        torch.cuda.current_stream().wait_stream(aside)
        self._forget()  # so that the recording makes gradients of its own, and writes them anew at every replay
        graph = torch.cuda.CUDAGraph()
        # The loader's thread that pins memory goes on meanwhile: its CUDA calls must not end the recording.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            terms = self.work(held, step)
        made = {name: None if term is None else term.detach() for name, term in terms.items()}
        return _Recording(graph, held, made, [parameter.grad for parameter in self.parameters])

    def _forget(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None
