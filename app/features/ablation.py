"""The Ablate tab: the CAMs of the image at other input sizes and cut-merge modes, one column of a grid per request.

The browser requests the next column when the last one has arrived. The networks are free between two columns, and to
cancel means to send no further request.
"""

from __future__ import annotations

from typing import Any

from app.core.analysis import Analysis, Explorer
from app.core.codec import describe, encode_records
from app.core.decoded import fingerprint
from app.core.input_sizes import settings_of
from app.rpc import MODEL, Page
from crt.analysis.consistency import branch_distance
from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.prediction import Prediction

PAIRS: dict[str, tuple[Method, Method]] = {"coupled": ("crt", "crt_cnn"), "alone": ("tscam", "resnet")}
"""A transformer and a CNN: those trained together, and the two baselines, trained apart."""


def register(page: Page) -> None:
    """Answer `ablate`: one image at one size and mode, as header and arrays that the browser opens as a Prediction.

    Args:
        page: the components.
    """
    page.on("ablate", lambda analysis, details: column(page.explorer, analysis, details), **MODEL)


def column(explorer: Explorer, analysis: Analysis, details: dict[str, Any]) -> dict[str, Any]:
    """The Prediction of the image at one size and mode, from the cache, the example or the networks.

    Args:
        explorer: which runs the networks.
        analysis: the image on the page with its Prediction.
        details: values from the browser, not to be trusted.

    Returns:
        Header and bytes of the Prediction. `distance`: for each of `PAIRS` that the checkpoint has, one number per loop
        count. `stored`: whether the Prediction came with the example, so that its times are of another machine. `image`
        and `checkpoint`: hashes of both. Or `cannot`: a message about what will not change, such as a mode that needs
        another checkpoint.

    Raises:
        InvalidSetting: an unknown size or mode.
    """
    size, mode = short_value(details, "size"), short_value(details, "mode")
    model = analysis.model or explorer.engine.model
    about = {"image": fingerprint(analysis.image), "checkpoint": model.sha256, "size": size, "mode": mode}
    settings, capped = settings_of(size, mode, analysis.image)
    try:
        prediction = explorer.runs.predict(analysis.session, analysis.image, settings, model=model)
    except InvalidSetting as error:
        return about | {"cannot": str(error)}
    stored = analysis.example is not None and analysis.example.stored(model.sha256, settings) is not None
    records, data = encode_records(prediction)
    header = describe(prediction, single_label=model.config.single_label, capped=capped)
    return {**header, **about, "stored": stored, "distance": distances(prediction), "records": records, "data": data}


def distances(prediction: Prediction) -> dict[str, list[float]]:
    """The distance between the two branches for each loop count.

    Args:
        prediction: of one or more pairs.

    Returns:
        `branch_distance` by the name of the pair, for those of `PAIRS` that the Prediction has.
    """
    return {
        name: branch_distance(prediction, vit, cnn).round(5).tolist()
        for name, (vit, cnn) in PAIRS.items()
        if {vit, cnn} <= set(prediction.methods)
    }


def short_value(details: dict[str, Any], name: str) -> str:
    """A short text among the details.

    Args:
        details: values from the browser, not to be trusted.
        name: of the value.

    Returns:
        The text, at most 40 characters.

    Raises:
        InvalidSetting: anything else.
    """
    value = details.get(name)
    if not isinstance(value, str) or len(value) > 40:
        raise InvalidSetting(f"The page sent an unknown {name}: reload it.")
    return value
