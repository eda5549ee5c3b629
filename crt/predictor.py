"""From an image and settings to a Prediction: the one place that chains the stages."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast, overload

import numpy as np
import timm
import torch
from PIL import Image
from torch import Tensor

from crt.analysis.rollout import LayersView, inspect_layers
from crt.analysis.token_attention import TokenView, inspect_token
from crt.cam_spec import CamSpec
from crt.checkpoint import METHODS, Checkpoint, Method
from crt.data.images import Source, load_image, split_batch
from crt.data.resizing import resize_long_side
from crt.errors import InvalidImage, InvalidSetting, reason_of
from crt.fair_lock import FairLock
from crt.inference_config import InferenceConfig
from crt.models.cnn import CnnBranch
from crt.models.loop import passes
from crt.models.normalization import NormalizedImage
from crt.models.outputs import CnnOutputs, VitOutputs
from crt.models.run import run_cnn, run_logits, run_transformer
from crt.models.tiles import TileGrid
from crt.models.vit import FLOAT32_PASSES, transformer_of
from crt.network_input import check_native_size, tile_grid
from crt.prediction import Prediction

OneImage = str | Path | bytes | Image.Image
"""What is one image by its type; an array or a tensor may be a batch."""
Progress = Callable[[float, str], None]
Partial = Callable[[Prediction], None]


class Predictor:
    """A loaded checkpoint that makes Predictions of images.

    One image at a time: calls from several threads are served in order of arrival, so a long series of short calls
    (faithfulness) holds others up by one call and no more.

    Args:
        checkpoint: its networks are used as they are.
        device: where all networks of the checkpoint are moved, those for masks too; None leaves them where they are.
        tile_batch: tiles in one pass, which bounds the memory of the transformers whatever the size of the image.
        bfloat16: whether the networks run under autocast. Pixels, the transformers' residual stream and norms, their
            first two passes where several run, the class token's attention, CAMs, scores and all sums over tiles stay
            float32 (`crt.models.vit`); of a CNN, which has products alone, only its maps.
        float32_passes: that stay float32 where several run. With 0 a run of two passes takes about half the time
            and its CAMs are less exact: for measures over many images and for sums over views.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: torch.device | str | None = None,
        tile_batch: int = 16,
        bfloat16: bool = False,
        float32_passes: int = FLOAT32_PASSES,
    ) -> None:
        self.checkpoint = checkpoint if device is None else checkpoint.to(device)
        self.device = checkpoint.device
        self.tile_batch = tile_batch
        self.bfloat16 = bfloat16
        self.float32_passes = float32_passes
        self._lock = FairLock()
        for network in checkpoint.networks.values():
            if isinstance(network, CnnBranch):
                network.to(memory_format=torch.channels_last)

    @property
    def default_settings(self) -> InferenceConfig:
        """What the checkpoint recommends, and the app starts from: size and mode, and a loop count that holds its own.

        `prediction`, `token` and `layers` have them unless others are given.
        """
        config = self.checkpoint.config
        return InferenceConfig(config.defaults.size, config.modes[0], max(InferenceConfig.loops, config.defaults.loops))

    def grid(self, height: int, width: int, settings: InferenceConfig) -> TileGrid:
        """The tiles of an image, without running anything.

        Args:
            height: pixels of the image.
            width: the same across.
            settings: input size, mode and padding.

        Returns:
            The grid at the input size.

        Raises:
            InvalidSetting: the image is larger than `MAX_SIZE` at its own size, or needs more than `MAX_TILES`.
        """
        return tile_grid(self.checkpoint.networks.values(), height, width, settings)

    @overload
    def __call__(self, images: OneImage, config: InferenceConfig | None = None) -> Prediction: ...
    @overload
    def __call__(
        self, images: list[Any] | tuple[Any, ...], config: InferenceConfig | None = None
    ) -> list[Prediction]: ...
    @overload
    def __call__(self, images: np.ndarray | Tensor, config: InferenceConfig | None = None) -> Any: ...
    def __call__(self, images: Source | Sequence[Source], config: InferenceConfig | None = None) -> Any:
        """Run the networks on one image, or on several one after another; the Predictions keep their images.

        Args:
            images: a path, a PIL image, an array (H, W, 3) uint8 or a tensor (3, H, W) of uint8 or float in [0, 1],
                RGB; or several: a list or tuple of those, an array (B, H, W, 3) or a tensor (B, 3, H, W). See
                `crt.load_image` for the rest that it reads.
            config: input size, mode and what is recorded; `default_settings` if none is given.

        Returns:
            The Prediction of one image, or a list of them, in order.

        Raises:
            InvalidImage: an image cannot be used; of several the message has its number.
            InvalidSetting: the checkpoint or an image of this size does not allow `config`.
        """
        batch = split_batch(images)
        if batch is None:
            return self.predict(cast("Source", images), config, keep_image=True)
        predictions = []
        for number, image in enumerate(batch, 1):
            try:
                predictions.append(self.predict(image, config, keep_image=True))
            except InvalidImage as error:
                raise InvalidImage(f"Image {number} of {len(batch)}: {reason_of(error)}.") from error
        return predictions

    def predict(
        self,
        source: Source,
        settings: InferenceConfig | None = None,
        *,
        progress: Progress | None = None,
        partial: Partial | None = None,
        keep_image: bool = False,
    ) -> Prediction:
        """Run the networks on one image, those that CAMs are compared of first.

        Args:
            source: an image as `crt.load_image` takes it.
            settings: input size, mode and what is recorded; `default_settings` if none is given.
            progress: `progress(fraction, stage)` is called as the stages go by, fraction in 0 … 1.
            partial: called with a Prediction of what is recorded so far: after each network but the last, and as soon
                as CRT has the checkpoint's default loop count, if more are to be recorded. Others wait meanwhile for
                their turn, so let it return at once.
            keep_image: whether the Prediction keeps the image's pixels, which `Prediction.figure` draws.

        Returns:
            The Prediction, from which every CAM is arithmetic.

        Raises:
            InvalidImage: the image cannot be used.
            InvalidSetting: the checkpoint or an image of this size does not allow `settings`.
        """
        settings = settings or self.default_settings
        report = progress or _no_progress
        timings: dict[str, float] = {}
        with _timed(timings, "read"):
            image = load_image(source)
        wanted = METHODS if settings.methods is None else settings.methods
        methods: list[Method] = [m for m in METHODS if m in self.checkpoint.networks and m in wanted]
        if not methods:
            have = ", ".join(self.checkpoint.networks)
            raise InvalidSetting(f"This checkpoint has none of the requested networks: choose among {have}.")
        records: dict[Method, VitOutputs | CnnOutputs] = {}
        with self._lock, torch.inference_mode():
            with _timed(timings, "resize"):
                inputs, grid = self._resized(image, settings)
                pixels = {method: inputs.of(self.checkpoint.networks[method]) for method in methods}
            made = self._maker(image, grid, settings, timings, keep_image=keep_image)
            cost = {m: len(grid) * (passes(settings.loops) if m == "crt" else 1) for m in methods}
            done, total = 0.0, sum(cost.values())
            for method in methods:

                def advance(part: float, method: Method = method, done: float = done) -> None:
                    report((done + part * cost[method]) / total, method)

                def partly(outputs: VitOutputs, method: Method = method) -> None:
                    if partial is not None:
                        partial(made({**records, method: outputs}))

                advance(0.0)
                with _timed(timings, method):
                    records[method] = self._run(method, pixels[method], grid, settings, advance, partly)
                done += cost[method]
                if partial is not None and method != methods[-1]:
                    partial(made(dict(records)))
        report(1.0, "done")
        return made(records)

    def token(
        self,
        source: Source,
        settings: InferenceConfig | None = None,
        *,
        method: Method = "crt",
        at: tuple[float, float],
    ) -> TokenView:
        """What one patch token attends to and resembles; one run of that method's tiles.

        Args:
            source: an image as `crt.load_image` takes it.
            settings: input size and mode; `default_settings` if none is given. Its `methods` and `heads` do nothing
                here.
            method: a transformer.
            at: (y, x), 0 … 1 of the image: the patch under this point.

        Returns:
            Its attention in every pass, block and head, and its similarity to all patches.

        Raises:
            InvalidImage: the image cannot be used.
            InvalidSetting: a point outside the image, or a method that is not a transformer of this checkpoint.
        """
        settings, network = settings or self.default_settings, transformer_of(self.checkpoint.networks, method)
        image = load_image(source)
        with self.turn():
            inputs, grid = self._resized(image, settings)
            return inspect_token(
                network, grid, grid.pad(inputs.of(network)), at, _loops(method, settings), self.tile_batch
            )

    def layers(self, source: Source, settings: InferenceConfig | None = None, *, method: Method = "crt") -> LayersView:
        """The class token's attention of every head, and its rollout, in each pass; one run of that method's tiles.

        Args:
            source: an image as `crt.load_image` takes it.
            settings: input size and mode; `default_settings` if none is given. Its `methods` and `heads` do nothing
                here.
            method: a transformer.

        Returns:
            Both on the patches of each tile.

        Raises:
            InvalidImage: the image cannot be used.
            InvalidSetting: the method is not a transformer of this checkpoint.
        """
        settings, network = settings or self.default_settings, transformer_of(self.checkpoint.networks, method)
        image = load_image(source)
        with self.turn():
            inputs, grid = self._resized(image, settings)
            return inspect_layers(
                network, grid, grid.pad(inputs.of(network)), _loops(method, settings), self.tile_batch
            )

    def class_logits(self, images: Tensor, method: Method, loops: int, grid: TileGrid) -> Tensor:
        """The logits of images that may have been changed on purpose, those of `Prediction.scores`.

        In bfloat16 those of loops 0 and 1 differ a little from a Prediction of more loops, whose first passes are
        float32. Others wait until it is done: keep B small.

        Args:
            images: (B, 3, height, width) of one grid, normalised for this method's network
                (`normalization_of`).
            method: the network.
            loops: loop count of CRT; the other networks have none.
            grid: the tiles of images of this size.

        Returns:
            (B, C) float32 on the CPU.

        Raises:
            InvalidSetting: the checkpoint has no such network, or the images are too large.
        """
        if method not in self.checkpoint.networks:
            raise InvalidSetting(f"This checkpoint has no {method} network: choose among its networks.")
        network, count = self.checkpoint.networks[method], _loops(method, InferenceConfig(loops=loops))
        check_native_size(*images.shape[-2:])
        with self.turn():
            return run_logits(network, images.to(self.device), grid, count, tile_batch=self.tile_batch)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A context to run the networks directly: it waits for its turn, without gradients, in this precision.

        Yields:
            Nothing.

        Raises:
            RuntimeError: another call of this Predictor is made inside it.
        """
        with self._lock, torch.inference_mode(), self._autocast():
            yield

    def _resized(self, image: np.ndarray, settings: InferenceConfig) -> tuple[NormalizedImage, TileGrid]:
        """(H, W, 3) uint8 -> the image at the input size, to be normalised for each network, and its tiles."""
        resized = image if settings.size is None else resize_long_side(image, settings.size)
        grid = self.grid(resized.shape[0], resized.shape[1], replace(settings, size=None))
        return NormalizedImage(resized, self.device), grid

    def _run(
        self,
        method: Method,
        pixels: Tensor,
        grid: TileGrid,
        settings: InferenceConfig,
        advance: Callable[[float], None],
        partly: Callable[[VitOutputs], None],
    ) -> VitOutputs | CnnOutputs:
        """One network on the normalised image (1, 3, h, w); `advance` and `partly` as in `run_transformer`."""
        network = self.checkpoint.networks[method]
        if isinstance(network, CnnBranch):
            return run_cnn(network, pixels, self._autocast)
        return run_transformer(
            network,
            pixels,
            grid,
            _loops(method, settings),
            heads=settings.heads,
            tile_batch=self.tile_batch,
            autocast=self._autocast,
            float32_passes=self.float32_passes,
            advance=advance,
            partial_loops=self.checkpoint.config.defaults.loops if method == "crt" else None,
            partial=partly,
        )

    def _maker(
        self,
        image: np.ndarray,
        grid: TileGrid,
        settings: InferenceConfig,
        timings: dict[str, float],
        *,
        keep_image: bool,
    ) -> Callable[[dict[Method, VitOutputs | CnnOutputs]], Prediction]:
        """What makes a Prediction of the records of an image, with the timings of that moment."""
        config, (height, width) = self.checkpoint.config, image.shape[:2]
        spec, threshold = CamSpec.of(config.defaults), config.defaults.threshold
        provenance, kept = self._provenance(image, settings), image if keep_image else None

        def made(records: dict[Method, VitOutputs | CnnOutputs]) -> Prediction:
            return Prediction(
                (height, width), grid, config.classes, records, dict(timings), provenance, spec, threshold, kept
            )

        return made

    def _provenance(self, image: np.ndarray, settings: InferenceConfig) -> dict[str, Any]:
        """What a Prediction was made of and by, as plain JSON values."""
        return {
            "checkpoint": self.checkpoint.config.name,
            "checkpoint_sha256": self.checkpoint.sha256,
            "networks": list(self.checkpoint.networks),
            "image_sha256": hashlib.sha256(image.tobytes()).hexdigest(),
            "settings": asdict(settings),
            "precision": "bfloat16" if self.bfloat16 else "float32",
            "device": self.device.type,
            "versions": {"python": platform.python_version(), "torch": torch.__version__, "timm": timm.__version__},
        }

    def _autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)


def _loops(method: Method, settings: InferenceConfig) -> int:
    return settings.loops if method == "crt" else 0


def _no_progress(fraction: float, stage: str) -> None:
    """Report nothing."""


@contextmanager
def _timed(timings: dict[str, float], stage: str):
    start = time.perf_counter()
    yield
    timings[stage] = 1000 * (time.perf_counter() - start)
