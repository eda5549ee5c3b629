"""The pilot of the ablations (`scripts.ablate --pilot`): with which schedule λ = 0.1 and λ = 0 differ."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report.ablation import measured_on, trained_on
from scripts.report.base import Section, Table
from scripts.report.verdict import Paired


def pilot_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """A row per number of epochs, the smallest first, and the one that was chosen."""
    protocol = result["protocol"]
    plan = protocol["schedule"]
    rows = tuple((f"{row['epochs']} epochs", *_verdict_of(Paired(tuple(row["gaps"]))), f"{row['minutes']:.0f}")
                 for row in result["pilot"])  # fmt: skip
    chosen = result["chosen"]
    caption = "None of these schedules separates the two." if chosen is None else (
        f"The shortest schedule that separates the two has {chosen} epochs; longer ones were not measured."
    )  # fmt: skip
    how = (
        f"{plan['crop']} px crops, {trained_on(protocol)}, batch {plan['batch']}, {plan['vit']} + {plan['cnn']}; "
        f"{measured_on(protocol)}; refined by the sum over passes, {plan['loops']} loops. "
        f"{_seeds(protocol)}"
    )
    head = ("λ = 0.1 against λ = 0", "points", "verdict", "minutes of training")
    return Section(
        "Pilot of the ablations", (how,), protocol["command"], (Table(head, rows, caption=(caption,)),), order=2
    )


def _seeds(protocol: dict[str, Any]) -> str:
    """The pilot's seeds; results of earlier versions were made with those of the ablation."""
    if "pilot_seeds" not in protocol:
        return (
            f"Seeds: {', '.join(map(str, protocol['seeds']))}, those of the ablation too, whose verdict on λ = 0.1 "
            "against λ = 0 is on the runs that chose the schedule."
        )
    return (
        f"Seeds: {', '.join(map(str, protocol['pilot_seeds']))}; the ablation has others, so that its verdicts are on "
        "runs that chose nothing."
    )


def _verdict_of(gap: Paired) -> tuple[str, str]:
    return str(gap), f"{gap.verdict()} ({gap.reason})"
