"""Other explainers (pytorch-grad-cam) behind the same maps interface: raw maps on the cells of `Prediction.cams`.

A new one is a file here and an entry of `EXPLAINERS`; the page takes its name by `python -m scripts.dev.constants`.
"""

from crt.analysis.explainers.base import Explainer
from crt.analysis.explainers.eigencam import EIGENCAM
from crt.analysis.explainers.gradcam import GRADCAM
from crt.analysis.explainers.gradcam_plus_plus import GRADCAM_PLUS_PLUS
from crt.analysis.explainers.hirescam import HIRESCAM
from crt.analysis.explainers.layercam import LAYERCAM
from crt.analysis.explainers.scorecam import SCORECAM
from crt.analysis.explainers.xgradcam import XGRADCAM

EXPLAINERS: dict[str, Explainer] = {
    "gradcam": GRADCAM,
    "gradcam++": GRADCAM_PLUS_PLUS,
    "xgradcam": XGRADCAM,
    "hirescam": HIRESCAM,
    "layercam": LAYERCAM,
    "eigencam": EIGENCAM,
    "scorecam": SCORECAM,
}

__all__ = ["EXPLAINERS", "Explainer"]
