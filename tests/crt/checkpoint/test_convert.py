"""Files with the names of other programs' public code become networks, or are refused in one sentence."""

import json
import os
import warnings
import zipfile
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.layers.pos_embed import resample_abs_pos_embed

from crt.checkpoint import load_checkpoint
from crt.checkpoint.backbone_weights import load_backbone
from crt.checkpoint.convert import convert
from crt.checkpoint.foreign import read_state_dict
from crt.checkpoint.formats import sort_tensors
from crt.checkpoint.weights import read_tensors
from crt.data import VOC_CLASSES
from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.normalization import normalization_of
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit
from scripts.import_checkpoint import Import, class_names, import_files, main
from tests.helpers import foreign_files as foreign
from tests.helpers.narrow import instance


def same(got, want):
    """Up to what fp16 on disk leaves."""
    torch.testing.assert_close(got.float(), want.float(), rtol=1e-3, atol=1e-4)


def test_a_deit_becomes_a_backbone_that_training_reads(tmp_path):
    state = foreign.deit()
    file = foreign.saved(tmp_path / "deit.pth", {"model": state})
    (found,) = import_files(Import((file,), output=tmp_path / "deit.safetensors"))
    assert (found.backbone, found.tile, found.classes) == ("deit_tiny_patch16_224", 224, None)
    assert set(found.left_out) == {"head.weight", "head.bias"}
    assert set(found.used) == set(state) - set(found.left_out)
    vit = build_vit(found.backbone)
    load_backbone(vit, tmp_path / "deit.safetensors", ())
    for name, value in vit.state_dict().items():
        same(value, state[name])


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("averaged", [False, True])
def test_a_file_of_deit_s_training(tmp_path, averaged, legacy):
    last, average = foreign.deit(seed=1), foreign.deit(seed=2)
    file = foreign.saved(tmp_path / "checkpoint.pth", foreign.deit_run(last, average), legacy=legacy)
    found = convert(file, averaged=averaged)
    same(found.network.state_dict()["norm.weight"], (average if averaged else last)["norm.weight"])
    other = "model" if averaged else "model_ema"
    assert {"optimizer", "lr_scheduler", "epoch", "scaler", "args", "max_accuracy", other} <= set(found.left_out)


def test_a_distilled_deit_keeps_its_token(tmp_path):
    state = foreign.deit(distilled=True)
    found = convert(foreign.saved(tmp_path / "d.pth", {"model": state}))
    assert found.backbone == "deit_tiny_distilled_patch16_224"
    assert found.network.num_prefix_tokens == 2
    assert {"head_dist.weight", "head_dist.bias"} <= set(found.left_out)
    for name in ("dist_token", "pos_embed"):
        same(found.network.state_dict()[name], state[name])


def test_tscam_becomes_a_checkpoint_with_its_maps(tmp_path):
    state = foreign.deit(classes=200, convolution=True)
    file = foreign.saved(tmp_path / "model_best.pth", foreign.tscam_run(state))
    import_files(Import((file,), out=tmp_path / "tscam", classes="cub"))
    checkpoint = load_checkpoint(tmp_path / "tscam")
    assert checkpoint.config.single_label and len(checkpoint.config.classes) == 200
    assert checkpoint.config.classes[0] == "Black footed Albatross"
    branch = instance(TransformerBranch, checkpoint.networks["tscam"])
    tiles = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        tokens = branch.vit.forward_features(tiles)[:, 1:]
        want = F.conv2d(tokens.mT.reshape(1, 192, 14, 14), state["head.weight"], state["head.bias"], padding=1)
        got = branch.head.classifier(tokens.mT.reshape(1, 192, 14, 14))
    torch.testing.assert_close(got, want, rtol=1e-2, atol=1e-2)
    for name, value in branch.vit.state_dict().items():
        same(value, state[name])


