"""LayerCAM (Jiang et al. 2021): activations times positive gradients, cell by cell."""

from pytorch_grad_cam import LayerCAM

from crt.analysis.explainers.base import EngineExplainer

LAYERCAM = EngineExplainer("LayerCAM", LayerCAM)
