import io
import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from crt.checkpoint import (
    CheckpointConfig,
    Method,
    NetworkSpec,
    load_checkpoint,
    read_config,
    write_config,
)
from crt.checkpoint.weights import file_sha256, read_tensors, save_network
from crt.errors import InvalidCheckpoint
from crt.models.cnn import CnnBranch
from crt.models.vit import TransformerBranch
from tests.helpers.narrow import instance
from tests.helpers.tiny import CLASSES, made, tiny_checkpoint


@pytest.fixture
def folder(tmp_path):
    return tiny_checkpoint(tmp_path / "tiny", methods=("crt", "crt_cnn"))


def refused(folder, message):
    with pytest.raises(InvalidCheckpoint, match=message) as caught:
        load_checkpoint(folder)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 600


def edit(folder, change):
    path = folder / "config.json"
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


def signed(folder, method="crt"):
    """Make the config's hash that of the file as it is now."""
    digest = file_sha256(folder / f"{method}.safetensors")
    edit(folder, lambda raw: raw["networks"][method].update(sha256=digest))


def rewrite(folder, change, method="crt"):
    path = folder / f"{method}.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    signed(folder, method)


def test_what_is_saved_is_loaded(folder):
    checkpoint = load_checkpoint(folder)
    assert checkpoint.config.classes == CLASSES
    assert isinstance(checkpoint.networks["crt"], TransformerBranch)
    assert isinstance(checkpoint.networks["crt_cnn"], CnnBranch)
    assert checkpoint.config.networks["crt"].trained_loops == (0, 1, 2, 3)
    for method, network in checkpoint.networks.items():
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())
        stored = load_file(folder / f"{method}.safetensors")
        for name, tensor in network.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                assert torch.equal(tensor.half(), stored[name])
                assert tensor.dtype == torch.float32
    assert load_checkpoint(str(folder)).sha256 == checkpoint.sha256


def test_config_survives_the_round_trip(tmp_path):
    specs: dict[Method, NetworkSpec] = {
        "crt": NetworkSpec("vit", "test_vit", "crt.safetensors", "0f" * 32, trained_loops=(0, 2))
    }
    config = CheckpointConfig("näme", ("a", "b"), specs, single_label=True, training={"epochs": 6})
    write_config(tmp_path, config)
    assert read_config(tmp_path) == config
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]  # nothing temporary is left


def test_the_same_seed_gives_the_same_checkpoint(tmp_path):
    one = load_checkpoint(tiny_checkpoint(tmp_path / "a", methods=("crt",)))
    made.cache_clear()
    two = load_checkpoint(tiny_checkpoint(tmp_path / "b", methods=("crt",)))
    other = load_checkpoint(tiny_checkpoint(tmp_path / "c", seed=1, methods=("crt",)))
    assert one.sha256 == two.sha256 != other.sha256


def test_a_deconvolution_head_is_kept(tmp_path):
    folder = tiny_checkpoint(tmp_path, methods=("crt",), deconvolution=True)
    assert instance(TransformerBranch, load_checkpoint(folder).networks["crt"]).head.upsample is not None


def test_a_damaged_file_is_found_by_its_hash(folder):
    path = folder / "crt.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    refused(folder, "is damaged: its sha256")


def test_a_pickle_under_another_name_is_never_opened(folder):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    path = folder / "crt.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    signed(folder)
    refused(folder, "cannot be read as safetensors")
    torch.save({"weight": torch.zeros(2)}, path)
    signed(folder)
    refused(folder, "cannot be read as safetensors")


@pytest.mark.parametrize("file", ["relation.safetensors", "segmentation.safetensors", "config.json", "crt.safetensors"])
@pytest.mark.parametrize("kind", ["pickle", "zip of torch", "npz", "weights with a pickle behind"])
def test_no_part_of_a_checkpoint_may_be_a_pickle(tmp_path, file, kind):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    folder = tiny_checkpoint(tmp_path / "tiny", methods=("crt", "crt_cnn"), masks=True)
    path, whole = folder / file, (folder / file).read_bytes()
    stream = io.BytesIO()
    if kind == "zip of torch":
        torch.save({"a": Bomb()}, stream)
    elif kind == "npz":
        np.savez(stream, a=np.array([Bomb()], dtype=object))
    else:
        stream.write((whole if "behind" in kind else b"") + pickle.dumps(Bomb()))
    path.write_bytes(stream.getvalue())
    if file != "config.json":
        part = file.partition(".")[0]
        digest = file_sha256(path)
        edit(folder, lambda raw: (raw["networks"][part] if part == "crt" else raw[part]).update(sha256=digest))
    refused(folder, "cannot be read|is not|no JSON|not JSON|UTF-8")


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.999])
def test_a_truncated_file(folder, share):
    path = folder / "crt_cnn.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    signed(folder, "crt_cnn")
    refused(folder, "cannot be read as safetensors")


