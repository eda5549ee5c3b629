"""Checkpoints: a folder with `config.json` and one fp16 safetensors file per network, read strictly.

A folder may hold up to four networks over the same classes, named by the map they make: `crt` and `crt_cnn` (the pair
trained together), `tscam` and `resnet` (the baselines trained alone). A config is read without torch; what loads
networks is imported at its first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crt.checkpoint.config_file import read_config, write_config
from crt.checkpoint.schema import (
    CONFIG_FILE,
    CheckpointConfig,
    Defaults,
    NetworkSpec,
    RelationSpec,
    SegmentationSpec,
    weights_sha256,
)
from crt.checkpoint.sources import bundled_names, expand_name, locate
from crt.types import METHODS, Method

if TYPE_CHECKING:
    from crt.checkpoint.load import Checkpoint, build_network, load_checkpoint

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
    "bundled_names",
    "expand_name",
    "load_checkpoint",
    "locate",
    "read_config",
    "weights_sha256",
    "write_config",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("crt.checkpoint.load"), name)
