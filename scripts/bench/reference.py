"""METHOD written out the plainest way: to read, to compare the library with, and to be timed against.

Each loop count is a run of its own, every attention matrix is written out whole, and the image is padded as the
authors' program does by default. The networks' weights and layers are timm's; what the method adds is here.
"""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
TILE, STRIDE, PATCH = 224, 112, 16
CELLS = TILE // PATCH


def normalised(image, size):
    """(H, W, 3) uint8 -> (1, 3, h, w), the long side at `size`, bicubic (METHOD 1)."""
    height, width = image.shape[:2]
    factor = size / max(height, width)
    smaller = Image.fromarray(image).resize((round(width * factor), round(height * factor)), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.array(smaller)).float() / 255
    return ((pixels - MEAN) / STD).permute(2, 0, 1)[None]


def padded(length, padding):
    """Pixels of a side after padding (METHOD 2)."""
    strides = length // STRIDE + 1 if padding == "released" else -(-length // STRIDE)
    return max(strides * STRIDE, TILE)


def attention_matrix(attention, x):
    """(n, N, D) -> softmax(QKᵀ/√d), (n, heads, N, N), and V, (n, heads, N, d)."""
    n, tokens, dim = x.shape
    q, k, v = attention.qkv(x).reshape(n, tokens, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    return (q @ k.transpose(-2, -1) / (dim // attention.num_heads) ** 0.5).softmax(-1), v


def encoder(vit, x):
    """F(x): all blocks, and the class token's row of each, without its own column, mean over heads: (L, n, N - 1)."""
    rows = []
    for block in vit.blocks:
        matrix, v = attention_matrix(block.attn, block.norm1(x))
        mixed = (matrix @ v).transpose(1, 2).reshape(x.shape)
        x = x + block.attn.proj(mixed)
        x = x + block.mlp(block.norm2(x))
        rows.append(matrix[:, :, 0, 1:].mean(1))
    return x, torch.stack(rows)


def transformer_maps(branch, image, *, size, loops, refined, padding="released"):
    """Maps of one loop count, refined or not: (H, W, 3) uint8 -> (C, ceil(h/16), ceil(w/16)) after ReLU."""
    return class_maps(branch, normalised(image, size), loops=loops, refined=refined, padding=padding)[0].relu()


def class_maps(branch, pixels, *, loops, refined, padding="released"):
    """(B, 3, h, w) normalised -> (B, C, ceil(h/16), ceil(w/16)) raw."""
    height, width = pixels.shape[-2:]
    tall, wide = padded(height, padding), padded(width, padding)
    pixels = F.pad(pixels, (0, wide - width, 0, tall - height))
    corners = [(y, x) for y in range(0, tall - STRIDE, STRIDE) for x in range(0, wide - STRIDE, STRIDE)]
    tiles = torch.cat([pixels[..., y : y + TILE, x : x + TILE] for y, x in corners])

    vit = branch.vit
    x = vit._pos_embed(vit.patch_embed(tiles))
    rows = []
    for _ in range(max(1, loops)):  # METHOD 3
        encoded, seen = encoder(vit, x)
        x = encoded if loops == 0 else x + encoded
        rows.append(seen.mean(0))
    tokens = vit.norm(x)[:, 1:]
    maps = branch.head.classifier(tokens.transpose(1, 2).reshape(len(tiles), -1, CELLS, CELLS))
    if refined:  # METHOD 4: mean over blocks, sum over passes
        maps = maps * torch.stack(rows).sum(0).reshape(-1, 1, CELLS, CELLS)

    total = torch.zeros(len(pixels), maps.shape[1], tall // PATCH, wide // PATCH, device=pixels.device)
    count = torch.zeros(tall // PATCH, wide // PATCH, device=pixels.device)
    for tile, (y, x) in zip(maps.split(len(pixels)), corners, strict=True):
        here = np.s_[..., y // PATCH : y // PATCH + CELLS, x // PATCH : x // PATCH + CELLS]
        total[here] += tile
        count[here] += 1
    return (total / count)[..., : -(-height // PATCH), : -(-width // PATCH)]


def cnn_maps(branch, image, *, size):
    """Maps of the ResNet: (H, W, 3) uint8 -> (C, ceil(h/16), ceil(w/16)) after ReLU (METHOD 5)."""
    features = branch.resnet.forward_features(normalised(image, size))
    return F.conv2d(features, branch.classifier.weight)[0].relu()