def test_missing_tensors_are_named(folder):
    rewrite(folder, lambda tensors: tensors.pop("vit.cls_token"))
    refused(folder, "crt.safetensors lacks vit.cls_token: it is of another model")


def test_unknown_tensors_are_named(folder):
    rewrite(folder, lambda tensors: tensors.update({f"more.{i}": torch.zeros(1) for i in range(5)}))
    refused(folder, "has the unknown more.0, more.1, more.2 and 2 more")


def test_wrong_shapes_are_named(folder):
    rewrite(folder, lambda tensors: tensors.update({"head.classifier.bias": torch.zeros(4)}))
    refused(folder, "has the wrong shape of head.classifier.bias")


def test_another_class_list_does_not_fit_the_weights(folder):
    edit(folder, lambda raw: raw["classes"].append("tree"))
    refused(folder, "has the wrong shape of head.classifier")


def test_another_backbone_does_not_fit_the_weights(folder):
    edit(folder, lambda raw: raw["networks"]["crt_cnn"].update(backbone="resnet18"))
    refused(folder, "it is of another model")


def test_a_missing_file_is_named(folder):
    (folder / "crt.safetensors").unlink()
    refused(folder, "names crt.safetensors, which is not there")


@pytest.mark.parametrize(
    "file",
    ["../crt.safetensors", "/etc/passwd", "a/b.safetensors", "crt.pt", "", ".", "..", "crt.safetensors/", 7, None],
)
def test_file_names_cannot_leave_the_folder(folder, file):
    edit(folder, lambda raw: raw["networks"]["crt"].update(file=file))
    refused(folder, "config")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.update(format=2), "has format 2, this program reads 1"),
        (lambda raw: raw.pop("format"), "not a checkpoint config"),
        (lambda raw: raw.pop("classes"), "not a checkpoint config"),
        (lambda raw: raw.pop("networks"), "not a checkpoint config"),
        (lambda raw: raw.update(networks={}), "must name networks among"),
        (lambda raw: raw.update(networks=[]), "not a checkpoint config"),
        (lambda raw: raw.update(networks=None), "not a checkpoint config"),
        (lambda raw: raw["networks"].update(deit=raw["networks"]["crt"]), "must name networks among"),
        (lambda raw: raw["networks"]["crt"].update(colour=1), "not a checkpoint config"),
        (lambda raw: raw["networks"]["crt"].pop("backbone"), "not a checkpoint config"),
        (lambda raw: raw["networks"]["crt"].update(backbone="nothing_of_timm"), "timm has no model"),
        (lambda raw: raw["networks"]["crt"].update(backbone="resnet18"), "not a vision transformer"),
        (lambda raw: raw["networks"]["crt_cnn"].update(backbone="test_vit"), "not a timm ResNet"),
        (lambda raw: raw["networks"]["crt"].update(type="lstm"), "type"),
        (lambda raw: raw["networks"]["crt"].update(tile=72), "tile"),
        (lambda raw: raw["networks"]["crt"].update(tile="large"), "tile"),
        (lambda raw: raw["networks"]["crt"].update(tile=0), "tile"),
        (
            lambda raw: raw["networks"]["crt"].update(backbone=5),
            "networks.crt.backbone must be text that is not empty, not 5",
        ),
        (lambda raw: raw.update(classes=[]), "class names, each once"),
        (lambda raw: raw.update(classes=["cat", "dog", "cat"]), "class names, each once"),
        (lambda raw: raw.update(classes="cat"), "class names, each once"),
        (lambda raw: raw.update(classes=[1, 2, 3]), "class names, each once"),
        (lambda raw: raw.update(classes=[["cat"], "dog", "x"]), "class names, each once|not a checkpoint config"),
        (lambda raw: raw.update(defaults={"speed": 1}), "not a checkpoint config"),
        (
            lambda raw: raw["defaults"].update(pass_reduction="most"),
            "defaults.pass_reduction must be one of sum, .*, not .most",
        ),
        (lambda raw: raw["defaults"].update(blocks=[3, 1]), "defaults.blocks must be the first and the last block"),
        (lambda raw: raw["defaults"].update(blocks=[0, 1, 2]), "defaults.blocks must be the first and the last block"),
        (lambda raw: raw["defaults"].update(blocks=[0, True]), "defaults.blocks must be the first and the last block"),
        (lambda raw: raw.update(owner="me"), "not a checkpoint config"),
    ],
)
def test_a_config_that_is_wrong(folder, change, message):
    edit(folder, change)
    refused(folder, message)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "3", '"text"', "\x00"])
