"""What the fuzzer does, and what becomes of it, as JSON values."""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from crt.errors import InvalidSetting
from scripts.fuzz.client import PROGRAM, Fuzzer
from scripts.fuzz.corpus import corpus
from scripts.loadtest.client import PAGE, Outcome
from scripts.loadtest.server import Server, served
from scripts.output import write_json
from scripts.provenance import command_of, program

SHARES = {"settings": 0.5, "links": 0.2, "names": 0.1, "requests": 0.2}
"""Of the draws."""
CACHE_MIB = 256


@dataclass(frozen=True)
class Fuzz:
    """How much, and what is fuzzed."""

    draws: int = 2000
    """Requests at random, beside the files."""
    seed: int = 0
    """Of the files and the draws."""
    stride: int = 1
    """Upload every n-th hostile file; 1 is all of them."""
    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    largest: int = 1344
    """Pixels of a square that is run before, at its own size: the memory that it takes stays with the server."""
    growth_mib: float = 100.0
    """MiB by which the server's memory may grow between the end of the warm-up and the end."""
    log: Path | None = None
    """The file for the server's output."""
    json: Path | None = None
    """Write the result here."""

    def __post_init__(self) -> None:
        if self.draws < 0 or self.stride < 1:
            raise InvalidSetting("Give at least 0 draws, and 1 for every file.")


@dataclass
class Count:
    """Of one group: requests sent, answered, refused in one sentence, crashed, and the slowest answer in seconds."""

    asked: int = 0
    answered: int = 0
    refused: int = 0
    crashed: int = 0
    slowest_s: float = 0.0
    crashes: list[str] = field(default_factory=list)

    def add(self, what: str, outcome: Outcome) -> None:
        """Count one."""
        self.asked += 1
        setattr(self, outcome.kind, getattr(self, outcome.kind) + 1)
        self.slowest_s = round(max(self.slowest_s, outcome.seconds), 3)
        if outcome.kind == "crashed" and len(self.crashes) < 20:
            self.crashes.append(f"{what}: {outcome.message}"[:300])


def fuzz(config: Fuzz) -> dict[str, Any]:
    """Send everything -> the counts of each group. Raises InvalidSetting if the page does not start."""
    from crt.train.machine import describe_machine

    counts = {name: Count() for name in ("files", *SHARES)}
    messages: Counter[str] = Counter()
    words = [
        "--checkpoint",
        config.checkpoint,
        "--extra-checkpoints",
        "--queue-size",
        "8",
        "--cache-mb",
        str(CACHE_MIB),
    ]
    with tempfile.TemporaryDirectory() as folder:
        log = config.log or Path(folder) / "server.log"
        with (
            served(words, log, Path(folder) / "uploads") as server,
            closing(Fuzzer(server.url, config.seed)) as fuzzer,
        ):
            fuzzer.warm()
            before = server.resident_mib
            fuzzer.run_square(config.largest)
            largest = server.resident_mib
            fuzzer.warm_all()
            warm, work, half = _held(server), list(_work(config)), (0.0, 0.0)
            for number, (group, send) in enumerate(tqdm(work, unit="request", mininterval=5.0)):
                what, outcome = send(fuzzer)
                counts[group].add(what, outcome)
                messages[outcome.message if outcome.kind == "refused" else ""] += 1
                if number == len(work) // 2:
                    half = _held(server)
            after, health = _held(server), _health(server, fuzzer)
        tracebacks = log.read_text(encoding="utf-8", errors="replace").count("Traceback (most recent")
    result = {
        "fuzz": {name: vars(count) for name, count in counts.items()},
        "tracebacks": tracebacks,
        "health": health,
        "sentences": len(messages) - ("" in messages),
        "memory_mib": {
            "before": round(before),
            "largest": round(largest),
            "warm": round(warm[0]),
            "half": round(half[0]),
            "after": round(after[0]),
        },
        "cache_mib": {
            "warm": round(warm[1]),
            "half": round(half[1]),
            "after": round(after[1]),
            "limit": CACHE_MIB,
        },
        "growth_mib": {"measured": round(memory_growth(warm, after), 1), "limit": config.growth_mib},
        "largest_px": config.largest,
        "draws": config.draws,
        "seed": config.seed,
        "command": command(config),
        **program(),
        "machine": describe_machine(),
    }
    if config.json is not None:
        write_json(config.json, result)
    return result


def command(config: Fuzz) -> str:
    """The command that sends the same requests again."""
    command_line = command_of("python -m scripts.fuzz", config, always=("draws", "seed"), leave=("json", "log"))
    return f"{command_line} --json results/fuzz.json"


def _work(config: Fuzz) -> Iterator[tuple[str, Any]]:
    """The group and the function that sends it, for every request in turn."""
    for index, (kind, name, data) in enumerate(corpus(config.seed)):
        if index % config.stride == 0:
            endpoint = (PAGE, PROGRAM)[index % 2]
            yield (
                "files",
                lambda one, what=f"{kind} {name}", args=(name, data, endpoint): (what[:80], one.file(*args)),
            )
    chance = random.Random(config.seed + 1)  # noqa: S311
    for group in chance.choices(list(SHARES), list(SHARES.values()), k=config.draws):
        yield group, getattr(Fuzzer, group)


def memory_growth(before: tuple[float, float], after: tuple[float, float]) -> float:
    """By how many MiB the server grew without its cache; each: MiB of the server, and of those its cache."""
    return (after[0] - after[1]) - (before[0] - before[1])


def failures(result: dict[str, Any]) -> list[str]:
    """Why a run has failed, in sentences; none if it has not."""
    crashed = sum(row["crashed"] for row in result["fuzz"].values())
    grown, limit = result["growth_mib"]["measured"], result["growth_mib"]["limit"]
    found = {
        f"{crashed} requests crashed.": crashed,
        f"The server's log has {result['tracebacks']} tracebacks.": result["tracebacks"],
        f"At the end the server was {result['health']}.": result["health"] != "ok",
        f"The server's memory grew by {grown:g} MiB after the warm-up, {limit:g} are allowed.": grown > limit,
    }
    return [sentence for sentence, failed in found.items() if failed]


def _held(server: Server) -> tuple[float, float]:
    """MiB of the server, and of those what its cache of Predictions has."""
    return server.resident_mib, server.health()["cache_mib"]["held"]


def _health(server: Server, fuzzer: Fuzzer) -> str:
    """The answer of `/health`, or why a valid request is not answered any more."""
    outcome = fuzzer.page_client.send(fuzzer.endpoints[PROGRAM], fuzzer.good(fuzzer.endpoints[PROGRAM]))
    if outcome.kind != "answered":
        return f"refuses a valid request: {outcome.message}"
    return str(server.health()["status"])


def main(config: Fuzz) -> int:
    """Run, print, and 1 if anything crashed, the page is not well, or its memory grew beyond the bound."""
    result = fuzz(config)
    for name, row in result["fuzz"].items():
        print(name, {key: value for key, value in row.items() if key != "crashes"})
        for crash in row["crashes"]:
            print("   ", crash)
    print("tracebacks", result["tracebacks"], "health", result["health"], "memory", result["memory_mib"])
    failed = failures(result)
    for sentence in failed:
        print(f"error: {sentence}", file=sys.stderr)
    return int(bool(failed))
