"""Simulated users of a page of its own, and the results of their requests, as JSON values."""

from __future__ import annotations

import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from scripts.loadtest.server import served
from scripts.loadtest.users import BROWSER, Deadline, Load, Tally, browse, use, write_images
from scripts.output import write_json
from scripts.provenance import command_of

SETTLED = 0.2  # of the time goes by before memory is judged


def load(config: Load) -> dict[str, Any]:
    """Run the users -> the results of their requests. Raises InvalidSetting if the page does not start."""
    from gradio_client import Client, handle_file

    from crt.train.machine import describe_machine

    tally, lock, memory, cached = Tally(), threading.Lock(), [], []
    words = ["--checkpoint", config.checkpoint, "--cache-mb", str(config.cache_mb)]
    words += ["--queue-size", str(config.queue_size), "--extra-checkpoints"]
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(1) as pool,
        served(words) as server,
        ExitStack() as later,
    ):
        images = write_images(Path(folder), config.seed)
        Client(server.url, verbose=False).predict(handle_file(images[0]), api_name="/predict")  # the networks are there
        until = Deadline(time.monotonic() + 60 * config.minutes)
        later.callback(until.call_off)  # after an error the users end before the time is up
        users = [
            threading.Thread(target=use, args=(config, server, images, number, until, tally, lock), daemon=True)
            for number in range(config.users)
        ]
        for user in users:
            user.start()
        browsing = pool.submit(browse, config, server, images, until, tally, lock)
        half, began = 30 * config.minutes, time.monotonic()
        restarted = not config.restart
        with tqdm(total=round(60 * config.minutes), unit="s", mininterval=5.0) as bar:
            while not until.passed:
                time.sleep(1)
                bar.update()
                if browsing.done():
                    browsing.result()
                if not restarted and time.monotonic() - began > half:
                    restarted, stopped = True, time.monotonic()
                    server.stop()
                    server.start()
                    until.at += time.monotonic() - stopped  # the half after it is as long
                    memory.clear()
                    cached.clear()
                memory.append(server.resident_mib)
                cached.append(server.health()["cache_mib"]["held"])
        for user in users:
            user.join()
        browsing.result()
    result = {
        "load": {
            name: {"answers": len(times), **({} if not times else _quantiles(times))}
            for name, times in tally.seconds.items()
            if times or name != BROWSER
        },
        "busy": tally.busy,
        "connections_lost": tally.lost,
        "connections_recovered": tally.recovered,
        "errors": dict(tally.errors),
        "memory_mib": _flatness(memory),
        "cache_mib": _flatness(cached) | {"limit": config.cache_mb},
        "without_cache_mib": _flatness([all_of_it - part for all_of_it, part in zip(memory, cached, strict=True)]),
        "users": config.users,
        "minutes": config.minutes,
        "restart": config.restart,
        "command": command(config),
        "machine": describe_machine(),
    }
    if config.json is not None:
        write_json(config.json, result)
    return result


def _quantiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{share}_s": round(float(np.percentile(seconds, share)), 2) for share in (50, 95)}


def _flatness(memory: list[float]) -> dict[str, float]:
    """Median, least and most once it has settled, all in MiB, and how far they lie from the median in percent."""
    settled = memory[int(SETTLED * len(memory)) :] or [0.0]
    middle = float(np.median(settled))
    spread = max(max(settled) - middle, middle - min(settled)) / max(middle, 1e-9)
    return {
        "median": round(middle),
        "min": round(min(settled)),
        "max": round(max(settled)),
        "spread_percent": round(100 * spread, 1),
    }


def command(config: Load) -> str:
    """The command that does the same again."""
    return command_of("python -m scripts.loadtest", config, always=("users", "minutes"), leave=("json",))


def main(config: Load) -> int:
    """Run, print, and 1 if anything else than busy went wrong."""
    result = load(config)
    for name, row in result["load"].items():
        print(name, row)
    for name in ("busy", "connections_lost", "connections_recovered", "errors", "memory_mib"):
        print(name, result[name])
    return int(bool(result["errors"]) or (result["connections_lost"] > 0 and not config.restart))
