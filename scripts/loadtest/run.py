"""Simulated users of a page of its own, and the results of their requests, as JSON values."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from crt.errors import InvalidSetting
from scripts.loadtest.server import served
from scripts.loadtest.users import BROWSER, Deadline, Load, Tally, browse, use, write_images
from scripts.output import write_json
from scripts.provenance import ROOT, command_of, program

SETTLED = 0.2  # of the time goes by before memory is judged


def load(config: Load) -> dict[str, Any]:
    """Run the users -> the results of their requests. Raises InvalidSetting if the page does not start."""
    from crt.train.machine import describe_machine

    if config.against is not None and not (config.against / "app.py").is_file():
        raise InvalidSetting(f"There is no app.py in {config.against}: give the folder of another version.")
    ours, theirs = VersionLoad(), VersionLoad()
    for _ in range(config.rounds):
        measure(config, ROOT, ours)
        if config.against is not None:
            measure(config, config.against, theirs)
    result = ours.result(config) | {
        "users": config.users,
        "images": config.images,
        "minutes": config.minutes,
        "rounds": config.rounds,
        "restart": config.restart,
        "command": command(config),
        **program(),
        "machine": describe_machine(),
    }
    if config.against is not None:
        other = theirs.result(config)
        result |= {"against": other | {"commit": commit_of(config.against)}, "ratio": ratios(result, other)}
    if config.json is not None:
        write_json(config.json, result)
    return result


@dataclass
class VersionLoad:
    """What the users of one version have met. Memory and cache: MiB, one value a second, once they have settled."""

    tally: Tally = field(default_factory=Tally)
    memory: list[float] = field(default_factory=list)
    cached: list[float] = field(default_factory=list)

    def result(self, config: Load) -> dict[str, Any]:
        """JSON values."""
        tally = self.tally
        without = [all_of_it - part for all_of_it, part in zip(self.memory, self.cached, strict=True)]
        return {
            "load": {
                name: {"answers": len(times), **({} if not times else _quantiles(times))}
                for name, times in tally.seconds.items()
                if times or name != BROWSER
            },
            "all": _of_all([one for times in tally.seconds.values() for one in times]),
            "busy": tally.busy,
            "connections_lost": tally.lost,
            "connections_recovered": tally.recovered,
            "errors": dict(tally.errors),
            "memory_mib": _flatness(self.memory),
            "cache_mib": _flatness(self.cached) | {"limit": config.cache_mb},
            "without_cache_mib": _flatness(without),
        }


def checkpoint_of(checkpoint: str, root: Path) -> str:
    """What a version takes for `--checkpoint`: of a bundled one its own, whose format it reads."""
    from crt.checkpoint import expand_name

    folder = expand_name(checkpoint)
    if not folder.is_dir():
        return checkpoint
    folder = folder.resolve()
    own = root / folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    return str(own if own.is_dir() else folder)


def measure(config: Load, root: Path, measured: VersionLoad) -> None:
    """Let the users use the page of one version for their time. Raises InvalidSetting if it does not start."""
    from gradio_client import Client, handle_file

    tally, lock, memory, cached = measured.tally, threading.Lock(), [], []
    words = ["--checkpoint", checkpoint_of(config.checkpoint, root)]
    words += ["--cache-mb", str(config.cache_mb), "--queue-size", str(config.queue_size), "--extra-checkpoints"]
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(1) as pool,
        served(words, root=root) as server,
        ExitStack() as later,
    ):
        images = write_images(Path(folder), config.seed, config.images)
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
    measured.memory += _settled(memory)
    measured.cached += _settled(cached)


def ratios(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float | None]:
    """What this version has for one of the other: answers, seconds of 95 % and refusals; None for one of none."""
    pairs = {
        "answers": (ours["all"]["answers"], theirs["all"]["answers"]),
        "p95_s": (ours["all"].get("p95_s", 0.0), theirs["all"].get("p95_s", 0.0)),
        "busy": (ours["busy"], theirs["busy"]),
    }
    return {name: round(own / other, 2) if other else None for name, (own, other) in pairs.items()}


def commit_of(folder: Path) -> str:
    """The commit of another version's folder; empty where Git has none."""
    words = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""


def _of_all(seconds: list[float]) -> dict[str, float]:
    return {"answers": len(seconds), **(_quantiles(seconds) if seconds else {})}


def _settled(values: list[float]) -> list[float]:
    return values[int(SETTLED * len(values)) :]


def _quantiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{share}_s": round(float(np.percentile(seconds, share)), 2) for share in (50, 95)}


def _flatness(memory: list[float]) -> dict[str, float]:
    """Median, least and most, all in MiB, and how far they lie from the median in percent."""
    settled = memory or [0.0]
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
    if "ratio" in result:
        print("against", result["against"]["commit"], result["ratio"])
    for name in ("busy", "connections_lost", "connections_recovered", "errors", "memory_mib"):
        print(name, result[name])
    return int(bool(result["errors"]) or (result["connections_lost"] > 0 and not config.restart))
