import pytest
import torch
from torch import nn

from vlplugins.models.layers.token_clustering import TokenClustering
from vlplugins.registry import MODELS

SMALL = dict(type='CLIPVisionTransformer', img_size=32, patch_size=8, width=32, layers=4, heads=4, out_dim=24)
CLUSTER = dict(type='TokenClustering', after_block=2, num_segments=3, num_centers=5)


def build(**options):
    torch.manual_seed(0)
    return MODELS.build({**SMALL, 'num_frames': 6, **options})


def videos(frames=6, batch=2, seed=0):
    return torch.randn(batch, frames, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


class PlainBlock(nn.Module):
    """Written from the description of CLIP, with PyTorch's own attention."""

    def __init__(self, width, heads):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict(dict(c_fc=nn.Linear(width, 4 * width), c_proj=nn.Linear(4 * width, width)))

    def forward(self, x, mask=None, residual=None):
        y = self.ln_1(x).transpose(0, 1)
        x = (x if residual is None else residual) + self.attn(y, y, y, attn_mask=mask)[0].transpose(0, 1)
        y = self.mlp['c_fc'](self.ln_2(x))
        return x + self.mlp['c_proj'](y * torch.sigmoid(1.702 * y))


class PlainVision(nn.Module):
    def __init__(self, width=32, patch=8, grid=4, layers=4, heads=4, out=24):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros(grid * grid + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList(PlainBlock(width, heads) for _ in range(layers))
        self.proj = nn.Parameter(torch.zeros(width, out))

    def embed(self, frames):
        patches = self.conv1(frames).flatten(2).permute(0, 2, 1)
        classes = self.class_embedding[None, None].repeat(len(frames), 1, 1)
        return self.ln_pre(torch.cat([classes, patches], dim=1) + self.positional_embedding)

    def forward(self, frames, reduce=lambda index, x: x):
        x = self.embed(frames)
        for index, block in enumerate(self.transformer.resblocks):
            x = block(reduce(index, x))
        return self.ln_post(x) @ self.proj


def plain_of(model):
    plain = PlainVision()
    plain.load_state_dict({key: value for key, value in model.state_dict().items() if 'token_reducers' not in key})
    return plain


def close(one, other):
    # Two orders of summation over four blocks.
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_equals_a_plain_clip_of_the_same_state():
    model = build()
    nn.init.normal_(model.transformer.resblocks[1].attn.in_proj_bias)
    expected = plain_of(model)(videos().flatten(0, 1)).view(2, 6, 17, 24)
    close(model(videos()), expected[:, :, 0])
    features, tokens = MODELS.build({**SMALL, 'return_tokens': True}), None
    features.load_state_dict(model.state_dict())
    features, tokens = features(videos())
    close(tokens, expected)
    assert torch.equal(features, tokens[:, :, 0])


def test_an_image_is_a_video_of_one_frame():
    model = build()
    torch.testing.assert_close(model(videos()[:, 0]), model(videos())[:, :1], rtol=1e-4, atol=1e-5)


def test_reducer_stands_between_two_blocks():
    model = build(token_reducers=[CLUSTER])
    layer = TokenClustering(3, 5)
    expected = plain_of(model)(videos().flatten(0, 1), lambda index, x: layer(x, 6) if index == 2 else x)
    close(model(videos()), expected[:, 0].view(2, 3, 24))
    assert (model.num_segments, model.frames_per_segment) == (3, 2)
    assert build().frames_per_segment == 1


def count_tokens(model, imgs):
    shapes = []
    for block in model.transformer.resblocks:
        block.ln_1.register_forward_pre_hook(lambda module, args: shapes.append(tuple(args[0].shape[:2])))
    model(imgs)
    return shapes


@pytest.mark.parametrize('after_block', range(4))
def test_tokens_of_each_block(after_block):
    model = build(token_reducers=[dict(CLUSTER, after_block=after_block)])
    expected = [(12, 17)] * after_block + [(6, 6)] * (4 - after_block)
    assert count_tokens(model, videos()) == expected


def test_several_reducers_in_depth():
    reducers = [dict(CLUSTER, after_block=1), dict(CLUSTER, after_block=3, num_segments=1, num_centers=7)]
    model = build(token_reducers=reducers)
    assert count_tokens(model, videos()) == [(12, 17), (6, 6), (6, 6), (2, 8)]
    assert (model.num_segments, model.frames_per_segment) == (1, 6)


def test_residual_is_short_already_or_the_mean_of_the_frames():
    reducer = dict(CLUSTER, num_centers=16, mean_residual=True)
    model = build(token_reducers=[reducer])
    plain, layer = plain_of(model), TokenClustering(3, 16)
    x = plain.embed(videos().flatten(0, 1))
    for block in plain.transformer.resblocks[:2]:
        x = block(x)
    residual = x.view(6, 2, 17, 32).mean(dim=1)
    x = plain.transformer.resblocks[2](layer(x, 6), residual=residual)
    x = plain.transformer.resblocks[3](x)
    close(model(videos()), (plain.ln_post(x) @ plain.proj)[:, 0].view(2, 3, 24))


def test_token_shift_acts_twice_in_every_block():
    model = build(token_reducers=[dict(type='TokenShift', every_block=True, fold_div=4)])
    calls = []
    model.token_reducers[0].register_forward_hook(lambda *args: calls.append(1))
    outputs = model(videos())
    assert len(calls) == 8 and outputs.shape == (2, 6, 24)
    assert not torch.allclose(outputs, build()(videos()))
    # A video of equal frames is shifted only at its ends.
    still = videos(1).expand(-1, 6, -1, -1, -1)
    inner = build(layers=1, token_reducers=[dict(type='TokenShift', every_block=True)])(still)[:, 2:4]
    torch.testing.assert_close(inner, build(layers=1)(still)[:, 2:4], rtol=1e-4, atol=1e-5)


def test_every_block_follows_a_reduction():
    reducers = [dict(type='TokenShift', every_block=True), CLUSTER]
    assert build(token_reducers=reducers)(videos()).shape == (2, 3, 24)


@pytest.mark.parametrize(
    'reducer',
    [
        dict(type='TokenPooling', after_block=1, num_segments=3),
        dict(type='TokenSparseSampling', after_block=1, num_segments=3, num_centers=7),
        dict(type='TemporalShift', after_block=1),
        dict(CLUSTER, algorithm=dict(type='SpectralClustering', knn_k=6)),
        dict(CLUSTER, cluster_embedding=True, frame_embedding=True, adaptive_cls=True, aggregation='mean'),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_every_parameter_has_a_gradient(reducer):
    model = build(token_reducers=[reducer])
    outputs = model(videos())
    assert outputs.shape == (2, model.num_segments, 24)
    outputs.square().sum().backward()
    without = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert not without


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(token_reducers=[dict(CLUSTER, num_segments=4)]), 'num_segments=4'),
        (dict(token_reducers=[dict(CLUSTER, num_centers=33)]), 'num_centers=33'),
        (dict(token_reducers=[dict(CLUSTER, after_block=4)]), 'after_block=4'),
        (dict(token_reducers=[dict(CLUSTER, after_block=-1)]), 'after_block=-1'),
        (dict(token_reducers=[CLUSTER, dict(CLUSTER, num_segments=1)]), 'after_block=2'),
        (dict(token_reducers=[CLUSTER, dict(CLUSTER, after_block=3, num_segments=2)]), 'num_segments=2'),
        (dict(token_reducers=[CLUSTER, dict(CLUSTER, after_block=3, num_centers=6)]), 'num_centers=6'),
        (dict(token_reducers=[dict(CLUSTER, after_block=None)]), 'after_block'),
        (dict(token_reducers=[dict(CLUSTER, every_block=True)]), 'every_block'),
        (dict(token_reducers=[dict(CLUSTER, after_block=None, every_block=True)]), 'keeps the shape'),
        (dict(img_size=30), 'patch_size'),
        (dict(linear_patch='4d'), 'linear_patch'),
        (dict(frozen_layers=5), 'frozen_layers'),
        (dict(heads=5), 'heads'),
        (dict(input_format='NHWC'), 'input_format'),
    ],
)
def test_wrong_options_fail_at_build(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


@pytest.mark.parametrize('shape', [(2, 6, 3, 24, 32), (2, 6, 1, 32, 32), (6, 32, 32)])
def test_wrong_images_are_refused(shape):
    with pytest.raises(ValueError, match='imgs'):
        build()(torch.zeros(shape))


def test_other_numbers_of_frames_are_refused_only_where_tokens_are_reduced():
    assert build()(videos(4)).shape == (2, 4, 24)
    with pytest.raises(ValueError, match='num_frames=6'):
        build(token_reducers=[CLUSTER])(videos(4))


def test_3d_patches_start_equal_to_2d():
    flat, deep = build(), build(linear_patch='3d', token_reducers=[CLUSTER])
    deep.load_state_dict(flat.state_dict())
    expected = build(token_reducers=[CLUSTER])
    expected.load_state_dict(flat.state_dict())
    close(deep(videos()), expected(videos()))
    fresh = build(linear_patch='3d').conv1.weight
    assert fresh.shape == (32, 3, 3, 8, 8)
    assert (fresh[:, :, [0, 2]] == 0).all() and (fresh[:, :, 1] != 0).any()
    with torch.no_grad():
        deep.conv1.weight[:, :, 2] = 1.0
    assert not torch.allclose(deep(videos()), expected(videos()))


def test_frozen_layers():
    def trainable(count):
        return {name for name, parameter in build(frozen_layers=count).named_parameters() if parameter.requires_grad}

    everything, stem = trainable(-1), {'conv1.weight', 'class_embedding', 'positional_embedding'}
    stem |= {'ln_pre.weight', 'ln_pre.bias'}
    assert everything == {name for name, _ in build().named_parameters()}
    assert everything - trainable(0) == stem
    left = trainable(2)
    assert {name.split('.')[2] for name in left if name.startswith('transformer')} == {'2', '3'}
    assert {'proj', 'ln_post.weight', 'ln_post.bias'} <= trainable(4)


def test_spread_at_the_start():
    model = build(width=512, heads=8, pos_init_std=0.1)
    assert model.positional_embedding.std().item() == pytest.approx(0.1 * 512**-0.5, rel=0.05)
    assert model.proj.std().item() == pytest.approx(512**-0.5, rel=0.05)
    assert model.class_embedding.std().item() == pytest.approx(512**-0.5, rel=0.15)


def test_checkpoint_fits_whatever_reducers_there_are():
    state = build(token_reducers=[CLUSTER]).state_dict()
    for reducers in ([], [dict(CLUSTER, algorithm=dict(type='SpectralClustering', spatial_temporal_graph=True))]):
        build(token_reducers=reducers).load_state_dict(state, strict=True)


def test_cluster_embedding_starts_from_the_positions():
    reducer = dict(CLUSTER, cluster_embedding=True)
    model = build(token_reducers=[reducer])
    layer = model.token_reducers[0]
    assert torch.equal(layer.cluster_embedding, model.positional_embedding[1:6])
    plain = build(pos_init_std=3.0)
    model.load_state_dict(plain.state_dict(), strict=True)
    assert torch.equal(layer.cluster_embedding, plain.positional_embedding[1:6])
    with torch.no_grad():
        layer.cluster_embedding.zero_()
    model.load_state_dict(model.state_dict(), strict=True)
    assert (layer.cluster_embedding == 0).all()
    many = build(token_reducers=[dict(reducer, num_centers=20)])
    assert many.token_reducers[0].cluster_embedding.std().item() == pytest.approx(32**-0.5, rel=0.2)


def test_as_many_segments_and_centres_as_there_are_is_the_identity():
    plain, model = build(), build(token_reducers=[dict(CLUSTER, num_segments=6, num_centers=16)])
    close(model(videos()), plain(videos()))


def test_recomputation_and_half_precision():
    plain = build(token_reducers=[CLUSTER])
    saving = build(token_reducers=[CLUSTER], with_cp=True)
    for model in (plain, saving):
        model(videos()).square().sum().backward()
    for one, other in zip(plain.parameters(), saving.parameters()):
        torch.testing.assert_close(one.grad, other.grad)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        outputs = plain(videos())
    outputs.float().sum().backward()
    assert outputs.isfinite().all()
    assert plain.bfloat16()(videos().bfloat16()).dtype == torch.bfloat16


def test_compiles_with_the_clustering_left_out_of_the_graph():
    model = build(layers=2, token_reducers=[dict(CLUSTER, after_block=1)])
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    graphs = []

    def backend(graph, inputs):
        graphs.append(str(graph.graph))
        return graph.forward

    torch.testing.assert_close(torch.compile(model, backend=backend)(videos()), model(videos()))
    assert sum(graph.count('scaled_dot_product_attention') for graph in graphs) == 2
    assert not any('argmin' in graph for graph in graphs)
    reasons = list(torch._dynamo.utils.counters['graph_break'])
    assert reasons and all('TokenClustering._cluster' in reason for reason in reasons)


def test_planted_patches_are_kept_without_training():
    """One coloured patch in grey frames, tokens clustered before any attention: the odd token survives."""
    generator = torch.Generator().manual_seed(0)
    texture = 0.5 + 0.05 * torch.randn(20, 1, 1, 32, 32, generator=generator)
    imgs = texture + 0.02 * torch.randn(20, 6, 3, 32, 32, generator=generator)
    cells = torch.randint(0, 32, (20, 3), generator=generator)
    for video in range(20):
        for segment, cell in enumerate(cells[video].tolist()):
            frame, row, column = 2 * segment + cell // 16, cell % 16 // 4 * 8, cell % 4 * 8
            color = 2.5 * torch.randn(3, 1, 1, generator=generator).sign()
            imgs[video, frame, :, row : row + 8, column : column + 8] = color

    def share_kept(reducer):
        options = dict(after_block=0, num_segments=3, num_centers=8, record=True)
        model = build(width=64, pos_init_std=0.1, token_reducers=[dict(reducer, **options)]).eval()
        with torch.no_grad():
            model(imgs)
        kept = model.token_reducers[0].last_medoids
        return (kept == cells.view(60, 1)).any(dim=1).float().mean().item()

    clustered, sampled = share_kept(dict(type='TokenClustering')), share_kept(dict(type='TokenSparseSampling'))
    assert clustered >= 0.75 and clustered >= 2 * sampled


def test_channels_may_come_before_frames():
    model, other = build(token_reducers=[CLUSTER]), build(token_reducers=[CLUSTER], input_format='NCTHW')
    torch.testing.assert_close(other(videos().transpose(1, 2)), model(videos()))
