"""CRT: class activation maps of a CNN and a vision transformer, refined by attention, as a library.

    import crt

    model = crt.load("checkpoints/voc")
    prediction = model("photo.jpg")  # the networks run here, once
    prediction.cam("cat")  # (H, W) float32 on the pixels of the image; also mask, cams, scores, attention, figure

Importing this package takes no time: PyTorch is loaded with the first name that needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crt.cam_spec import CamSpec
    from crt.data.images import load_image
    from crt.errors import CrtError, InvalidCheckpoint, InvalidImage, InvalidSetting
    from crt.inference_config import InferenceConfig
    from crt.loading import load
    from crt.prediction import Prediction
    from crt.prediction_io import InvalidPrediction
    from crt.predictor import Predictor

__version__ = "0.2.0"

__all__ = [
    "CamSpec",
    "CrtError",
    "InferenceConfig",
    "InvalidCheckpoint",
    "InvalidImage",
    "InvalidPrediction",
    "InvalidSetting",
    "Prediction",
    "Predictor",
    "__version__",
    "load",
    "load_image",
]

_MODULES = {
    "CamSpec": "crt.cam_spec",
    "CrtError": "crt.errors",
    "InferenceConfig": "crt.inference_config",
    "InvalidCheckpoint": "crt.errors",
    "InvalidImage": "crt.errors",
    "InvalidPrediction": "crt.prediction_io",
    "InvalidSetting": "crt.errors",
    "Prediction": "crt.prediction",
    "Predictor": "crt.predictor",
    "load": "crt.loading",
    "load_image": "crt.data.images",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value  # found without this function the next time
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
