"""Transformers so small that a test can write their whole attention matrices out, tile after tile."""

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer

from crt.checkpoint import Checkpoint, CheckpointConfig, NetworkSpec
from crt.data.resizing import resize_long_side, to_tensor
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit
from crt.predictor import Predictor

SMALL = {"embed_dim": 32, "depth": 3, "num_heads": 4, "num_classes": 0, "global_pool": ""}
SIZED = {"patch_size": 16, "img_size": 64}
KINDS = {
    "plain": SIZED,
    "registers": {**SIZED, "reg_tokens": 4},
    "patch14-qk-norm": {"patch_size": 14, "img_size": 56, "qk_norm": True, "reg_tokens": 1},
}


def of(kind, **options):
    """A Predictor of one seeded transformer: a kind of `KINDS`, or `distilled`."""
    torch.manual_seed(0)
    vit = build_vit("deit_tiny_distilled_patch16_224", tile=64) if kind == "distilled" else None
    vit = vit or VisionTransformer(**SMALL, **KINDS[kind])
    with torch.no_grad():
        for parameter in vit.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    branch = TransformerBranch(vit, 3).eval().requires_grad_(False)
    config = CheckpointConfig("small", ("a", "b", "c"), {"crt": NetworkSpec("vit", "", "")})
    return Predictor(Checkpoint(config, {"crt": branch}, ""), **options)


def make_image(height=90, width=120):
    """(H, W, 3) uint8 of noise."""
    return np.random.default_rng(height + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@torch.no_grad()
def naive(predictor, method, wanted):
    """Tile after tile with whole matrices: grid, matrices (n, passes, blocks, heads, N, N), tokens (n, L + 1, P, D)."""
    network = predictor.checkpoint.networks[method]
    image = make_image() if wanted.size is None else resize_long_side(make_image(), wanted.size)
    grid = predictor.grid(*make_image().shape[:2], wanted)
    matrices, tokens = [], []
    for tile in grid.cut(grid.pad(to_tensor(image))):
        x, seen, kept = network.embed(tile[None]), [], []
        for count in range(max(1, wanted.loops)):
            entered, seen_here = x, []
            for block in network.vit.blocks:
                attention, normed = block.attn, block.norm1(x)
                q, k, _ = attention.qkv(normed).reshape(x.shape[1], 3, attention.num_heads, -1).permute(1, 2, 0, 3)
                q, k = attention.q_norm(q), attention.k_norm(k)
                seen_here.append((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1))
                x = block(x)
            if count == 0:
                kept.append(network.vit.norm(x))
            x = entered + x
            kept.append(network.vit.norm(x))
            seen.append(torch.stack(seen_here))
        matrices.append(torch.stack(seen))
        tokens.append(torch.cat(kept)[: wanted.loops + 1, network.num_prefix_tokens :])
    return grid, torch.stack(matrices).numpy(), torch.stack(tokens).numpy()


def merged(grid, rows):
    """(n, …, P) per tile -> (…, h, w), cell by cell."""
    side = grid.tile // grid.patch
    size = tuple(length // grid.patch for length in grid.padded)
    total, count = np.zeros((*rows.shape[1:-1], *size)), np.zeros(size)
    for row, (y, x) in zip(rows, grid.origins, strict=True):
        here = np.s_[..., y // grid.patch : y // grid.patch + side, x // grid.patch : x // grid.patch + side]
        total[here] += row.reshape(*row.shape[:-1], side, side)
        count[here] += 1
    return (total / count)[..., : grid.patch_cells[0], : grid.patch_cells[1]]
