"""Grad-CAM++ (Chattopadhay et al. 2018): positive gradients, weighted so that small instances count too."""

from pytorch_grad_cam import GradCAMPlusPlus

from crt.analysis.explainers.base import EngineExplainer

GRADCAM_PLUS_PLUS = EngineExplainer("Grad-CAM++", GradCAMPlusPlus)
