"""Grad-CAM (Selvaraju et al. 2017): activations weighted by their mean gradient. On our CNN it is CAM itself."""

from pytorch_grad_cam import GradCAM

from crt.analysis.explainers.base import EngineExplainer

GRADCAM = EngineExplainer("Grad-CAM", GradCAM)
