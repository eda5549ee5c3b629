"""Other explainers (pytorch-grad-cam) behind the same maps interface: raw maps on the cells of `Trace.maps`."""

from crt.explain.base import Explainer
from crt.explain.eigencam import EIGENCAM
from crt.explain.gradcam import GRADCAM
from crt.explain.gradcam_plus_plus import GRADCAM_PLUS_PLUS
from crt.explain.hirescam import HIRESCAM
from crt.explain.layercam import LAYERCAM
from crt.explain.scorecam import SCORECAM
from crt.explain.xgradcam import XGRADCAM

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
