import pytest
import torch
from torch import nn

from vlplugins.models.layers.token_clustering import TokenClustering
from vlplugins.models.task_modules.kmedoids import KMedoids
from vlplugins.registry import MODELS, TASK_UTILS


def random_tokens(videos=2, frames=6, tokens=16, width=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(videos * frames, 1 + tokens, width, generator=generator)


def naive(tokens, videos, frames, segments, centers, cluster):
    """Segment by segment: the class mean, and the tokens at the medoids of the frames of the segment in a row."""
    per_segment = frames // segments
    rows = []
    for video in range(videos):
        for segment in range(segments):
            begin = video * frames + segment * per_segment
            chosen = tokens[begin : begin + per_segment]
            patches = torch.cat([frame[1:] for frame in chosen])
            _, medoids = cluster(patches[None], centers, per_segment)
            rows.append(torch.stack([chosen[:, 0].mean(dim=0), *patches[medoids[0]]]))
    return torch.stack(rows)


@pytest.mark.parametrize('algorithm', [dict(type='KMedoids'), dict(type='SpectralClustering', knn_k=8)])
@pytest.mark.parametrize('segments, centers', [(3, 5), (1, 20), (6, 16), (2, 48), (2, 1)])
def test_equals_the_loop_over_segments(algorithm, segments, centers):
    tokens = random_tokens()
    layer = TokenClustering(segments, centers, algorithm)
    expected = naive(tokens, 2, 6, segments, centers, TASK_UTILS.build(algorithm))
    assert layer.output_shape(6, 16) == (segments, centers)
    torch.testing.assert_close(layer(tokens, 6), expected)


def test_each_kept_token_is_an_input_token_bit_by_bit():
    tokens = 100 * random_tokens()
    layer = TokenClustering(3, 5, dict(type='KMedoids', pre_norm=True), record=True)
    kept = layer(tokens, 6)[:, 1:]
    patches = tokens[:, 1:].reshape(6, 32, 8)
    for row in range(6):
        for slot, medoid in enumerate(layer.last_medoids[row].tolist()):
            assert torch.equal(kept[row, slot], patches[row, medoid])
    assert (layer.last_medoids.diff(dim=1) > 0).all()
    assert layer.last_assign.shape == (6, 32)


def test_gradient_is_a_selection():
    tokens = random_tokens().requires_grad_()
    layer = TokenClustering(3, 5, record=True)
    layer(tokens, 6)[:, 1:].sum().backward()
    expected = torch.zeros(6, 32)
    expected.scatter_(1, layer.last_medoids, 1.0)
    assert torch.equal(tokens.grad[:, 1:], expected.view(12, 16, 1).expand(-1, -1, 8))


def test_videos_do_not_depend_on_each_other():
    tokens = random_tokens(videos=3)
    layer = TokenClustering(2, 7)
    other = tokens.clone()
    other[6:12] = random_tokens(videos=1, seed=5)
    before, after = layer(tokens, 6).view(3, 2, 8, 8), layer(other, 6).view(3, 2, 8, 8)
    assert torch.equal(before[0], after[0]) and torch.equal(before[2], after[2])
    assert not torch.equal(before[1], after[1])


def test_a_token_repeated_over_the_frames_is_kept_once():
    frame = random_tokens(videos=1, frames=1)
    kept = TokenClustering(1, 16)(frame.repeat(4, 1, 1), 4)
    torch.testing.assert_close(kept, frame)


def test_mean_of_the_members():
    tokens = random_tokens().requires_grad_()
    layer = TokenClustering(3, 5, aggregation='mean', record=True)
    kept = layer(tokens, 6)[:, 1:]
    patches = tokens[:, 1:].reshape(6, 32, 8)
    for row in range(6):
        for slot in range(5):
            members = patches[row][layer.last_assign[row] == slot]
            torch.testing.assert_close(kept[row, slot], members.mean(dim=0))
    kept.sum().backward()
    assert (tokens.grad[:, 1:] > 0).all()


def test_equal_tokens_have_a_finite_mean():
    tokens = torch.ones(4, 17, 8)
    assert TokenClustering(2, 6, aggregation='mean')(tokens, 4).isfinite().all()


def test_cluster_embedding_is_added_by_place():
    tokens = random_tokens()
    plain = TokenClustering(3, 5)(tokens, 6)
    layer = TokenClustering(3, 5, cluster_embedding=True, embed_dims=8)
    result = layer(tokens, 6)
    torch.testing.assert_close(result[:, 1:] - plain[:, 1:], layer.cluster_embedding.expand(6, 5, 8))
    assert torch.equal(result[:, 0], plain[:, 0])
    result.sum().backward()
    assert (layer.cluster_embedding.grad == 6).all()


def test_frame_embedding_is_added_before_clustering():
    tokens = random_tokens()
    layer = TokenClustering(3, 32, frame_embedding=True, embed_dims=8, num_frames=6)
    assert layer.frame_embedding.shape == (2, 1, 8)
    # With as many centres as tokens all go on, in their order.
    added = layer(tokens, 6)[:, 1:].reshape(12, 16, 8) - tokens[:, 1:]
    torch.testing.assert_close(added, layer.frame_embedding.repeat(6, 1, 1).expand(12, 16, 8))
    with torch.no_grad():
        layer.frame_embedding[1] = 1000.0
    few = TokenClustering(3, 2, frame_embedding=True, embed_dims=8, num_frames=6, record=True)
    few.load_state_dict(layer.state_dict())
    few(tokens, 6)
    # The frames are far apart now: one medoid of each.
    assert (few.last_medoids[:, 0] < 16).all() and (few.last_medoids[:, 1] >= 16).all()


def test_adaptive_class_token_starts_at_the_mean():
    tokens = random_tokens()
    layer = TokenClustering(3, 5, adaptive_cls=True, num_frames=6)
    assert layer.class_weights.shape == (1, 6, 1, 1)
    torch.testing.assert_close(layer(tokens, 6), TokenClustering(3, 5)(tokens, 6))
    with torch.no_grad():
        layer.class_weights[0, :, 0, 0] = torch.arange(6.0)
    expected = (tokens[:, 0].view(2, 3, 2, 8) * torch.arange(6.0).view(1, 3, 2, 1)).mean(dim=2).view(6, 8)
    torch.testing.assert_close(layer(tokens, 6)[:, 0], expected)


def test_autocast_gives_the_indices_of_single_precision():
    tokens = random_tokens(tokens=49, width=64)
    layer = TokenClustering(3, 20, record=True)
    layer(tokens, 6)
    expected = layer.last_medoids
    with torch.autocast('cpu', dtype=torch.bfloat16):
        layer(tokens, 6)
    assert torch.equal(layer.last_medoids, expected)
    assert layer(tokens.half(), 6).dtype == torch.half


@pytest.mark.parametrize('value', [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize('algorithm', ['KMedoids', 'SpectralClustering'])
def test_tokens_that_are_not_finite(value, algorithm):
    tokens = random_tokens()
    tokens[3, 5, 2] = value
    layer = TokenClustering(3, 5, dict(type=algorithm))
    outputs = layer(tokens, 6)
    assert outputs[1, 0].isnan().all() and outputs[0].isfinite().all() and outputs[2:].isfinite().all()
    with pytest.raises(ValueError, match=r'segments \[1\] of the batch are not finite'):
        layer.eval()(tokens, 6)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(num_segments=4, num_centers=5), 'num_segments=4'),
        (dict(num_segments=0, num_centers=5), 'num_segments=0'),
        (dict(num_segments=3, num_centers=33), 'num_centers=33'),
        (dict(num_segments=3, num_centers=5, mean_residual=True), 'mean_residual'),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TokenClustering(**options).output_shape(6, 16)
    with pytest.raises(ValueError, match=message):
        TokenClustering(**options)(random_tokens(), 6)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(num_centers=0), 'num_centers'),
        (dict(aggregation='max'), 'aggregation'),
        (dict(cluster_embedding=True), 'embed_dims'),
        (dict(frame_embedding=True, embed_dims=8), 'num_frames'),
        (dict(adaptive_cls=True), 'num_frames'),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TokenClustering(**{**dict(num_segments=3, num_centers=5), **options})


@pytest.mark.parametrize('shape, frames', [((12, 17), 6), ((12, 17, 8), 5), ((12, 17, 8), 0), ((12, 1, 8), 6)])
def test_tokens_of_a_wrong_shape_are_refused(shape, frames):
    with pytest.raises(ValueError, match='tokens'):
        TokenClustering(1, 1)(torch.zeros(shape), frames)


def test_state_of_the_layer_is_empty_and_round_trips():
    assert not TokenClustering(3, 5, dict(type='SpectralClustering', spatial_temporal_graph=True)).state_dict()
    options = dict(cluster_embedding=True, frame_embedding=True, adaptive_cls=True, embed_dims=8, num_frames=6)
    one, other = (TokenClustering(3, 5, **options) for _ in range(2))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(random_tokens(), 6), other(random_tokens(), 6))


def test_serves_any_transformer_over_tokens_of_frames():
    layer = MODELS.build(dict(type='TokenClustering', num_segments=2, num_centers=4))
    block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert block(layer(block(random_tokens()), 6)).shape == (4, 5, 8)
    assert isinstance(layer.algorithm, KMedoids)