def test_a_named_model_keeps_its_own_mean_and_std(tmp_path):
    file = foreign.saved(tmp_path / "tscam.pth", foreign.deit(classes=20, convolution=True))
    import_files(Import((file,), out=tmp_path / "out", classes="voc", vit="vit_tiny_patch16_224.augreg_in21k"))
    spec = load_checkpoint(tmp_path / "out").config.networks["tscam"]
    assert (spec.mean, spec.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_the_authors_crt_becomes_the_pair(tmp_path):
    vit, cnn = foreign.deit(classes=20, convolution=True), foreign.irn(foreign.resnet())
    files = (foreign.saved(tmp_path / "cam1.pth", cnn), foreign.saved(tmp_path / "cam2.pth", vit))
    import_files(Import(files, out=tmp_path / "crt", classes="voc", crt=True))
    checkpoint = load_checkpoint(tmp_path / "crt")
    assert list(checkpoint.networks) == ["crt", "crt_cnn"] and checkpoint.config.classes == VOC_CLASSES
    assert checkpoint.config.networks["crt"].trained_loops == (3,) and checkpoint.config.defaults.loops == 3
    assert checkpoint.config.training["crt_cnn"]["imported_from"] == "cam1.pth"
    same(instance(TransformerBranch, checkpoint.networks["crt"]).head.classifier.weight, vit["head.weight"])
    same(instance(CnnBranch, checkpoint.networks["crt_cnn"]).classifier.weight, cnn["classifier.weight"])


@pytest.mark.parametrize("depth", [50, 152])
def test_irn_s_resnet_is_read_once_of_three_times(tmp_path, depth):
    state = foreign.resnet(foreign.BOTTLENECKS[depth], bottleneck=True)
    file = foreign.saved(tmp_path / "res_cam.pth", foreign.irn(state))
    found = convert(file)
    assert (found.backbone, found.classes) == (f"resnet{depth}", 20)
    counted = [name for name in state if not name.endswith("num_batches_tracked")]
    assert len(found.used) == len(counted) + 1
    assert len(found.used) + len(found.left_out) == 3 * len(state) + 2
    own = instance(CnnBranch, found.network).resnet.state_dict()
    for name in counted:
        torch.testing.assert_close(own[name], state[name], rtol=0, atol=0)


@pytest.mark.parametrize("only", ["resnet50.", "stage", "backbone."])
def test_each_of_the_three_names_is_enough(tmp_path, only):
    state = foreign.resnet()
    part = {n: v for n, v in foreign.irn(state).items() if n.startswith((only, "classifier"))}
    found = convert(foreign.saved(tmp_path / "part.pth", part))
    layer4 = instance(CnnBranch, found.network).resnet.get_submodule("layer4")
    torch.testing.assert_close(layer4.get_parameter("1.conv2.weight"), state["layer4.1.conv2.weight"])


def test_copies_that_differ_are_refused(tmp_path):
    file = foreign.irn(foreign.resnet())
    file["stage2.0.0.conv1.weight"] = file["stage2.0.0.conv1.weight"] + 1
    with pytest.raises(InvalidCheckpoint, match=r"layer2\.0\.conv1\.weight once more as stage2.*other values"):
        convert(foreign.saved(tmp_path / "a.pth", file))


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model.", "model.module."])
@pytest.mark.parametrize("wrapper", [None, "model", "state_dict", "model_state_dict"])
def test_wrappers_and_prefixes(tmp_path, prefix, wrapper):
    state = {f"{prefix}{name}": value for name, value in foreign.resnet().items()} | {
        f"{prefix}fc.weight": torch.ones(10, 512),
        f"{prefix}fc.bias": torch.ones(10),
    }
    found = convert(foreign.saved(tmp_path / "a.pth", {wrapper: state} if wrapper else state))
    assert found.backbone == "resnet18" and {"fc.weight", "fc.bias"} <= set(found.left_out)


def test_another_input_size_is_kept_or_resampled(tmp_path):
    state = foreign.deit(grid=24)
    file = foreign.saved(tmp_path / "deit384.pth", {"model": state})
    assert convert(file).tile == 384
    found = convert(file, tile=224)
    assert (found.tile, found.resampled) == (224, 384)
    want = resample_abs_pos_embed(state["pos_embed"], [14, 14])
    torch.testing.assert_close(found.network.get_parameter("pos_embed").detach(), want)
    torch.testing.assert_close(want[:, :1], state["pos_embed"][:, :1])


def test_a_named_model_is_built_in_the_place_of_the_guess(tmp_path):
    file = foreign.saved(tmp_path / "vit.pth", foreign.deit())
    found = convert(file, backbone={"vit": "vit_tiny_patch16_224.augreg_in21k"})
    assert normalization_of(found.network).mean == (0.5, 0.5, 0.5)
    with pytest.raises(InvalidCheckpoint, match=r"deit\w* does not fit|vit\.pth does not fit"):
        convert(file, backbone={"vit": "vit_small_patch16_224"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"aux_head.weight": torch.ones(2)}, r"1 tensors of which nothing is known \(aux_head\.weight\)"),
        ({"blocks.0.attn.q_bias": torch.ones(2)}, r"has the unknown blocks\.0\.attn\.q_bias"),
        ({"cls_token": torch.ones(1, 20, 192)}, "20 class tokens, as MCTformer has"),
        ({"norm.weight": torch.ones(3)}, r"wrong shape of norm\.weight"),
        ({"pos_embed": torch.ones(1, 180, 192)}, "no square input"),
        ({"norm.weight": None}, r"lacks norm\.weight"),
        ({"cls_token": None}, "no class token"),
        ({"norm.bias": torch.ones(192).to_sparse()}, r"norm\.bias is not a plain tensor"),
        ({"norm.bias": torch.ones(1).expand(10**9)}, r"norm\.bias claims more numbers than the file holds"),
        ({"norm.bias": 3}, "tensors by name"),
    ],
)
def test_what_is_not_explained_is_an_error(tmp_path, change, message):
    state = {name: value for name, value in (foreign.deit() | change).items() if value is not None}
    with pytest.raises(InvalidCheckpoint, match=message):
        convert(foreign.saved(tmp_path / "a.pth", {"model": state}))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("patch_embed.proj.weight layers.0.blocks.0.norm1.weight", "no class token"),
        ("stem.0.weight stages.0.blocks.0.gamma", "no known format"),
        ("features.0.weight", "no known format"),
        ("resnet50.conv1.weight fc_edge1.0.weight", "IRN"),
        ("conv1.weight conv_trans_2.trans_block.norm1.weight", "nothing is known"),
    ],
    ids=["swin", "convnext", "vgg", "irn relation", "conformer"],
)
def test_other_networks_get_a_sentence(tmp_path, names, message):
    state = {name: torch.ones(8, 3, 4, 4) for name in names.split()}
    with pytest.raises(InvalidCheckpoint, match=message):
        convert(foreign.saved(tmp_path / "a.pth", state))


