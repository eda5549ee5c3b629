"""The IRN is timed as the app runs it."""

from pathlib import Path

import pytest
import torch

from crt.models.irn import edge_map
from scripts.bench import masks as module
from tests.helpers.tiny import tiny_checkpoint


def test_the_irn_is_timed_in_the_layout_of_the_app_and_without_displacements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def noted(network, image):
        weights = [weight for weight in network.resnet.parameters() if weight.ndim == 4]
        seen.append(all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights))
        return edge_map(network, image)

    monkeypatch.setattr(module, "edge_map", noted)
    monkeypatch.setattr(module, "crf_labels", lambda *_: None)
    times = module.masks(str(tiny_checkpoint(tmp_path / "tiny", masks=True)), 1)
    assert set(times) == {"dense CRF on labels", "IRN", "random walk"}
    assert seen and all(seen)
