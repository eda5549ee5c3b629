"""The Ablate tab: what the networks see of the image at another input size or cut-merge mode, one at a time.

The browser asks for one column of its grid and for the next when the answer is there. So nobody holds the networks for
a whole grid, others get their turn between two columns, and to cancel is not to ask again.
"""

from __future__ import annotations

from typing import Any

from app.core.analysis import Analysis, Explorer, settings_of
from app.core.codec import describe, encode_records
from app.core.decoded import fingerprint
from app.rpc import MODEL, Page
from crt.analysis.consistency import branch_distance
from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.prediction import Prediction

PAIRS: dict[str, tuple[Method, Method]] = {"coupled": ("crt", "crt_cnn"), "alone": ("tscam", "resnet")}
"""A transformer and a CNN: those trained together, and the two baselines that never saw each other."""


def register(page: Page) -> None:
    """Answer `ablate`: one image at one size and mode, as header and arrays that the browser opens as a Prediction."""
    page.on("ablate", lambda analysis, details: column(page.explorer, analysis, details), **MODEL)


def column(explorer: Explorer, analysis: Analysis, details: dict[str, Any]) -> dict[str, Any]:
    """The Prediction at this size and mode, from the cache, the example or the networks; or `cannot`, a sentence.

    `cannot` is what will not change, such as a mode that needs another checkpoint; other trouble is raised. `distance`:
    per pair of `PAIRS` that the checkpoint has, one number for each loop count. `stored`: whether the Prediction came
    with the example, so that its times are those of another machine. `image` and `checkpoint` say what it is of.
    """
    size, mode = asked(details, "size"), asked(details, "mode")
    model = analysis.model or explorer.engine.model
    about = {"image": fingerprint(analysis.image), "checkpoint": model.sha256, "size": size, "mode": mode}
    settings, capped = settings_of(size, mode, analysis.image)
    try:
        prediction = explorer.predict(analysis.session, analysis.image, settings, model=model)
    except InvalidSetting as error:
        return about | {"cannot": str(error)}
    stored = analysis.example is not None and analysis.example.stored(model.sha256, settings) is not None
    records, data = encode_records(prediction)
    header = describe(prediction, single_label=model.config.single_label, capped=capped)
    return {**header, **about, "stored": stored, "distance": distances(prediction), "records": records, "data": data}


def distances(prediction: Prediction) -> dict[str, list[float]]:
    """Name of a pair -> its `branch_distance` for each loop count, for the pairs that the Prediction holds."""
    return {
        name: branch_distance(prediction, vit, cnn).round(5).tolist()
        for name, (vit, cnn) in PAIRS.items()
        if {vit, cnn} <= set(prediction.methods)
    }


def asked(details: dict[str, Any], name: str) -> str:
    """A short text among the details. Raises InvalidSetting for anything else."""
    value = details.get(name)
    if not isinstance(value, str) or len(value) > 40:
        raise InvalidSetting(f"The page asks for no {name} that is known here: reload it.")
    return value
