from functools import partial

import pytest
import torch

from crt.models.attention import attend, token_row
from tests.helpers.small_vits import KINDS, small_branch


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("kind", KINDS)
def test_attend_is_timm_s_attention_and_its_row_a_softmax(kind):
    net = small_branch(kind)
    attention, x = net.attentions[0], torch.randn(3, 9, 32)
    out, row = attend(attention, x)
    torch.testing.assert_close(out, attention(x))
    q, k, _ = attention.qkv(x).reshape(3, 9, 3, 2, 16).permute(2, 0, 3, 1, 4)
    whole = (attention.q_norm(q) @ attention.k_norm(k).transpose(-2, -1) / 16**0.5).softmax(-1)  # (n, heads, N, N)
    torch.testing.assert_close(row, whole[:, :, 0])
    torch.testing.assert_close(row.sum(-1), torch.ones(3, 2))


def test_attend_gives_the_row_of_any_token_and_any_summary():
    attention, x = small_branch("registers").attentions[0], torch.randn(3, 9, 32)
    out, whole = attend(attention, x, lambda q, k: (q @ k.mT).softmax(-1))
    torch.testing.assert_close(out, attention(x))
    for query in range(9):
        _, row = attend(attention, x, partial(token_row, query=query))
        torch.testing.assert_close(row, whole[:, :, query])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("query", [None, 2])
def test_rows_are_float32_under_autocast(kind, query):
    """Queries, keys and their product: of bfloat16 ones the rows differ by percents."""
    attention, x = small_branch(kind).attentions[0], torch.randn(3, 9, 32)
    summary = None if query is None else partial(token_row, query=query)
    with torch.autocast("cpu", torch.bfloat16):
        _, found = attend(attention, x, summary)
    _, wanted = attend(attention, x, summary)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-7)
