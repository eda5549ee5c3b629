"""XGrad-CAM (Fu et al. 2020): gradients weighted by the share of the activation at each cell."""

from pytorch_grad_cam import XGradCAM

from crt.analysis.explainers.base import EngineExplainer

XGRADCAM = EngineExplainer("XGrad-CAM", XGradCAM)