def test_a_config_that_is_no_config(folder, content):
    (folder / "config.json").write_text(content)
    refused(folder, "config.json")


def test_a_config_in_another_encoding(folder):
    (folder / "config.json").write_bytes(b"\xff\xfe\x00{")
    refused(folder, "cannot be read as JSON")


def test_no_config_and_no_folder(tmp_path):
    refused(tmp_path, "has no config.json")
    for source in (tmp_path / "nothing", "nothing", "a/b/c", "./nothing/here", "~/nothing-of-this-name/x"):
        refused(source, "There is no folder")


def test_the_hub_is_queried_only_for_names_like_its_own(monkeypatch):
    asked = []

    def offline(name, **kwargs):
        asked.append(name)
        raise OSError("no network in tests")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    refused("someone/model-that-is-not-there", "could not be fetched from the Hub")
    refused("/absolute", "There is no folder")
    assert asked == ["someone/model-that-is-not-there"]


def test_weights_that_fp16_cannot_hold_are_not_written(tmp_path):
    network = torch.nn.Linear(2, 2)
    torch.nn.init.constant_(network.weight, 1e6)
    with pytest.raises(InvalidCheckpoint, match="not finite in fp16: weight"):
        save_network(network, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_tensors_come_as_float32(tmp_path):
    save_file({"a": torch.ones(2).half(), "b": torch.ones(2, dtype=torch.int64)}, tmp_path / "x.safetensors")
    tensors = read_tensors(tmp_path / "x.safetensors")
    assert {name: tensor.dtype for name, tensor in tensors.items()} == {"a": torch.float32, "b": torch.int64}


def test_the_networks_of_masks_come_with_the_checkpoint_and_leave_the_maps_hash_alone(tmp_path):
    plain = load_checkpoint(tiny_checkpoint(tmp_path / "plain"))
    whole = load_checkpoint(tiny_checkpoint(tmp_path / "whole", masks=True))
    assert plain.relation is None and plain.segmentation is None
    assert whole.relation is not None and whole.segmentation is not None
    assert whole.sha256 == plain.sha256
    assert whole.relation.resnet is whole.networks["crt_cnn"].resnet
    assert not any(network.training for network in (whole.relation, whole.segmentation))
    assert not any(name.startswith("resnet.") for name in load_file(tmp_path / "whole" / "relation.safetensors"))


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("relation", {"cnn": "crt"}, "must name a ResNet"),
        ("relation", {"cnn": "other"}, "relation.cnn must be the name of a ResNet of this checkpoint"),
        ("relation", {"threshold": 0}, "relation.threshold must be a number above 0 and at most 1, not 0"),
        ("relation", {"threshold": "x"}, "relation.threshold must be a number above 0"),
        ("relation", {"file": "../x.safetensors"}, "beside the config"),
        ("relation", {"file": 3}, "relation.file must be the name of a .safetensors file"),
        ("relation", {"sha256": "0" * 64}, "damaged"),
        ("relation", {"more": 1}, "not a checkpoint config"),
        ("segmentation", {"file": "x.bin"}, "beside the config"),
        ("segmentation", {"backbone": "no_such_net"}, "segmentation network of .* timm has no model"),
        ("segmentation", {"stride": 7}, "segmentation.stride must be 8 or 16, not 7"),
        ("segmentation", {"backbone": 5}, "segmentation.backbone must be text"),
        ("segmentation", {"file": "gone.safetensors"}, "not there"),
    ],
)
def test_networks_of_masks_that_do_not_fit_are_refused(tmp_path, part, change, message):
    folder = tiny_checkpoint(tmp_path / "tiny", masks=True)
    edit(folder, lambda raw: raw[part].update(change))
    refused(folder, message)


def test_which_attention_refines_is_the_papers_unless_the_config_has_another(folder):
    assert read_config(folder).defaults.attention == {"pass_reduction": "sum", "blocks": None}
    edit(folder, lambda raw: raw["defaults"].update(pass_reduction="tile_normalized", blocks=[4, 5]))
    assert read_config(folder).defaults.attention == {"pass_reduction": "tile_normalized", "blocks": range(4, 6)}
    edit(folder, lambda raw: [raw["defaults"].pop(name) for name in ("pass_reduction", "blocks")])
    assert read_config(folder).defaults.attention == {"pass_reduction": "sum", "blocks": None}
