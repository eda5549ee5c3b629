"""Parity with the authors' program, stage by stage, from `tests/parity/golden` or the folder in CRT_GOLDEN_DIR.

Names, sizes, depths and loop counts are read from the files, so another set of the same files can be checked. Where the
paper and the released code differ the test names which one it holds to. Tolerances are those of the golden README:
`max|got - want| <= 1e-4 max|want|` unless said.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from timm.models.resnet import ResNet
from torch import nn

from crt.cam_spec import CamSpec
from crt.checkpoint import Checkpoint, CheckpointConfig, NetworkSpec
from crt.data.resizing import to_tensor
from crt.metrics.boxes import Convention, best_match, pairwise_iou
from crt.metrics.cam_boxes import cam_to_box, grey_levels
from crt.metrics.segmentation import confusion_matrix, iou, mean_iou, pixel_accuracy
from crt.models.cam_head import class_scores
from crt.models.cnn import CnnBranch
from crt.models.dual import DualMaps
from crt.models.tiles import TileGrid, padded_length
from crt.models.vit import TransformerBranch
from crt.postprocess import cam_to_labels, max_normalize, sum_scales_released
from crt.predictor import InferenceConfig, Predictor
from crt.pseudo_labels.affinity import (
    find_pairs,
    irn_losses,
    pair_displacement,
    pair_labels,
    path_affinity,
    reduce_labels,
)
from crt.pseudo_labels.confident import confident_labels
from crt.pseudo_labels.crf import CrfSettings, crf_labels, crf_probabilities
from crt.pseudo_labels.paths import search_paths
from crt.pseudo_labels.random_walk import random_walk, walk_labels, walk_scores
from crt.pseudo_labels.settings import WalkSettings
from crt.resample import WALK_STRIDE, strided_size
from crt.train.config import OptimizerConfig
from crt.train.losses import dual_loss
from crt.train.optim import RateSchedule, build_optimizer
from crt.types import Padding
from tests.helpers.narrow import instance, present

FOLDER = Path(os.environ.get("CRT_GOLDEN_DIR") or Path(__file__).parent / "golden")


def golden(name: str) -> np.lib.npyio.NpzFile:
    return np.load(FOLDER / f"{name}.npz", allow_pickle=False)


def close(got, want, tolerance: float = 1e-4) -> None:
    got, want = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max()


def recipe(names: np.ndarray, shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, torch.Tensor]:
    """The golden README's weights: drawn in the order of the sorted names."""
    assert list(names) == sorted(shapes)
    r = np.random.RandomState(seed)
    weights = {}
    for name in names:
        shape = shapes[name]
        n = r.standard_normal(shape).astype("float32")
        if name.endswith("running_var"):
            n = 1 + 0.1 * np.abs(n)
        elif name.endswith("running_mean"):
            n = 0.1 * n
        elif name in ("cls_token", "pos_embed"):
            n = 0.5 * n
        elif len(shape) == 1:
            n = 1 + 0.1 * n if name.endswith("weight") else 0.02 * n
        else:
            n = n / np.sqrt(np.prod(shape[1:]))
        weights[name] = torch.from_numpy(np.asarray(n, dtype=np.float32))
    return weights


def fill(network: torch.nn.Module, rename, names: np.ndarray, sums: np.ndarray, seed: int) -> None:
    """Put the recipe's weights into a network whose names `rename` turns into the golden ones."""
    own = {rename(n): n for n in network.state_dict() if not n.endswith("num_batches_tracked")}
    shapes = {golden_name: tuple(network.state_dict()[name].shape) for golden_name, name in own.items()}
    weights = recipe(names, shapes, seed)
    np.testing.assert_allclose([weights[n].double().sum() for n in names], sums, rtol=1e-6, atol=1e-3)
    missing, unexpected = network.load_state_dict({own[n]: w for n, w in weights.items()}, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)


