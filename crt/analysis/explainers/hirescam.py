"""HiResCAM (Draelos and Carin 2020): activations times gradients cell by cell, faithful for a linear head."""

from pytorch_grad_cam import HiResCAM

from crt.analysis.explainers.base import EngineExplainer

HIRESCAM = EngineExplainer("HiResCAM", HiResCAM)
