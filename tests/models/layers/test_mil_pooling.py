import math

import pytest
import torch

from vlplugins.models.layers import MaskedAttentionPooling, MaskedMaxPooling, MaskedMeanPooling, TopKPooling


def test_padded_zeros_do_not_win_over_negative_logits():
    logits = torch.tensor([[[-5.0], [-6.0], [-7.0], [0.0], [0.0]]])
    mask = torch.tensor([[True, True, True, False, False]])
    assert TopKPooling(4)(logits, mask).item() == -5
    assert MaskedMaxPooling()(logits, mask).item() == -5
    assert MaskedMeanPooling()(logits, mask).item() == -6


def test_k_follows_the_real_lines_not_the_padded_ones():
    logits = torch.arange(32.0).neg()[None, :, None]
    mask = torch.arange(32)[None] < 5
    assert TopKPooling(4)(logits, mask).item() == -0.5  # k = 2 of 5 lines


@pytest.mark.parametrize('ratio', [1, 3, 4, math.inf])
def test_top_k_equals_a_loop(ratio):
    torch.manual_seed(0)
    logits = torch.randn(4, 9, 3, requires_grad=True)
    lengths = [1, 9, 4, 6]
    mask = torch.arange(9)[None] < torch.tensor(lengths)[:, None]
    found = TopKPooling(ratio)(logits, mask)
    for clip, length in enumerate(lengths):
        k = max(1, math.ceil(length / ratio))
        for label in range(3):
            best = sorted(logits[clip, :length, label].tolist())[-k:]
            assert found[clip, label].item() == pytest.approx(sum(best) / k, abs=1e-6)
    found.sum().backward()
    assert logits.grad.isfinite().all() and not logits.grad[0, 1:].any()


def test_attention_weighs_real_lines_by_class():
    torch.manual_seed(0)
    pool = MaskedAttentionPooling(4, 2)
    logits, features = torch.randn(1, 5, 2), torch.randn(1, 5, 4)
    mask = torch.tensor([[True, True, True, False, False]])
    found = pool(logits, mask, features)
    for label in range(2):
        weights = pool.attention(features[0, :3])[:, label].softmax(dim=0)
        assert found[0, label].item() == pytest.approx(float(weights @ logits[0, :3, label]), abs=1e-6)
    with pytest.raises(ValueError, match='needs the features'):
        pool(logits, mask)


def test_a_ratio_below_1_is_told():
    with pytest.raises(ValueError, match='ratio 0.5'):
        TopKPooling(0.5)