def test_cut_merge() -> None:
    g = golden("cut_merge")
    tile, patch = int(g["tile_size"]), int(g["patch_size"])
    stride = int(g["stride"])
    for i, (height, width) in enumerate(g["sizes"].tolist()):
        released = TileGrid(height, width, tile, patch, padding="released")
        minimal = TileGrid(height, width, tile, patch)
        assert released.stride == stride
        assert list(released.padded) == g["padded_released"][i].tolist()  # [released]
        assert list(minimal.padded) == g["padded_minimal"][i].tolist()  # [ours]
        assert list(released.shape) == g["grid"][i].tolist()
        first, last = g["origins_offset"][i : i + 2]
        assert [list(origin) for origin in released.origins] == g["origins"][first:last].tolist()
        assert [side // patch for side in released.padded] == g["merged_map_size"][i].tolist()
        assert list(released.cells) == g["crop_map_size"][i].tolist()
        assert padded_length(height, tile, stride) == minimal.padded[0]
    small = int(g["small_tile_size"])
    for i in range(int(g["small_count"])):
        image = torch.from_numpy(g[f"s{i}_image"])
        grid = TileGrid(image.shape[2], image.shape[3], small, int(g["small_stride"]))
        assert list(grid.shape) == g[f"s{i}_grid"].tolist()
        np.testing.assert_array_equal(grid.cut(grid.pad(image)), g[f"s{i}_tiles"])
        submaps = torch.from_numpy(g[f"s{i}_submaps"])
        close(grid.merge(submaps), g[f"s{i}_merged"])
        np.testing.assert_array_equal(grid.cover(submaps.shape[-1]), g[f"s{i}_counts"])
    apart = int(g["no_tile_size"])
    for i in range(int(g["no_count"])):
        image = torch.from_numpy(g[f"no{i}_image"])
        grid = TileGrid(image.shape[2], image.shape[3], apart, apart // 2, mode="non-overlap")
        assert list(grid.shape) == g[f"no{i}_grid"].tolist()
        np.testing.assert_array_equal(grid.cut(grid.pad(image)), g[f"no{i}_tiles"])
        submaps = torch.from_numpy(g[f"no{i}_submaps"])
        merged = grid.merge(submaps)
        close(merged, g[f"no{i}_merged"])
        side = (submaps.shape[-2], submaps.shape[-1])
        resized = torch.nn.functional.interpolate(merged, side, mode="bilinear", align_corners=True).relu()
        close(resized, g[f"no{i}_resized_relu"])


def golden_branch(g: np.lib.npyio.NpzFile, prefix: str) -> TransformerBranch:
    vit = timm.models.VisionTransformer(
        img_size=int(g["tile_size"]),
        patch_size=int(g["patch_size"]),
        embed_dim=int(g[f"{prefix}_embed_dim"]),
        depth=int(g[f"{prefix}_depth"]),
        num_heads=int(g[f"{prefix}_heads"]),
        mlp_ratio=float(g["mlp_ratio"]),
        num_classes=0,
        global_pool="",
    )
    assert vit.norm.eps == float(g["norm_eps"])
    branch = TransformerBranch(vit, int(g[f"{prefix}_num_classes"])).eval().requires_grad_(False)

    def rename(name: str) -> str:
        return name.removeprefix("vit.").replace("head.classifier.", "head.")

    fill(branch, rename, g[f"{prefix}_param_names"], g[f"{prefix}_param_sums"], int(g[f"{prefix}_weight_seed"]))
    return branch


@pytest.mark.parametrize("prefix", ["a", "b"])
def test_vit_branch(prefix: str) -> None:
    g = golden("vit_branch")
    branch = golden_branch(g, prefix)
    loops = g["loops"].tolist()
    image = g[f"{prefix}_image_u8"]
    mirrored = np.ascontiguousarray(image[:, ::-1])
    batch = torch.cat([to_tensor(image), to_tensor(mirrored)])
    height, width = image.shape[:2]
    paddings: list[tuple[Padding, str]] = [("released", "")]
    if f"{prefix}_train_cam_minimal" in g.files:
        paddings.append(("minimal", "_minimal"))
    for padding, suffix in paddings:
        grid = TileGrid(height, width, branch.tile, branch.patch, padding=padding)
        assert list(grid.padded) == g[f"{prefix}_padded_{padding}"].tolist()
        for i, count in enumerate(loops):  # the training path: one loop count a run
            maps = branch(batch, count, grid)
            close(maps, g[f"{prefix}_train_cam{suffix}"][i])
            if not suffix:
                close(class_scores(maps), g[f"{prefix}_class_scores"][i])
        infer = infer_cams(branch, image, mirrored, loops, padding)
        # [paper] attention is averaged over blocks, which normalisation cancels; the released program sums it.
        close(infer * branch.depth, g[f"{prefix}_infer_cam_{padding}"])

    grid = TileGrid(height, width, branch.tile, branch.patch, padding="released")
    tiles = grid.cut(grid.pad(batch))
    close(branch.embed(tiles)[0, :5], g[f"{prefix}_tokens_in"])
    steps = list(branch.steps(tiles, max(loops)))
    rows = np.stack(
        [present(step.cls_attn).mean(2) for step in steps if step.loops != 1]
    )  # (passes, blocks, n·2, patches)
    passes, blocks = rows.shape[:2]
    close(rows, g[f"{prefix}_attn_cls"].reshape(passes, blocks, len(grid) * 2, -1)[..., 1:])
    similarity = [float(step.similarity.mean()) for step in steps]
    close(similarity[1:], g[f"{prefix}_cos_pass"])
    close(similarity[0], g[f"{prefix}_cos_single"])
    x, cos_blocks = branch.embed(tiles), []
    tokens_out: dict[int, torch.Tensor] = {}
    for count in range(1, max(loops) + 1):
        encoded = branch.encode(x)[0]
        if count == 1:
            tokens_out[0] = branch.vit.norm(encoded)[0, :5]
        cos_blocks.append(float(torch.cosine_similarity(x[:, 1:], encoded[:, 1:], dim=-1).mean()))
        x = x + encoded
        tokens_out[count] = branch.vit.norm(x)[0, :5]
    close(cos_blocks, g[f"{prefix}_cos_blocks"])
    close(torch.stack([tokens_out[count] for count in loops]), g[f"{prefix}_tokens_out"])


def infer_cams(branch: TransformerBranch, image, mirrored, loops: list[int], padding: Padding) -> np.ndarray:
    """The library's whole path: one Prediction of the image and one of its mirror image hold every loop count."""
    classes = branch.head.classifier.out_channels
    config = CheckpointConfig("golden", tuple(map(str, range(classes))), {"crt": NetworkSpec("vit", "", "")})
    predictor = Predictor(Checkpoint(config, {"crt": branch}, ""))
    settings = InferenceConfig(size=None, loops=max(loops), padding=padding)
    traces = [predictor.predict(one, settings) for one in (image, mirrored)]
    # [released] the mirror image's map is cropped and turned back on the cell grid, and the attention is summed.
    specs = [CamSpec(count, refined=True, pass_reduction="sum", blocks=None) for count in loops]
    return np.stack([traces[0].cams("crt", spec=spec) + traces[1].cams("crt", spec=spec)[..., ::-1] for spec in specs])


def test_resnet_branch() -> None:
    g = golden("resnet_branch")
    classes = int(g["num_classes"])
    resnet = instance(ResNet, timm.create_model("resnet50", num_classes=0, global_pool=""))
    branch = CnnBranch(resnet, classes).eval().requires_grad_(False)
    convolutions = {name: module for name, module in resnet.named_modules() if isinstance(module, nn.Conv2d)}
    assert instance(nn.BatchNorm2d, resnet.get_submodule("bn1")).eps == float(g["bn_eps"])
    strided = ("conv1", "layer2.0.conv2", "layer3.0.conv2", "layer4.0.conv2")
    assert [convolutions[name].stride[0] for name in strided] == g["strides"].tolist()
    last = [module for name, module in convolutions.items() if re.fullmatch(r"layer4\.\d+\.conv2", name)]
    assert last and all(module.dilation == (1, 1) for module in last)  # [released], not timm's output_stride
    fill(branch, lambda n: n.removeprefix("resnet."), g["param_names"], g["param_sums"], int(g["weight_seed"]))
    config = CheckpointConfig("golden", tuple(map(str, range(classes))), {"resnet": NetworkSpec("resnet", "", "")})
    predictor = Predictor(Checkpoint(config, {"resnet": branch}, ""))
    for i in range(int(g["count"])):
        image = g[f"i{i}_image_u8"]
        both = (image, np.ascontiguousarray(image[:, ::-1]))
        batch = torch.cat([to_tensor(one) for one in both])
        maps = branch(batch)
        close(maps, g[f"i{i}_train_cam"])
        close(class_scores(maps), g[f"i{i}_class_scores"])
        close(branch.features(batch).mean((2, 3)), g[f"i{i}_feat_channel_mean"])
        traces = [predictor.predict(one, InferenceConfig(size=None)).cams("resnet") for one in both]
        close(traces[0] + traces[1][..., ::-1], g[f"i{i}_infer_cam"])


def test_loss() -> None:
    g = golden("loss")
    size = int(g["crop_size"])
    for i in range(int(g["count"])):
        label = torch.from_numpy(g[f"p{i}_label"])

        def run(lambda_cam: float, i: int = i, label: torch.Tensor = label):
            cams = [torch.from_numpy(g[f"p{i}_cam{b}"]).requires_grad_() for b in (1, 2)]
            losses = dual_loss(DualMaps(*cams), label, lambda_cam, size)
            losses.total.backward()
            return losses, [cam.grad for cam in cams]

        losses, gradients = run(0.0)
        close(present(losses.cnn).item(), g[f"p{i}_loss_cls1"])
        close(present(losses.vit).item(), g[f"p{i}_loss_cls2"])
        close(present(losses.cam).item(), g[f"p{i}_loss_couple"])
        for gradient, b in zip(gradients, (1, 2), strict=True):
            close(gradient, g[f"p{i}_grad{b}_warmup"])
        for k, lambda_cam in enumerate(g["grad_lambdas"].tolist()):
            for gradient, b in zip(run(lambda_cam)[1], (1, 2), strict=True):
                close(gradient, g[f"p{i}_grad{b}_{k}"])
        for e, epoch in enumerate(g["epochs"].tolist()):  # [released] λ is 0 in the first epoch
            totals = [run(value if epoch >= 1 else 0.0)[0].total.item() for value in g["lambdas"].tolist()]
            close(totals, g[f"p{i}_total"][e])


@pytest.mark.parametrize("case", ["group_wd", "plain", "big_group_wd", "big_plain"])
def test_optimizer(case: str) -> None:
    """[released] the weight decay stands in the place of momentum; 0.9 is only the power of the schedule."""
    g = golden("optimizer")
    quad, target = torch.from_numpy(g["quad_matrix"]), torch.from_numpy(g["target"])
    a = torch.nn.Parameter(torch.from_numpy(g["init_a"].copy()))
    b = torch.nn.Parameter(torch.from_numpy(g["init_b"].copy()))
    lr = float(g["lr"])
    factor = float(g["group_lrs"][1] / g["group_lrs"][0])
    settings = OptimizerConfig(
        "sgd",
        lr=lr,
        momentum=float(g[f"{case}_momentum"][0]),
        weight_decay=float(g[f"{case}_weight_decay_in_force"][0]),
        decay_all=True,
        head_factor=factor,
        power=float(g["poly_power"]),
    )
    optimizer = build_optimizer([("a", a)], [("b", b)], settings)
    schedule = RateSchedule(optimizer, int(g["max_step"]), power=settings.power)
    for step in range(int(g["steps"])):
        close(schedule.set(step), g[f"{case}_lr_used"][step], 2e-6)
        loss = 0.5 * (a - target) @ quad @ (a - target) + 0.5 * ((b - target) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        close(a.detach(), g[f"{case}_traj_a"][step], 2e-6)
        close(b.detach(), g[f"{case}_traj_b"][step], 2e-6)


def test_seeds() -> None:
    """[released] maps of every scale are resized as a whole and summed."""
    g = golden("seeds")
    for i in range(int(g["count"])):
        size = tuple(g[f"c{i}_size"].tolist())
        keys = g[f"c{i}_keys"].tolist()
        assert keys == np.flatnonzero(g[f"c{i}_label"]).tolist()
        maps = [torch.from_numpy(g[f"c{i}_out{k}"])[keys] for k in range(len(g[f"c{i}_scales"]))]
        stride, cell = int(g["stride"]), int(g["up_stride"])
        assert strided_size(size, stride) == g[f"c{i}_strided"].shape[1:]
        strided, high_res = (
            max_normalize(m.numpy(), float(g["eps"])) for m in sum_scales_released(maps, size, stride=stride, cell=cell)
        )
        close(strided, g[f"c{i}_strided"])
        close(high_res, g[f"c{i}_high_res"])
        threshold = float(g["eval_threshold"])
        got = cam_to_labels(high_res, keys, threshold)
        best = np.sort(np.concatenate([np.full((1, *size), threshold), high_res]), axis=0)
        decided = best[-1] - best[-2] > 1e-4
        np.testing.assert_array_equal(got[decided], g[f"c{i}_eval_label"][decided])


def test_miou() -> None:
    g = golden("miou")
    classes = int(g["num_classes"])
    for i in range(int(g["count"])):
        confusion = confusion_matrix(g[f"c{i}_gt"], g[f"c{i}_pred"], classes)
        np.testing.assert_array_equal(confusion, g[f"c{i}_confusion"])
        np.testing.assert_allclose(iou(confusion), g[f"c{i}_iou"], rtol=1e-12)
        np.testing.assert_allclose(mean_iou(confusion), g[f"c{i}_miou"], rtol=1e-12)
        np.testing.assert_allclose(mean_iou(confusion, present_only=True), g[f"c{i}_miou_gt_present_only"], rtol=1e-12)
        np.testing.assert_allclose(pixel_accuracy(confusion), g[f"c{i}_pixel_accuracy"], rtol=1e-12)


def test_wsol_boxes() -> None:
    g = golden("wsol_boxes")
    size = (int(g["size"]), int(g["size"]))
    for i, side in enumerate(g["cam_sizes"].tolist()):
        cam = g["cams"][i, :side, :side]
        steps = size[0] // g["gray_u8"].shape[1]
        grey = grey_levels(cam, size)[::steps, ::steps].astype(int)
        assert np.abs(grey - g["gray_u8"][i]).max() <= 1
        truth = g["gt_boxes"][i : i + 1]
        for t, threshold in enumerate(g["thresholds"].tolist()):
            box = cam_to_box(cam, size, threshold=threshold)
            assert list(box) == g["boxes"][i, t].tolist(), g["kinds"][i]
            assert best_match(box, truth).iou == pytest.approx(g["iou"][i, t], rel=1e-12)  # inclusive
            unclamped = pairwise_iou([box], truth, "unclamped")
            assert unclamped.item() == pytest.approx(g["iou_unclamped"][i, t], rel=1e-12)
    one, other = g["pair_a"], g["pair_b"]
    conventions: dict[Convention, str] = {"inclusive": "pair_iou", "unclamped": "pair_iou_unclamped"}
    for convention, name in conventions.items():
        np.testing.assert_allclose(np.diagonal(pairwise_iou(one, other, convention)), g[name], rtol=1e-12)


def decided(scores: np.ndarray, margin: float) -> np.ndarray:
    """(K, H, W) scores -> (H, W) bool: where the best one leads by more than `margin`."""
    best = np.sort(scores, axis=0)
    return best[-1] - best[-2] > margin


@pytest.mark.dense_crf
def test_deeplab_crf() -> None:
    g = golden("deeplab_crf")
    settings = CrfSettings(
        iterations=int(g["iter_max"]),
        gaussian_sxy=float(g["pos_xy_std"]),
        gaussian_compat=float(g["pos_w"]),
        bilateral_sxy=float(g["bi_xy_std"]),
        bilateral_srgb=float(g["bi_rgb_std"]),
        bilateral_compat=float(g["bi_w"]),
    )
    for i in range(int(g["count"])):
        got = crf_probabilities(g[f"c{i}_image_u8"], g[f"c{i}_probs"], settings)
        close(got, g[f"c{i}_crf_probs"])
        sure = decided(g[f"c{i}_crf_probs"], 1e-4)
        np.testing.assert_array_equal(got.argmax(0)[sure], g[f"c{i}_crf_label"][sure])


@pytest.mark.dense_crf
def test_ir_label() -> None:
    g = golden("ir_label")
    settings = CrfSettings(
        iterations=int(g["crf_iters"]),
        gaussian_sxy=float(g["crf_gauss_sxy"]),
        gaussian_compat=float(g["crf_gauss_compat"]),
        bilateral_sxy=float(g["crf_bilateral_sxy"]),
        bilateral_srgb=float(g["crf_bilateral_srgb"]),
        bilateral_compat=float(g["crf_bilateral_compat"]),
    )
    confidence, fg, bg = (float(g[name]) for name in ("crf_gt_prob", "fg_threshold", "bg_threshold"))
    for i in range(int(g["count"])):
        image, maps, keys = g[f"c{i}_image_u8"], g[f"c{i}_high_res"], g[f"c{i}_keys"].tolist()
        for name, threshold in (("fg", fg), ("bg", bg)):
            labels = cam_to_labels(maps, range(len(keys)), threshold)
            np.testing.assert_array_equal(labels, g[f"c{i}_{name}_argmax"])
            got = crf_labels(image, labels, len(keys) + 1, gt_prob=confidence, settings=settings)
            np.testing.assert_array_equal(got, g[f"c{i}_{name}_crf"])
        got = confident_labels(image, maps, keys, foreground=fg, background=bg, settings=settings)
        np.testing.assert_array_equal(got, g[f"c{i}_label"])


def test_irn_random_walk() -> None:
    """Looser than elsewhere, 1e-3: the file holds the 256th power of a float32 matrix."""
    g = golden("irn_random_walk")
    plain = WalkSettings(int(g["radius"]), float(g["beta"]), int(g["exp_times"]))
    variants = 0
    for i in range(int(g["count"])):
        cam, edge = g[f"c{i}_cam"], g[f"c{i}_edge"]
        propagated = random_walk(cam, edge, plain)
        close(propagated[:, None], g[f"c{i}_rw"], 1e-3)
        for name in g.files:
            if found := re.fullmatch(rf"c{i}_rw_radius(\d+)_beta(\d+)_exp(\d+)", name):
                close(random_walk(cam, edge, WalkSettings(*map(int, found.groups())))[:, None], g[name], 1e-3)
                variants += 1
        size, keys, threshold = tuple(g[f"c{i}_size"].tolist()), g[f"c{i}_keys"].tolist(), float(g["bg_threshold"])
        assert int(g["upscale"]) == WALK_STRIDE
        close(walk_scores(propagated, size), g[f"c{i}_up_norm"], 1e-3)
        sure = decided(np.concatenate([np.full((1, *size), threshold), g[f"c{i}_up_norm"]]), 1e-3)
        got = walk_labels(propagated, keys, size, threshold=threshold)
        np.testing.assert_array_equal(got[sure], g[f"c{i}_label"][sure])
    assert variants >= int(g["count"])


def test_affinity() -> None:
    g = golden("affinity")
    radius = int(g["radius"])
    paths = search_paths(radius)
    lengths, counts = np.unique([len(path) for path in paths], return_counts=True)
    np.testing.assert_array_equal(lengths, g["path_lengths"])
    np.testing.assert_array_equal(counts, g["paths_per_length"])
    np.testing.assert_array_equal(np.concatenate(paths), g["path_coords"])
    pairs = find_pairs(tuple(g["size"].tolist()), radius)
    np.testing.assert_array_equal(pairs.directions, g["search_dst"])
    np.testing.assert_array_equal(pairs.starts, g["src_indices"])
    np.testing.assert_array_equal(pairs.ends, g["dst_indices"])

    reduced = np.stack([reduce_labels(full) for full in g["label_full"]])
    np.testing.assert_array_equal(reduced, g["label_reduced"])
    labels = torch.from_numpy(reduced)
    for got, name in zip(pair_labels(labels, pairs), ("bg_pos_label", "fg_pos_label", "neg_label"), strict=True):
        np.testing.assert_array_equal(got, g[name])

    edge, displacement = (torch.from_numpy(g[name]).requires_grad_() for name in ("edge_logits", "displacement"))
    affinity = path_affinity(edge.sigmoid(), pairs).detach()
    close(affinity, g["affinity"])
    # Of the loss maps the file keeps the first image, every 7th path of the affinity and every 29th of the others.
    close(-torch.log(affinity[:1, ::7] + 1e-5), g["pos_aff_loss_map"])
    apart = pair_displacement(displacement, pairs).detach()[:1]
    close((apart - pairs.directions.T[:, :, None]).abs()[:, :, ::29], g["dp_fg_loss_map"])
    close(apart.abs()[:, :, ::29], g["dp_bg_loss_map"])

    losses = irn_losses(edge, displacement, labels, pairs)
    losses.total.backward()
    for got, name in (
        (losses.bg_pos_aff, "loss_bg_pos_aff"),
        (losses.fg_pos_aff, "loss_fg_pos_aff"),
        (losses.pos_aff, "loss_pos_aff"),
        (losses.neg_aff, "loss_neg_aff"),
        (losses.dp_fg, "loss_dp_fg"),
        (losses.dp_bg, "loss_dp_bg"),
        (losses.total, "loss_total"),
    ):
        close(got.item(), g[name])
    close(edge.grad, g["grad_edge_logits"])
    close(displacement.grad, g["grad_displacement"])
