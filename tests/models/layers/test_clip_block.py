import pytest
import torch
from torch import nn

from vlplugins.models.layers.clip_block import CLIPAttention, CLIPBlocks, FullPrecisionLayerNorm, QuickGELU


def test_attention_equals_multihead_attention_of_the_same_state():
    ours, theirs = CLIPAttention(32, 4), nn.MultiheadAttention(32, 4, batch_first=True)
    nn.init.normal_(theirs.in_proj_bias)
    ours.load_state_dict(theirs.state_dict())
    tokens = torch.randn(3, 7, 32)
    torch.testing.assert_close(ours(tokens), theirs(tokens, tokens, tokens)[0], rtol=1e-4, atol=1e-5)
    hidden = torch.ones(7, 7).triu(1).bool()
    expected = theirs(tokens, tokens, tokens, attn_mask=hidden)[0]
    torch.testing.assert_close(ours(tokens, is_causal=True), expected, rtol=1e-4, atol=1e-5)
    padding = torch.tensor([[False] * 7, [False] * 4 + [True] * 3, [False] + [True] * 6])
    expected = theirs(tokens, tokens, tokens, key_padding_mask=padding)[0]
    torch.testing.assert_close(ours(tokens, ~padding[:, None, None]), expected, rtol=1e-4, atol=1e-5)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match='heads 5'):
        CLIPAttention(32, 5)


def test_layer_norm_is_computed_in_single_precision():
    norm = FullPrecisionLayerNorm(64)
    values = 300 + torch.randn(4, 64)
    half = norm.half()(values.half())
    assert half.dtype == torch.half
    exact = nn.functional.layer_norm(values.half().float(), (64,))
    torch.testing.assert_close(half.float(), exact, rtol=1e-3, atol=1e-3)


def test_quick_gelu_by_hand():
    values = QuickGELU()(torch.tensor([0.0, 1.0, -1.0]))
    torch.testing.assert_close(values, torch.tensor([0.0, 0.845796, -0.154204]), rtol=1e-5, atol=1e-6)


def test_initial_spread_follows_width_and_depth():
    torch.manual_seed(0)
    block = CLIPBlocks(256, 8, 4).resblocks[3]
    for weight, std in (
        (block.attn.in_proj_weight, 256**-0.5),
        (block.attn.out_proj.weight, 256**-0.5 / 4),
        (block.mlp.c_fc.weight, 512**-0.5),
        (block.mlp.c_proj.weight, 256**-0.5 / 4),
    ):
        assert weight.std().item() == pytest.approx(std, rel=0.02)


def test_recomputing_blocks_changes_no_gradient():
    plain, saving = CLIPBlocks(32, 3, 4), CLIPBlocks(32, 3, 4, with_cp=True)
    saving.load_state_dict(plain.state_dict())
    tokens = torch.randn(2, 5, 32)
    for blocks in (plain, saving):
        blocks(tokens).square().sum().backward()
    for one, other in zip(plain.parameters(), saving.parameters()):
        torch.testing.assert_close(one.grad, other.grad)


def test_residual_and_shift_of_a_block():
    block = CLIPBlocks(32, 1, 4).resblocks[0]
    tokens, residual = torch.randn(2, 5, 32), torch.randn(2, 5, 32)
    trunk = residual + block.attn(block.ln_1(tokens))
    torch.testing.assert_close(block(tokens, residual=residual), trunk + block.mlp(block.ln_2(trunk)))
    flipped = tokens.flip(1)
    trunk = (flipped + block.attn(block.ln_1(flipped))).flip(1)
    expected = trunk + block.mlp(block.ln_2(trunk))
    torch.testing.assert_close(block(tokens, shift=lambda values: values.flip(1)), expected)
