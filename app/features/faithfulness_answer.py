"""The measures of faithfulness as the page shows them: titles, descriptions and curves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from crt.metrics.faithfulness_results import Faithfulness


@dataclass(frozen=True)
class Value:
    """One number of a measure.

    Attributes:
        id: in the answer.
        title: on the page.
        better: "higher" or "lower".
        description: of the measure, with its source.
    """

    id: str
    title: str
    better: str
    description: str


DROP = Value(
    "drop",
    "Drop",
    "lower",
    "The image is multiplied by the map, so that only what the map shows is left: by how much of itself the class "
    "probability falls (Chattopadhay et al., 2018).",
)
INCREASE = Value(
    "increase",
    "Increase",
    "higher",
    "Whether the class probability even rises when only what the map shows is left (Chattopadhay et al., 2018).",
)
DELETION = Value(
    "deletion",
    "Deletion",
    "lower",
    "The pixels where the map is highest are replaced by the mean colour first: the area under the class probability "
    "(Petsiuk et al., 2018).",
)
INSERTION = Value(
    "insertion",
    "Insertion",
    "higher",
    "The pixels where the map is highest appear first in a blurred image: the area under the class probability "
    "(Petsiuk et al., 2018).",
)
ROAD = Value(
    "road",
    "ROAD",
    "higher",
    "Remove and debias: pixels are replaced by what their neighbours suggest; half the difference between removing the "
    "least and the most relevant ones, mean over shares of 10 to 90 %; 0 is chance (Rong et al., 2022).",
)


def answer(found: Faithfulness) -> dict[str, Any]:
    """What was measured, as JSON values.

    Args:
        found: the measures.

    Returns:
        `probability`, `values` [{id, title, better, description, value}] and `curves` [{id, points}], `id` that of the
        value, each point [share of the pixels, y]: y is the class probability, for ROAD half the difference between the
        probabilities without the least and without the most relevant pixels.
    """
    values: list[tuple[Value, float]] = []
    curves: list[tuple[Value, np.ndarray, np.ndarray]] = []
    if found.confidence:
        values += [(DROP, found.confidence.drop), (INCREASE, float(found.confidence.increase))]
    for about, curve in ((DELETION, found.deletion), (INSERTION, found.insertion)):
        if curve:
            values.append((about, curve.auc))
            curves.append((about, curve.share, curve.probability))
    if found.road:
        values.append((ROAD, found.road.combined))
        curves.append((ROAD, found.road.removed, (found.road.least - found.road.most) / 2))
    return {
        "probability": round(found.probability, 5),
        "values": [{**asdict(about), "value": round(value, 5)} for about, value in values],
        "curves": [
            {"id": about.id, "points": np.round(np.stack([share, y], 1), 5).tolist()} for about, share, y in curves
        ],
    }
