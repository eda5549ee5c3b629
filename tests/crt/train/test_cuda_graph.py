"""A step recorded as a CUDA graph does what the step does; where there is no GPU the setting is refused."""

import copy

import pytest
import torch

from crt.errors import InvalidSetting
from crt.models.dual import DualBranch
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch
from crt.train.crt import build_model
from crt.train.cuda_graph import CudaGraphStep
from crt.train.fast_layers import compile_layers
from crt.train.losses import dual_loss
from tests.helpers.narrow import instance
from tests.helpers.tiny_run import run, tiny_config

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without a GPU")
def test_a_compiled_training_is_refused_without_a_gpu(tmp_path):
    with pytest.raises(InvalidSetting, match="needs one process on one NVIDIA GPU"):
        run(tmp_path / "run", compile=True)


@gpu
@pytest.mark.parametrize("compiled", [False, True])
def test_a_replay_leaves_the_terms_and_gradients_of_the_step_itself(tmp_path, compiled):
    model = build_model(tiny_config(tmp_path), 2).cuda().train()
    work, other = _work(model), copy.deepcopy(model)
    if compiled:
        compile_layers(other)
    recorded = CudaGraphStep(_work(other), lambda step: step % 2, other.parameters())
    for step in range(6):  # both kinds, recorded and then replayed
        batch = [torch.randn(4, 3, 96, 96), torch.eye(2)[torch.randint(2, (4,))]]
        model.zero_grad()
        wanted, got = work([tensor.cuda() for tensor in batch], step), recorded(batch, step)
        for name, term in wanted.items():
            torch.testing.assert_close(got[name], term, rtol=1e-4, atol=1e-5)
        for one, two in zip(model.parameters(), other.parameters(), strict=True):
            if one.grad is not None:
                torch.testing.assert_close(two.grad, one.grad, rtol=1e-2, atol=1e-3 * one.grad.abs().max().item())
    assert len(recorded.recordings) == 2


@gpu
def test_a_compiled_training_has_the_losses_of_a_plain_one(tmp_path):
    plain, compiled = (run(tmp_path / name, compile=name == "compiled") for name in ("plain", "compiled"))
    assert plain.finished and compiled.finished
    pairs = zip(plain.model.state_dict().items(), compiled.model.state_dict().values(), strict=True)
    for (name, one), two in pairs:
        difference = (one.float() - two.float()).norm() / one.float().norm().clamp_min(1e-6)
        assert difference < 2e-2, name


def _work(model: DualBranch):
    vit = instance(TransformerBranch, model.vit)

    def work(batch, step):
        crops, labels = batch
        grid = TileGrid(96, 96, vit.tile, vit.patch)
        losses = dual_loss(model(crops, crops, 2 * (step % 2), grid), labels, 0.1, 96)
        losses.total.backward()
        return losses._asdict()

    return work