def test_entries_beside_the_network_are_explained_or_refused(tmp_path):
    state = foreign.resnet()
    with pytest.raises(InvalidCheckpoint, match="tensors 'queue' beside its network"):
        convert(foreign.saved(tmp_path / "a.pth", {"state_dict": state, "queue": [torch.ones(3)]}))
    found = convert(foreign.saved(tmp_path / "e.pth", {"state_dict": state, "epoch": torch.tensor(3)}))
    assert found.left_out["epoch"] == "state of the training"
    with pytest.raises(InvalidCheckpoint, match="more than one of"):
        convert(foreign.saved(tmp_path / "b.pth", {"state_dict": state, "model": state}))
    with pytest.raises(InvalidCheckpoint, match=r"none of model.*it has generator"):
        convert(foreign.saved(tmp_path / "c.pth", {"generator": state}))
    with pytest.raises(InvalidCheckpoint, match="none of model_ema"):
        convert(foreign.saved(tmp_path / "d.pth", {"model": state}), averaged=True)


class Attack:
    """Touches a file when unpickled without care."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_malicious_pickle_is_refused_unrun(tmp_path, legacy):
    prediction = tmp_path / "ran"
    file = foreign.saved(tmp_path / "a.pth", {"model": foreign.resnet(), "args": Attack(prediction)}, legacy=legacy)
    with pytest.raises(InvalidCheckpoint, match="cannot be read as tensors" if legacy else r"holds posix\.system"):
        read_state_dict(file)
    assert not prediction.exists()
    torch.load(file, weights_only=False)  # so that the attack is one
    assert prediction.exists()


def test_a_whole_network_is_refused_by_its_class(tmp_path):
    with pytest.raises(InvalidCheckpoint, match=r"holds .*torch\.nn\.modules\.linear\.Linear.*state_dict alone"):
        read_state_dict(foreign.saved(tmp_path / "a.pth", torch.nn.Linear(2, 2)))


def test_the_stand_ins_are_gone_after_reading(tmp_path):
    before = set(torch.serialization.get_safe_globals())  # torch's own
    read_state_dict(foreign.saved(tmp_path / "a.pth", foreign.deit_run(foreign.resnet(), {})))
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    good = foreign.saved(tmp_path / "good.pth", {"w": torch.zeros(10**6)})
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.namelist():
            target.writestr(entry, source.read(entry))
    with pytest.raises(InvalidCheckpoint, match="unpacks to"):
        read_state_dict(bomb)


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "cut legacy", "folder", "nothing", "script", "list", "npz"])
def test_damaged_and_other_files_get_a_sentence(tmp_path, kind):
    file = tmp_path / "a.pth"
    if kind == "folder":
        file.mkdir()
    elif kind == "script":
        torch.jit.script(torch.nn.Linear(2, 2)).save(file)
    elif kind == "list":
        foreign.saved(file, [torch.ones(2)])
    elif kind == "npz":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.npy", b"x")
    elif kind.startswith("cut"):
        foreign.saved(file, foreign.resnet(), legacy=kind.endswith("legacy"))
        file.write_bytes(file.read_bytes()[:10_000])
    elif kind != "nothing":
        file.write_bytes(b"" if kind == "empty" else b"weights of mine\n" * 50)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidCheckpoint) as caught:
            read_state_dict(file)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value) and str(file) in str(caught.value)


def test_every_tensor_of_a_table_is_accounted_for():
    state = foreign.deit() | {"mask_token": torch.ones(1, 1, 192), "pre_logits.fc.weight": torch.ones(192, 192)}
    found = sort_tensors(state, "file")
    assert set(found.used) | set(found.left_out) == set(state) and not set(found.used) & set(found.left_out)


def test_the_command_reports_every_tensor(tmp_path, capsys):
    state = foreign.irn(foreign.resnet())
    file = foreign.saved(tmp_path / "res_cam.pth", state)
    arguments = [str(file), "--classes", "voc", "--out", str(tmp_path / "irn"), "--json", str(tmp_path / "r.json")]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    for reported in ("resnet18", "the same tensor under another name", "counter of a batch norm"):
        assert reported in printed
    (reported,) = json.loads((tmp_path / "r.json").read_text())["files"]
    assert set(reported["used"]) | set(reported["left_out"]) == set(state)
    (tmp_path / "irn" / "config.json").unlink()
    assert main([*arguments, "--verbose"]) == 0
    assert all(name in capsys.readouterr().out for name in ["layer4.1.conv2.weight"])
    assert load_checkpoint(tmp_path / "irn").config.networks["resnet"].backbone == "resnet18"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": None}, "20 classes: name them"),
        ({"classes": "cub"}, "names 200 classes, and the maps are of 20"),
        ({"classes": "nowhere.txt"}, "neither voc, cub, nor a text file"),
        ({"out": None}, "--out FOLDER"),
        ({"output": "x.safetensors"}, "not both"),
        ({"out": None, "output": "x.pth"}, "end with .safetensors"),
        ({"files": ()}, "Give the file"),
        ({"files": "twice"}, "one transformer and one CNN"),
        ({"files": "headless"}, "no convolution for CAMs"),
    ],
)
def test_wrong_use_gets_a_sentence(tmp_path, change, message):
    file = foreign.saved(tmp_path / "res_cam.pth", foreign.irn(foreign.resnet()))
    bare = foreign.saved(tmp_path / "bare.pth", foreign.resnet())
    files = {"twice": (file, file), "headless": (bare,)}
    config = Import((file,), out=tmp_path / "out", classes="voc")
    change = {k: (files.get(v, v) if k == "files" else v) for k, v in change.items()}
    change = {k: (tmp_path / v if k == "output" else v) for k, v in change.items()}
    with pytest.raises(InvalidSetting, match=message):
        import_files(replace(config, **change))
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_is_not_overwritten(tmp_path):
    file = foreign.saved(tmp_path / "res_cam.pth", foreign.irn(foreign.resnet()))
    out = tmp_path / "out"
    import_files(Import((file,), out=out, classes="voc"))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(before) == {"config.json", "resnet.safetensors"} and load_checkpoint(out).config.name == "out"
    other = foreign.saved(tmp_path / "other.pth", foreign.irn(foreign.resnet()))
    with pytest.raises(InvalidCheckpoint, match=r"already holds a checkpoint: choose another --out"):
        import_files(Import((other,), out=out, classes="voc"))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_what_does_not_load_leaves_nothing(tmp_path, monkeypatch):
    def refuse(folder):
        raise InvalidCheckpoint("The weights are not finite: give others.")

    file = foreign.saved(tmp_path / "res_cam.pth", foreign.irn(foreign.resnet()))
    monkeypatch.setattr("crt.checkpoint.load_checkpoint", refuse)
    with pytest.raises(InvalidCheckpoint, match="not finite"):
        import_files(Import((file,), out=tmp_path / "new" / "out", classes="voc"))
    assert list((tmp_path / "new").iterdir()) == []


def test_class_names_of_a_file(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("\ufeffcat\nwild boar\n\n", encoding="utf-8")
    assert class_names(str(file)) == ("cat", "wild boar")
    file.write_text("cat\ncat\n")
    with pytest.raises(InvalidSetting, match="once"):
        class_names(str(file))


def test_the_backbone_of_a_file_with_a_head(tmp_path):
    state = foreign.resnet()
    file = foreign.saved(tmp_path / "res_cam.pth", foreign.irn(state))
    import_files(Import((file,), output=tmp_path / "new" / "resnet.safetensors"))
    written = read_tensors(tmp_path / "new" / "resnet.safetensors")
    assert "classifier.weight" not in written
    load_backbone(build_resnet("resnet18"), tmp_path / "new" / "resnet.safetensors", ("fc.",))
    same(written["layer3.0.conv1.weight"], state["layer3.0.conv1.weight"])


@pytest.mark.parametrize("keys", [("state_dict", "model"), ("model", "state_dict"), ("model", "model_state_dict")])
def test_a_network_wrapped_twice(tmp_path, keys):
    outer, inner = keys
    path = foreign.saved(tmp_path / "x.pth", {outer: {inner: foreign.deit(), "epoch": 3}, "args": None})
    found = convert(path)
    assert found.backbone == "deit_tiny_patch16_224"
    assert found.left_out[f"{outer}.epoch"] == found.left_out["args"] == "state of the training"


def test_the_extension_of_safetensors_in_any_case(tmp_path):
    save_file(foreign.deit(), tmp_path / "X.SAFETENSORS")
    assert convert(tmp_path / "X.SAFETENSORS").backbone == "deit_tiny_patch16_224"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head.weight": torch.ones(10, 192, 3)}, "neither a linear classifier nor a convolution"),
        (
            {"head.weight": torch.ones(10, 192, 1, 1)},
            "does not fit the convolution for class maps: .* shape of weight",
        ),
        ({"head.bias": torch.ones(3)}, "does not fit the convolution for class maps: .* shape of bias"),
    ],
)
def test_a_head_of_another_shape_is_named_as_the_head(tmp_path, change, message):
    with pytest.raises(InvalidCheckpoint, match=message):
        convert(foreign.saved(tmp_path / "x.pth", foreign.deit(convolution=True) | change))


@pytest.mark.parametrize("key", ["model", "anything"])
def test_a_file_that_holds_itself(tmp_path, key):
    loop: dict = {"epoch": 3}
    loop[key] = loop
    assert convert(foreign.saved(tmp_path / "x.pth", {"model": foreign.deit(), "deep": loop})).left_out["deep"]
    with pytest.raises(InvalidCheckpoint):
        convert(foreign.saved(tmp_path / "y.pth", loop))
