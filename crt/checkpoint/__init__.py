"""Checkpoints: a folder with `config.json` and one fp16 safetensors file per network, read strictly.

A folder may hold up to four networks over the same classes, named by the map they make: `crt` and `crt_cnn` (the pair
trained together), `tscam` and `resnet` (the baselines trained alone).
"""

from crt.checkpoint.config import (
    CONFIG_FILE,
    METHODS,
    CheckpointConfig,
    Defaults,
    Method,
    NetworkSpec,
    RelationSpec,
    SegmentationSpec,
    read_config,
    weights_sha256,
    write_config,
)
from crt.checkpoint.load import Checkpoint, build_network, load_checkpoint, locate

__all__ = [
    "CONFIG_FILE",
    "METHODS",
    "Checkpoint",
    "CheckpointConfig",
    "Defaults",
    "Method",
    "NetworkSpec",
    "RelationSpec",
    "SegmentationSpec",
    "build_network",
    "load_checkpoint",
    "locate",
    "read_config",
    "weights_sha256",
    "write_config",
]
