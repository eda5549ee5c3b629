"""Files as other programs write them: the tensors' names and shapes are those of their public code, the values random.

Written out here by hand, so that the tests do not take the names from what they test.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

BOTTLENECKS = {50: (3, 4, 6, 3), 152: (3, 8, 36, 3)}


def deit(
    dim: int = 192,
    *,
    grid: int = 14,
    patch: int = 16,
    depth: int = 12,
    distilled: bool = False,
    classes: int = 10,
    convolution: bool = False,
    seed: int = 0,
) -> dict[str, Tensor]:
    """DeiT's `models.py`; `convolution`: with the head of TS-CAM and of the authors' CRT in place of the linear one."""
    make = _maker(seed)
    state = {"cls_token": make(1, 1, dim)}
    if distilled:
        state["dist_token"] = make(1, 1, dim)
    state["pos_embed"] = make(1, 1 + distilled + grid**2, dim)
    state |= {"patch_embed.proj.weight": make(dim, 3, patch, patch), "patch_embed.proj.bias": make(dim)}
    for block in range(depth):
        shapes = {
            "norm1.weight": (dim,), "norm1.bias": (dim,),
            "attn.qkv.weight": (3 * dim, dim), "attn.qkv.bias": (3 * dim,),
            "attn.proj.weight": (dim, dim), "attn.proj.bias": (dim,),
            "norm2.weight": (dim,), "norm2.bias": (dim,),
            "mlp.fc1.weight": (4 * dim, dim), "mlp.fc1.bias": (4 * dim,),
            "mlp.fc2.weight": (dim, 4 * dim), "mlp.fc2.bias": (dim,),
        }  # fmt: skip
        state |= {f"blocks.{block}.{name}": make(*shape) for name, shape in shapes.items()}
    state |= {"norm.weight": make(dim), "norm.bias": make(dim)}
    state |= {"head.weight": make(classes, dim, *(3, 3) * convolution), "head.bias": make(classes)}
    if distilled:
        state |= {"head_dist.weight": make(classes, dim), "head_dist.bias": make(classes)}
    return state


def resnet(blocks: tuple[int, ...] = (2, 2, 2, 2), *, bottleneck: bool = False, seed: int = 0) -> dict[str, Tensor]:
    """torchvision's ResNet without its classifier: basic blocks, or bottlenecks."""
    make = _maker(seed)
    state = {"conv1.weight": make(64, 3, 7, 7)} | _norm("bn1", 64, make)
    inside = 64
    for stage, count in enumerate(blocks, start=1):
        width = 64 * 2 ** (stage - 1)
        outside = width * (4 if bottleneck else 1)
        for block in range(count):
            before = f"layer{stage}.{block}"
            kernels = [(width, inside, 1), (width, width, 3), (outside, width, 1)]
            if not bottleneck:
                kernels = [(width, inside, 3), (width, width, 3)]
            for number, (out, into, side) in enumerate(kernels, start=1):
                state[f"{before}.conv{number}.weight"] = make(out, into, side, side)
                state |= _norm(f"{before}.bn{number}", out, make)
            if block == 0 and (stage > 1 or bottleneck):
                state[f"{before}.downsample.0.weight"] = make(outside, inside, 1, 1)
                state |= _norm(f"{before}.downsample.1", outside, make)
            inside = outside
    return state


def irn(state: dict[str, Tensor], classes: int = 20) -> dict[str, Tensor]:
    """IRN's `resnet50_cam.Net` around a ResNet: every layer three times, as its modules are registered."""
    stages = {"conv1": "0.0", "bn1": "0.1", "layer1": "0.4", "layer2": "1.0", "layer3": "2.0", "layer4": "3.0"}
    file = {f"resnet50.{name}": value for name, value in state.items()}
    for name, value in state.items():
        layer, _, rest = name.partition(".")
        number, place = stages[layer].split(".")
        file[f"stage{int(number) + 1}.{place}.{rest}"] = value
    features = state["layer4.0.conv1.weight"].shape[0] * (4 if "layer1.0.conv3.weight" in state else 1)
    file["classifier.weight"] = _maker(9)(classes, features, 1, 1)
    for name, value in state.items():
        layer, _, rest = name.partition(".")
        file[f"backbone.{stages[layer]}.{rest}"] = value
    file["newly_added.0.weight"] = file["classifier.weight"]
    return file


def deit_run(state: dict[str, Tensor], average: dict[str, Tensor]) -> dict:
    """DeiT's `checkpoint.pth`, with what its training needs to go on, and a best score as numpy's number."""
    return {
        "model": state,
        "optimizer": {"state": {0: {"step": 3, "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-3}]},
        "lr_scheduler": {"base_values": [1e-3]},
        "epoch": 7,
        "model_ema": average,
        "scaler": {"scale": 65536.0},
        "args": argparse.Namespace(model="deit_tiny_patch16_224", lr=5e-4, opt_betas=None),
        "max_accuracy": np.float64(71.5),
    }


def tscam_run(state: dict[str, Tensor]) -> dict:
    """TS-CAM's `model_best.pth`, of a network under DataParallel."""
    return {"epoch": 12, "state_dict": {f"module.{name}": value for name, value in state.items()}, "best_map": 87.7}


def saved(path: Path, content: object, *, legacy: bool = False) -> Path:
    """The file as `torch.save` writes it; `legacy`: as PyTorch did before 1.6."""
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def _norm(name: str, channels: int, make) -> dict[str, Tensor]:
    return {
        f"{name}.weight": 1 + make(channels),
        f"{name}.bias": make(channels),
        f"{name}.running_mean": make(channels),
        f"{name}.running_var": 1 + make(channels).abs(),
        f"{name}.num_batches_tracked": torch.tensor(5),
    }


def _maker(seed: int):
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: 0.02 * torch.randn(shape, generator=generator)
