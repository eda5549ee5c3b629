"""The pilot of the ablations (`scripts.ablate --pilot`): with which schedule λ = 0.1 and λ = 0 differ."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report.ablation import measured_on, trained_on
from scripts.report.base import NOT_RECORDED, Section, Table, setup_table
from scripts.report.verdict import Paired


def pilot_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """A row per number of epochs, the smallest first, and the one that was chosen."""
    protocol = result["protocol"]
    plan = protocol["schedule"]
    rows = tuple((f"{row['epochs']} epochs", *_verdict_of(Paired(tuple(row["gaps"]))), f"{row['minutes']:.0f}")
                 for row in result["pilot"])  # fmt: skip
    chosen = result["chosen"]
    chosen = "none: no schedule separates the two" if result["chosen"] is None else (
        f"{result['chosen']} epochs, the shortest that separates the two; longer ones were not measured"
    )  # fmt: skip
    facts = setup_table(
        chosen=chosen,
        training=f"{plan['crop']} px crops, batch {plan['batch']}, {plan['vit']} + {plan['cnn']}",
        training_images=trained_on(protocol),
        measured_images=measured_on(protocol),
        maps=f"refined by the sum over passes, {plan['loops']} loops",
        seeds=_seeds(protocol),
        machine=protocol.get("machine", NOT_RECORDED),
    )
    head = ("λ = 0.1 against λ = 0", "points", "verdict", "minutes of training")
    return Section("Pilot of the ablations", (), protocol["command"], (Table(head, rows), facts), order=5)


def _seeds(protocol: dict[str, Any]) -> str:
    """The pilot's seeds; results of earlier versions were made with those of the ablation."""
    if "pilot_seeds" not in protocol:
        return f"{', '.join(map(str, protocol['seeds']))}, those of the ablation too, which are no test of its own"
    return f"{', '.join(map(str, protocol['pilot_seeds']))}; the ablation has others"


def _verdict_of(gap: Paired) -> tuple[str, str]:
    return str(gap), f"{gap.verdict()} ({gap.reason})"
