"""From a finished run to a checkpoint folder that `crt.checkpoint.load_checkpoint` reads."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crt.checkpoint import (
    CONFIG_FILE,
    CheckpointConfig,
    Method,
    NetworkSpec,
    load_checkpoint,
    locate,
    read_config,
    write_config,
)
from crt.checkpoint.weights import save_network
from crt.data import DatasetReport, ImageDataset
from crt.models.cnn import CnnBranch
from crt.models.dual import DualBranch, SecondCnn
from crt.models.normalization import normalization_of
from crt.train.config import portable_root
from crt.train.log import logged_seconds
from crt.train.machine import describe_machine
from crt.train.run_config import MaskRunConfig, TrainConfig


def export(
    model: DualBranch, config: TrainConfig, images: ImageDataset, folder: Path, record: Mapping[str, Any]
) -> None:
    """Write the trained networks as a checkpoint that `load_checkpoint` reads.

    Args:
        model: the pair.
        config: of the run.
        images: that it was trained on.
        folder: of the checkpoint.
        record: how the run was started and its precision, which the checkpoint keeps beside the config, the images per
            class and the machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pair = config.model.branches == "pair"
    networks: dict[Method, NetworkSpec] = {}
    if isinstance(model.vit, SecondCnn):
        digest = save_network(model.vit, folder / "resnet.safetensors")
        networks["resnet"] = _resnet_spec(model.vit, config.model.cnn, "resnet", digest)
    elif model.vit is not None:
        method: Method = "crt" if pair else "tscam"
        digest = save_network(model.vit, folder / f"{method}.safetensors")
        loops = tuple(sorted({count for phase in config.schedule for count in phase.loops}))
        networks[method] = NetworkSpec(
            "vit",
            config.model.vit,
            f"{method}.safetensors",
            digest,
            tile=config.model.tile,
            deconvolution=config.model.deconvolution,
            trained_loops=loops,
            **normalization_of(model.vit)._asdict(),
        )
    if model.cnn is not None:
        method = "crt_cnn" if pair else "resnet"
        digest = save_network(model.cnn, folder / f"{method}.safetensors")
        networks[method] = _resnet_spec(model.cnn, config.model.cnn, method, digest)
    write_config(
        folder,
        CheckpointConfig(
            name=config.out.name,
            classes=images.classes,
            networks=networks,
            single_label=images.single_label,
            training={
                **record,
                "config": portable(config),
                "images": len(images),
                "images_per_class": DatasetReport.of(images).per_class,
                "machine": describe_machine(),
                "minutes": round(logged_seconds(config.out, config.batch) / 60, 4),
            },
        ),
    )


def _resnet_spec(network: CnnBranch, backbone: str, method: Method, digest: str) -> NetworkSpec:
    return NetworkSpec("resnet", backbone, f"{method}.safetensors", digest, **normalization_of(network)._asdict())


def add_to_checkpoint(config: MaskRunConfig, name: str, spec: Any, *, images: int, record: Mapping[str, Any]) -> None:
    """Write into `config.out` the checkpoint that it is for with one network more, whose weights lie there already.

    Args:
        config: of the run.
        name: of the network in the checkpoint's config.
        spec: its entry in the checkpoint's config.
        images: number of images that it was trained on.
        record: how the run was started.

    Raises:
        InvalidCheckpoint: the result cannot be loaded; `config.out` then has no config.
    """
    folder = locate(config.checkpoint)
    before = read_config(folder)
    entry = {
        **record,
        "config": config.portable(),
        "images": images,
        "machine": describe_machine(),
        "minutes": round(logged_seconds(config.out, config.batch) / 60, 4),
    }
    after = dataclasses.replace(before, **{name: spec, "training": {**before.training, name: entry}})
    files = {part.file for part in (*after.networks.values(), after.relation, after.segmentation) if part is not None}
    with TemporaryDirectory(dir=config.out, prefix=".checkpoint-") as staging:
        for file in files - {spec.file}:
            shutil.copyfile(folder / file, Path(staging) / file)
        (config.out / spec.file).replace(Path(staging) / spec.file)
        write_config(Path(staging), after)
        load_checkpoint(staging)
        for file in (*files, CONFIG_FILE):  # the config last: a folder that has one is whole
            (Path(staging) / file).replace(config.out / file)


def portable(config: TrainConfig) -> dict[str, Any]:
    """The config without the folders of one machine.

    Args:
        config: of the run.

    Returns:
        Plain JSON values.
    """
    values = config.to_json()
    values["out"] = config.out.name
    values["data"]["roots"] = [portable_root(root) for root in values["data"]["roots"]]
    if config.data.image_root is not None:
        values["data"]["image_root"] = config.data.image_root.name
    for key in ("vit_weights", "cnn_weights"):
        values["model"][key] = Path(values["model"][key]).name
    return values
