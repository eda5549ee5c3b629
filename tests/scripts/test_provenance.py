"""The command that stands beside a result means the very config that made it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tyro

from crt import __version__
from crt.evaluation.bootstrap import Bootstrap
from crt.evaluation.wsol_transform import WsolTransform
from crt.train.ablations import Schedule
from crt.train.mask_configs import DEEPLAB_PRESETS as DEEPLAB
from crt.train.mask_configs import RelationConfig
from scripts import ablate, evaluate, evaluate_pointing, evaluate_wsol, run_pipeline, tune_localization
from scripts.bench import __main__ as bench
from scripts.bench import frontend as frontend_bench
from scripts.bench import latency as latency_bench
from scripts.bench import random_walk as walk_bench
from scripts.fuzz import run as fuzz
from scripts.loadtest import run as load
from scripts.provenance import program, run_record

ROOT = Path("/data/VOC2012")
SMALL = DEEPLAB["two-cores"][1]

Case = tuple[Any, Callable[[Any], str], int, dict[str, Any], tuple[str, ...]]
CASES: dict[str, Case] = {
    "ablate": (
        ablate.Ablation(Path("VOC2012"), Path("ablate")),
        ablate.command,
        0,
        {
            "data": ("VOC2012:train,val", "VOC2007:train"),
            "tables": ("loops", "sizes"),
            "train_stride": 2,
            "seeds": (3, 4),
            "eval_split": "val",
            "stride": 2,
            "size": None,
            "checkpoint": "checkpoints/other",
            "schedule": Schedule(epochs=7, resize=(200, 300), cnn_size=None, vit="deit_small_patch16_224"),
            "pilot": (4, 8),
            "pilot_seeds": (5, 6, 7),
            "precision": "fp32",
        },
        ("json", "time_budget", "dry_run", "device"),
    ),
    "seeds": (
        evaluate.MeasureSeeds(ROOT),
        evaluate.command,
        1,
        {
            "split": "val",
            "checkpoint": "checkpoints/other",
            "scales": (1.0, 0.5),
            "classes": ("dining table", "cat"),
            "class_names": ("cat", "dining table"),
            "mask_cutoff": 0.5,
            "loops": 1,
            "pass_reduction": ("first", "last"),
            "mode": "non-overlap",
            "stride": 3,
            "limit": 9,
            "precision": "fp32",
        },
        ("json", "device"),
    ),
    "stored": (
        evaluate.MeasureStored(ROOT, Path("random_walk")),
        evaluate.stored_command,
        1,
        {
            "split": "val",
            "classes": ("animals", "dining table"),
            "class_names": ("dining table",),
            "mask_cutoff": 0.5,
            "worst": 3,
        },
        ("json", "sheet"),
    ),
    "masks": (
        evaluate.MeasureMasks(ROOT, Path("masks")),
        evaluate.stored_command,
        1,
        {"split": "val", "classes": ("cat",), "class_names": ("dog", "cat"), "mask_cutoff": 0.5, "worst": 3},
        ("json", "sheet"),
    ),
    "classification": (
        evaluate_pointing.Classification(ROOT),
        lambda config: evaluate_pointing.command(config, "classification"),
        1,
        {
            "split": "test",
            "class_names": ("leaf", "cat"),
            "checkpoint": "checkpoints/other",
            "methods": ("tscam",),
            "loops": 1,
            "size": "native",
            "flip": True,
            "mode": "bilinear",
            "stride": 2,
            "precision": "bf16",
        },
        ("json", "device"),
    ),
    "tune_localization": (
        tune_localization.Choice(Path("/data/CUB"), "checkpoints/cub"),
        tune_localization.command,
        0,
        {
            "boxes": Path("boxes.csv"),
            "split": "test",
            "method": "tscam",
            "loops": (0, 2),
            "view": WsolTransform("whole", 288),
            "stride": 9,
            "precision": "fp32",
        },
        ("json", "top_k", "device"),
    ),
    "wsol": (
        evaluate_wsol.Wsol(Path("/data/CUB")),
        evaluate_wsol.command,
        1,
        {
            "checkpoint": "checkpoints/other",
            "boxes": Path("boxes.csv"),
            "split": "train",
            "threshold": 0.2,
            "train_root": Path("train"),
            "train_boxes": Path("more.csv"),
            "train_stride": 5,
            "view": WsolTransform("whole", 288),
            "loops": 2,
            "stride": 4,
            "precision": "bf16",
        },
        ("json", "sheet", "device"),
    ),
    "pointing": (
        evaluate_pointing.Pointing(ROOT),
        lambda config: evaluate_pointing.command(config, "pointing"),
        1,
        {
            "split": "test",
            "class_names": ("leaf", "cat"),
            "checkpoint": "checkpoints/other",
            "methods": ("crt", "resnet"),
            "loops": 2,
            "size": 448,
            "flip": True,
            "mode": "non-overlap",
            "stride": 7,
            "precision": "fp32",
            "explainers": ("gradcam", "layercam"),
            "bootstrap": Bootstrap(resamples=10, level=0.9, seed=3),
        },
        ("json", "device"),
    ),
    "fuzz": (
        fuzz.Fuzz(),
        fuzz.command,
        0,
        {"draws": 9, "seed": 3, "stride": 4, "checkpoint": "checkpoints/other", "largest": 336, "growth_mib": 50.0},
        ("json", "log"),
    ),
    "load": (
        load.Load(),
        load.command,
        0,
        {
            "users": 3,
            "minutes": 1.5,
            "checkpoint": "checkpoints/other",
            "cache_mb": 64,
            "queue_size": 5,
            "thought": 0.5,
            "browser": False,
            "restart": True,
            "images": 5,
            "seed": 8,
            "rounds": 3,
        },
        ("json", "against"),
    ),
    "bench": (
        bench.Bench(),
        bench.command,
        0,
        {
            "sections": ("utilization", "growth"),
            "vit": "deit_tiny_patch16_224",
            "cnn": "resnet50",
            "size": 224,
            "runs": 2,
            "checkpoint": "checkpoints/other",
            "threads": 1,
        },
        ("json",),
    ),
    "latency_bench": (
        latency_bench.LatencyBench(),
        latency_bench.command,
        0,
        {"checkpoint": Path("other"), "image": Path("cat.jpg"), "visitors": 3},
        ("json",),
    ),
    "frontend_bench": (
        frontend_bench.FrontendBench(),
        frontend_bench.command,
        0,
        {"checkpoint": Path("other"), "image": Path("cat.jpg"), "repeats": 7, "pixel_ratio": 1.5},
        ("json",),
    ),
    "walk_bench": (
        walk_bench.WalkBench(),
        walk_bench.command,
        0,
        {"height": 12, "width": 16, "classes": 3, "runs": 2, "seed": 5, "dense": False},
        ("json",),
    ),
    "run_pipeline": (
        run_pipeline.Pipeline(ROOT, Path("/runs/pipe"), deeplab=SMALL),
        run_pipeline.command,
        1,
        {
            "checkpoint": "checkpoints/other",
            "split": "train_aug",
            "val": "train",
            "class_names": ("cat", "dining table"),
            "scales": (1.0,),
            "walk_threshold": 0.3,
            "irn": RelationConfig(cnn="resnet", epochs=9, rescale=(0.7, 1.2)),
            "deeplab": dataclasses.replace(SMALL, crop=129, optimizer=dataclasses.replace(SMALL.optimizer, lr=0.5)),
            "last": "masks",
            "precision": "fp32",
        },
        ("json", "device"),
    ),
}


def back(config: Any, words: list[str]) -> Any:
    """The config that a command line means."""
    if isinstance(config, run_pipeline.Pipeline):
        return tyro.extras.overridable_config_cli(run_pipeline.pipeline_presets(), args=words)
    return tyro.cli(type(config), args=words)


@pytest.mark.parametrize("name", CASES)
def test_a_command_has_every_field_and_no_folder_of_one_machine(name: str) -> None:
    config, command, skipped, others, left = CASES[name]
    required = {field.name for field in dataclasses.fields(config) if field.default is field.default_factory}
    assert {field.name for field in dataclasses.fields(config)} - required == {*others, *left}, "a field is not tested"
    for changes in ({}, others, *({field: value} for field, value in others.items())):
        changed = dataclasses.replace(config, **changes)
        text = command(changed)
        words = shlex.split(text)[3 + skipped - isinstance(config, run_pipeline.Pipeline) :]
        found = back(changed, words)
        for field in others:
            assert getattr(found, field) == getattr(changed, field), text
        assert "/data/" not in text and "/runs/" not in text


def test_a_measurement_records_the_program() -> None:
    recorded = program()
    assert recorded["version"] == __version__ and recorded["commit"] == run_record("scripts.bench", argv=())["commit"]
