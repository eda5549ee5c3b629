"""How hard it is to break: the sections of docs/reliability.md, from what the fuzzer and the load script wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crt.checkpoint import Defaults
from scripts.loadtest.users import SIZES, Load
from scripts.report.base import Section, Table, setup_table

RELIABILITY_PAGE = "reliability"
MEMORY_HEAD = "memory of the server, MiB"
FUZZ_GROUPS = {
    "files": "hostile files, uploaded and run on",
    "settings": "every request of the page and of programs, with other values",
    "links": "queries of links, and the page's requests for them",
    "names": "names of files and titles of figures with markup",
    "requests": "requests that no page sends",
}
FAULTS: tuple[tuple[str, str, str], ...] = (
    ("A file that is no image, is cut off, or has a false header", "one sentence", "tests/app/core/test_uploads.py"),
    ("Nonsense in any link or request", "one sentence, never a traceback", "tests/scripts/fuzz/test_fuzz.py"),
    (
        "Markup in names of files, classes, checkpoints, in links and scenes",
        "it is text",
        "tests/browser/test_markup.py",
    ),
    (
        "A file of the machine that was not uploaded",
        "it is neither opened nor served",
        "tests/app/server/test_security.py",
    ),
    ("An address in place of a file", "it is not fetched", "tests/app/server/test_security.py"),
    ("Uploads and answers", "they are deleted after their time", "tests/app/server/test_security.py"),
    ("Another session's images and Predictions", "they are not found", "tests/app/server/test_security.py"),
    (
        "An image behind a link",
        "it is found only if its owner made the link",
        "tests/app/features/test_permalinks.py",
    ),
    ("A pickle in any part of a checkpoint", "it is never opened", "tests/crt/checkpoint/test_load.py"),
    ("A checkpoint that is truncated or does not fit", "the tensor is named", "tests/crt/checkpoint/test_load.py"),
    ("A checkpoint that breaks while the page runs", "the one before it goes on", "tests/app/core/test_engine.py"),
    (
        "A Prediction of any bytes, or one that unpacks without end",
        "it is refused unread",
        "tests/crt/test_prediction_io.py",
    ),
    ("Code that could unpickle", "this check fails", "tests/test_imports.py"),
    ("Too many requests, or a full queue", "one sentence says when to try again", "tests/app/server/test_hosting.py"),
    (
        "A request of the page that is refused, lost or not answered",
        "the page shows a message in the place of the answer, and retries",
        "tests/browser/test_failures.py",
    ),
    (
        "Many users, and a restart meanwhile",
        "each is answered or refused as busy; clients reconnect",
        "tests/scripts/loadtest/test_run.py",
    ),
    ("Threads that come and go", "what one has freed is there for the next", "tests/app/server/test_memory.py"),
    ("Memory that grows with the requests", "`scripts.fuzz` fails", "tests/scripts/fuzz/test_fuzz.py"),
    ("A training that is killed", "it goes on to the same weights", "tests/crt/train/test_trainer.py"),
    ("A full disk while training", "an error; the state before is whole", "tests/crt/train/test_faults.py"),
    (
        "Two trainings in one folder",
        "the second is refused; a dead one blocks no other",
        "tests/crt/train/test_faults.py",
    ),
    ("A loss that is no number", "an error; the state before is whole", "tests/crt/train/test_faults.py"),
    (
        "A known vulnerability of a package",
        "the check fails, or prints that no service answered",
        "tests/scripts/dev/test_audit.py",
    ),
    (
        "Arguments of every kind to the library",
        "its invariants hold, or an error of its own",
        "tests/crt/test_properties.py",
    ),
)
"""What may go wrong, what happens then, and the file that tests it."""


def faults() -> Section:
    """The faults that the tests bring about."""
    table = Table(("fault", "what happens", "tested in"), tuple((a, b, f"`{file}`") for a, b, file in FAULTS))
    title, command = "Faults that the tests bring about", "bash scripts/test.sh"
    return Section(title, (), command, (table,), page=RELIABILITY_PAGE, order=1)


def fuzz_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """`scripts.fuzz`: invalid input to a running page."""
    counts = result["fuzz"]
    names = ("asked", "answered", "refused", "crashed")
    rows = [
        (FUZZ_GROUPS[group], *(str(row[name]) for name in names), f"{row['slowest_s']:.1f}")
        for group, row in counts.items()
    ]
    total = {name: sum(row[name] for row in counts.values()) for name in names}
    rows.append(("all", *map(str, total.values()), f"{max(row['slowest_s'] for row in counts.values()):.1f}"))
    memory, cache = result["memory_mib"], result["cache_mib"]
    crashes = tuple((f"`{crash}`",) for row in counts.values() for crash in row["crashes"])
    side = result["largest_px"]
    held = (
        ("after the first run", f"{memory['before']}", "–"),
        (f"after a run at {side} × {side} pixels", f"{memory['largest']}", "–"),
        ("half way", f"{memory['half']}", f"{cache['half']}"),
        ("at the end", f"{memory['after']}", f"{cache['after']}"),
        ("most that the cache may take", "–", f"{cache['limit']}"),
    )
    grown = result.get("growth_mib")
    facts = setup_table(
        crash="a status of 500, a broken connection, a traceback, an error of the page's own, or a refusal that is no "
        "plain sentence or has a path of the server",
        tracebacks_in_the_log_of_the_server=f"{result['tracebacks']}",
        different_sentences_of_refusal=f"{result['sentences']}",
        health_at_the_end=result["health"],
        growth=None
        if grown is None
        else f"{grown['measured']:.0f} MiB of the server without its cache, after every kind of request had been sent "
        f"once; `scripts.fuzz` fails above {grown['limit']:g}",
        machine=result["machine"],
    )
    tables = [
        Table(("what", *names, "slowest s"), tuple(rows)),
        *([Table(("crashed",), crashes)] if crashes else []),
        Table(
            (MEMORY_HEAD, "whole", "its cache of Predictions"),
            held,
            caption=("The memory of the largest run is kept for the next one.",),
        ),
        facts,
    ]
    return Section("Fuzzing", (), result["command"], tuple(tables), page=RELIABILITY_PAGE)


def load_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """`scripts.loadtest`: many users at once."""
    errors = sum(result["errors"].values())
    answers = sum(row["answers"] for row in result["load"].values())
    asked = answers + result["busy"] + errors
    counts = {
        "requests": asked,
        "answered": answers,
        "rejected as busy": result["busy"],
        "errors": errors,
        "connections lost": result["connections_lost"],
        "connections that came back": result["connections_recovered"],
    }
    shares = {
        name: f"{100 * counts[name] / max(asked, 1):.0f} %" for name in ("answered", "rejected as busy", "errors")
    }
    outcome = tuple((name, f"{count}", shares.get(name, "–")) for name, count in counts.items())
    rows = tuple(
        (name, f"{row['answers']}", f"{row.get('p50_s', 0):.1f}", f"{row.get('p95_s', 0):.1f}")
        for name, row in (result["load"] | ({"all": result["all"]} if "all" in result else {})).items()
    )
    memory, cache, rest = result["memory_mib"], result["cache_mib"], result["without_cache_mib"]
    held = (
        ("whole", f"{memory['min']}", f"{memory['max']}", f"± {memory['spread_percent']} %"),
        ("without its cache", f"{rest['min']}", f"{rest['max']}", f"± {rest['spread_percent']} %"),
        ("its cache of Predictions", f"{cache['min']}", f"{cache['max']}", "–"),
        ("most that the cache may take", "–", f"{cache['limit']}", "–"),
    )
    tables = [
        Table(("requests and connections", "number", "share"), outcome),
        Table(("endpoint", "answers", "p50 s", "p95 s"), rows),
        Table((MEMORY_HEAD, "least", "most", "around the median, once settled"), held),
    ]
    if errors:
        named = tuple((f"`{sentence}`", f"{count}") for sentence, count in result["errors"].items())
        tables.append(Table(("error", "number"), named))
    title = f"{result['users']} users for {result['minutes']:g} minutes"
    title += ", with a restart half way" if result["restart"] else ""
    images = result.get("images", Load.images)
    facts: dict[str, str | None] = {"images": f"{images}, which all users share, each at {len(SIZES)} input sizes"}
    if "against" in result:
        commit = result["against"]["commit"]
        title += f", in turns with {f'commit {commit}' if commit else 'another version'}"
        facts["turns of each version"] = f"{result['rounds']}"
        tables.append(_beside(result, result["against"]))
    tables.append(setup_table(**facts, machine=result["machine"]))
    return Section(title, (), result["command"], tuple(tables), page=RELIABILITY_PAGE)


def _beside(ours: dict[str, Any], theirs: dict[str, Any]) -> Table:
    """Both versions, which took the same load in turns."""

    def row(name: str, read: Callable[[dict[str, Any]], float], form: str, ratio: str = "") -> tuple[str, ...]:
        found = ours["ratio"].get(ratio)
        return name, format(read(ours), form), format(read(theirs), form), "–" if found is None else f"{found:.2f}"

    rows = (
        row("answers", lambda one: one["all"]["answers"], "d", "answers"),
        row("p50 s", lambda one: one["all"].get("p50_s", 0), ".1f"),
        row("p95 s", lambda one: one["all"].get("p95_s", 0), ".1f", "p95_s"),
        row("rejected as busy", lambda one: one["busy"], "d", "busy"),
        row("errors", lambda one: sum(one["errors"].values()), "d"),
        row(f"{MEMORY_HEAD}, median", lambda one: one["memory_mib"]["median"], "d"),
        row("the same without its cache, median", lambda one: one["without_cache_mib"]["median"], "d"),
    )
    return Table(("both versions in turns", "this one", "the other", "this one in the other"), rows)
