import pytest
import torch

from vlplugins.models.layers.token_reduction import TemporalShift, TokenPooling, TokenShift, TokenSparseSampling
from vlplugins.registry import MODELS


def random_tokens(videos=2, frames=6, tokens=9, width=16):
    return torch.randn(videos * frames, 1 + tokens, width, generator=torch.Generator().manual_seed(0))


def test_pooling_is_the_mean_of_each_place():
    tokens = random_tokens()
    pooled = TokenPooling(3)(tokens, 6)
    assert TokenPooling(3).output_shape(6, 9) == (3, 9)
    for video in range(2):
        for segment in range(3):
            first = video * 6 + segment * 2
            torch.testing.assert_close(pooled[video * 3 + segment], (tokens[first] + tokens[first + 1]) / 2)


@pytest.mark.parametrize('centers', [1, 4, 5, 7, 18])
def test_sparse_sampling_in_testing_takes_the_middles(centers):
    tokens = random_tokens()
    layer = TokenSparseSampling(3, centers, record=True).eval()
    outputs = layer(tokens, 6)
    tick = 18 / centers
    expected = [int(tick / 2 + tick * i) for i in range(centers)]
    assert layer.last_medoids.tolist() == [expected] * 6
    for row in range(6):
        frames = tokens[2 * row : 2 * row + 2]
        patches = frames[:, 1:].reshape(18, 16)
        torch.testing.assert_close(outputs[row], torch.cat([frames[:, 0].mean(dim=0)[None], patches[expected]]))


def test_sparse_sampling_in_training_draws_one_of_each_bin_for_the_batch():
    tokens = random_tokens()
    seen = set()
    layer = TokenSparseSampling(3, 4, record=True, generator=torch.Generator().manual_seed(0))
    for _ in range(60):
        layer(tokens, 6)
        kept = layer.last_medoids.view(2, 3, 4)
        assert torch.equal(kept[0], kept[1])
        assert (kept // 4 == torch.arange(4)).all()
        seen.add(tuple(kept[0, 0].tolist()))
    assert len(seen) > 30
    again = TokenSparseSampling(3, 4, generator=torch.Generator().manual_seed(7))
    other = TokenSparseSampling(3, 4, generator=torch.Generator().manual_seed(7))
    assert torch.equal(again(tokens, 6), other(tokens, 6))


def naive_shift(values, fold):
    """``values [B][T]`` of vectors."""
    shifted = values.clone()
    frames = values.size(1)
    for time in range(frames):
        shifted[:, time, ..., :fold] = values[:, time + 1, ..., :fold] if time + 1 < frames else 0
        shifted[:, time, ..., fold : 2 * fold] = values[:, time - 1, ..., fold : 2 * fold] if time > 0 else 0
    return shifted


def test_temporal_shift_moves_patch_tokens_alone():
    tokens = random_tokens()
    shifted = TemporalShift(fold_div=8)(tokens, 6)
    assert torch.equal(shifted[:, 0], tokens[:, 0])
    expected = naive_shift(tokens.view(2, 6, 10, 16), 2).view(12, 10, 16)
    assert torch.equal(shifted[:, 1:], expected[:, 1:])


def test_token_shift_moves_class_tokens_alone():
    tokens = random_tokens()
    shifted = TokenShift(fold_div=4)(tokens, 6)
    assert torch.equal(shifted[:, 1:], tokens[:, 1:])
    assert torch.equal(shifted[:, 0], naive_shift(tokens[:, 0].view(2, 6, 16), 4).view(12, 16))


def test_shifts_keep_the_shape_and_a_video_of_one_frame_gets_zeros():
    for layer in (TemporalShift(), TokenShift()):
        assert layer.keeps_shape and layer.output_shape(6, 9) == (6, 9)
        tokens = random_tokens(frames=1)
        shifted = layer(tokens, 1)
        assert shifted.shape == tokens.shape
        assert torch.equal(shifted[..., 4:], tokens[..., 4:])


@pytest.mark.parametrize(
    'cfg, message',
    [
        (dict(type='TokenPooling', num_segments=4), 'num_segments=4'),
        (dict(type='TokenSparseSampling', num_segments=4, num_centers=2), 'num_segments=4'),
        (dict(type='TokenSparseSampling', num_segments=3, num_centers=19), 'num_centers=19'),
        (dict(type='TokenSparseSampling', num_segments=3, num_centers=0), 'num_centers=0'),
        (dict(type='TokenPooling', num_segments=3, num_frames=12), 'num_frames'),
        (dict(type='TokenPooling', num_segments=3, embed_dims=8), 'channels'),
    ],
)
def test_sizes_that_do_not_fit_are_refused(cfg, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(cfg)(random_tokens(), 6)


def test_wrong_fold_is_refused():
    with pytest.raises(ValueError, match='fold_div'):
        TemporalShift(fold_div=1)


@pytest.mark.parametrize(
    'layer', [TokenPooling(3), TokenSparseSampling(3, 4), TemporalShift(), TokenShift()], ids=lambda x: type(x).__name__
)
def test_half_precision_gradient_and_empty_state(layer):
    tokens = random_tokens().bfloat16().requires_grad_()
    outputs = layer(tokens, 6)
    assert outputs.dtype == torch.bfloat16
    outputs.float().square().sum().backward()
    assert tokens.grad.abs().sum() > 0
    assert not layer.state_dict()
