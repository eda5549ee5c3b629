"""A small result of `scripts.ablate` with every table, whose numbers are chosen so that what they say is known."""

from __future__ import annotations

OFFSETS = (0, 5, 2.5)
"""Points by which each seed lies above the first, so that the mean and half the range are 2.5."""
PLAN = {"epochs": 4, "crop": 224, "batch": 16, "vit": "deit", "cnn": "resnet50", "loops": 3}


def ablation(*rows: dict, missing: tuple[str, ...] = ()) -> dict:
    """The rows with their protocol."""
    protocol = {
        "schedule": PLAN,
        "split": "train",
        "eval_split": "train",
        "stride": 4,
        "views": "one",
        "seeds": [0, 1, 2],
    }
    more = {"command": "python -m scripts.ablate --root VOC2012 --out ablate", "size": 336, "missing": list(missing)}
    return {"protocol": protocol | more, "rows": list(rows)}


def row(table: str, name: str, seed: int, **best: float) -> dict:
    """A run with those mean IoU."""
    shared = {"training": name, "seed": seed, "minutes": 6.0, "machine": "2 cores"}
    correlation = {"crt": [0, 0, 0, 0.25 + seed / 100, 0]} if "crt_loops_3" in best else {"resnet": [0.75]}
    similarity = [0.1, 0.6, 0.9, 0.95, 0.99 + seed / 500] if "crt_loops_3" in best else []
    methods = {key: {"miou_best": value} for key, value in best.items()}
    measured = {"methods": methods, "correlation": correlation, "similarity": similarity}
    return {"table": table, "name": name} | shared | measured


def crt(base: float) -> dict[str, float]:
    """Refined maps lose a point a loop at test, of the first pass half of that; unrefined ones gain one."""
    best = {f"crt_loops_{k}": base - k for k in range(5)} | {f"crt_loops_{k}_first": base - k / 2 for k in (2, 3, 4)}
    best |= {f"crt_loops_{k}_last": base - 3 * k for k in (2, 3, 4)}
    return best | {f"crt_loops_{k}_unrefined": base - 20 + k for k in range(5)} | {"crt_cnn": 45}


def trained(mode: str, crop: int, cnn_size: int | None = None) -> dict:
    """What of a training's config the report reads."""
    model = {"mode": "overlap" if mode == "deconvolution" else mode, "deconvolution": mode == "deconvolution"}
    return {"config": {"model": model, "schedule": [{"crop": crop, "cnn_size": cnn_size}]}}


def whole() -> dict:
    """Every table, three seeds of each row; the seeds differ alike in all rows but those where -2 and 1 stand."""
    steps = {"λ = 0": (-9,) * 3, "λ = 0.01": (-6,) * 3, "λ = 0.1": (0,) * 3, "λ = 0.2": (-6, 2, -2)}
    modes = {("one tile of 224", "overlap", 224): (0,) * 3, ("overlap, 336", "overlap", 336): (6,) * 3,
             ("side by side, 448", "non-overlap", 448): (-6,) * 3,
             ("interpolated", "bilinear", 448): (4, -2, 1),
             ("deconvolution to 28 × 28", "deconvolution", 448): (-20,) * 3}  # fmt: skip
    seeds = tuple(enumerate(OFFSETS))
    rows = [row("consistency", name, seed, **crt(60 + step[seed] + more))
            for name, step in steps.items() for seed, more in seeds]  # fmt: skip
    rows += [
        row("loops", f"{k} in training", seed, **crt(50 + 5 * k + more))
        for k in (3, 0, 1, 2, 4)
        for seed, more in seeds
    ]
    rows += [row("modes", name, seed, **crt(60 + step[seed] + more)) | {"mode": mode, "size": size}
             | trained(mode, size) for (name, mode, size), step in modes.items() for seed, more in seeds]  # fmt: skip
    rows += [row("sizes", f"{size} px", 0, crt=miou, crt_unrefined=40, tscam=20, resnet=30)
             for size, miou in ((224, 60), (336, 64), (448, 66), (560, 63))]  # fmt: skip
    rows += [
        row("branches", "CNN + transformer", 0, **crt(60)),
        row("branches", "the same CNN twice", 0, crt_cnn=44, resnet=43),
    ]
    return ablation(*rows)
