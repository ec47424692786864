import pickle
import re

import pytest
import torch
from torch import nn

from tools.model_converters import clip_to_vlplugins as converter
from vlplugins.registry import MODELS

VISION = dict(type='CLIPVisionTransformer', img_size=32, patch_size=8, width=128, layers=2, heads=2, out_dim=24)
TEXT = dict(type='CLIPTextTransformer', vocab_size=50, context_length=10, width=64, layers=3, heads=1, out_dim=24)
MODEL = dict(type='TextVideoRetriever', video_encoder=VISION, text_encoder=TEXT)
SHORT = dict(type='TokenClustering', after_block=1, num_segments=2, num_centers=5, cluster_embedding=True)


def build(**options):
    torch.manual_seed(0)
    model = MODELS.build({**MODEL, **options})
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    return model


def openai_state(model):
    """OpenAI's names, written down from its layout."""
    state = {}
    for key, tensor in model.state_dict().items():
        key = key.replace('video_encoder.', 'visual.').replace('text_encoder.', '').replace('head.logit', 'logit')
        state[key] = tensor.clone()
    return state


def transformers_state(model):
    """Names of transformers' ``CLIPModel``, written down from its layout."""
    names = {
        'visual.class_embedding': 'vision_model.embeddings.class_embedding',
        'visual.conv1.weight': 'vision_model.embeddings.patch_embedding.weight',
        'visual.positional_embedding': 'vision_model.embeddings.position_embedding.weight',
        'token_embedding.weight': 'text_model.embeddings.token_embedding.weight',
        'positional_embedding': 'text_model.embeddings.position_embedding.weight',
        'logit_scale': 'logit_scale',
    }
    state = {'text_model.embeddings.position_ids': torch.arange(10)}
    for key, tensor in openai_state(model).items():
        if key in ('visual.proj', 'text_projection'):
            state[dict(v='visual_projection.weight', t='text_projection.weight')[key[0]]] = tensor.T.clone()
        elif key in names:
            state[names[key]] = tensor
        elif 'resblocks' in key:
            side = 'vision_model' if key.startswith('visual') else 'text_model'
            index, rest = re.search(r'resblocks\.(\d+)\.(.+)', key).groups()
            base = f'{side}.encoder.layers.{index}'
            if rest.startswith('attn.in_proj'):
                for letter, part in zip('qkv', tensor.chunk(3)):
                    state[f'{base}.self_attn.{letter}_proj.{rest.rpartition("_")[2]}'] = part.clone()
            else:
                for old, new in (
                    ('ln_1', 'layer_norm1'),
                    ('ln_2', 'layer_norm2'),
                    ('attn.out_proj', 'self_attn.out_proj'),
                    ('mlp.c_fc', 'mlp.fc1'),
                    ('mlp.c_proj', 'mlp.fc2'),
                ):
                    rest = rest.replace(old, new)
                state[f'{base}.{rest}'] = tensor
        else:
            for old, new in (
                ('visual.ln_pre', 'vision_model.pre_layrnorm'),
                ('visual.ln_post', 'vision_model.post_layernorm'),
                ('ln_final', 'text_model.final_layer_norm'),
            ):
                key = key.replace(old, new)
            state[key] = tensor
    return state


def release_state(model):
    state = {f'module.clip.{key}': tensor for key, tensor in openai_state(model).items() if 'reducers' not in key}
    state['module.clip.visual.position_ids'] = torch.arange(17)[None]
    state['module.clip.visual.transformer.resblocks.1.tokencluster_inter.spg'] = torch.ones(4, 4)
    return state


def convert(tmp_path, state, *options):
    source, out = tmp_path / 'source.pt', tmp_path / 'out.pth'
    torch.save(state, source)
    converter.main([str(source), str(out), *options])
    return torch.load(out)


def same_outputs(state, model, config=None):
    loaded = MODELS.build(config or MODEL)
    loaded.load_state_dict(state, strict=True)
    imgs, ids = torch.randn(2, 4, 3, 32, 32), torch.randint(1, 50, (2, 8))
    for one, other in zip(loaded(dict(imgs=imgs, text_ids=ids)), model(dict(imgs=imgs, text_ids=ids))):
        assert torch.equal(one, other)
    assert torch.equal(loaded.head.logit_scale, model.head.logit_scale)


@pytest.mark.parametrize('make', [openai_state, transformers_state, release_state])
def test_each_layout_gives_the_model(tmp_path, make):
    model = build()
    state = make(model)
    saved = convert(tmp_path, dict(state_dict=state, epoch=3) if make is release_state else state)
    same_outputs(saved['state_dict'], model)
    assert saved['meta']['model']['video_encoder'] == VISION and saved['meta']['model']['text_encoder'] == TEXT


def test_a_torchscript_archive_in_half_precision(tmp_path, capsys):
    class Holder(nn.Module):
        def forward(self, values):
            return values

    model, root = build(), Holder()
    extra = dict(input_resolution=torch.tensor(32), context_length=torch.tensor(10), vocab_size=torch.tensor(50))
    for key, tensor in {**openai_state(model), **extra}.items():
        *path, name = key.split('.')
        owner = root
        for part in path:
            if not hasattr(owner, part):
                owner.add_module(part, Holder())
            owner = getattr(owner, part)
        owner.register_buffer(name, tensor.half() if tensor.is_floating_point() else tensor)
    source, out = tmp_path / 'ViT.pt', tmp_path / 'out.pth'
    torch.jit.trace(root, torch.ones(1)).save(str(source))
    converter.main([str(source), str(out)])
    state = torch.load(out)['state_dict']
    assert all(tensor.dtype == torch.float for tensor in state.values())
    same_outputs(state, model.half().float())
    assert '3 keys have no use' in capsys.readouterr().out


def test_round_trip_to_openai(tmp_path):
    model = build()
    expected = openai_state(model)
    ours = convert(tmp_path, expected)
    back = convert(tmp_path, ours, '--to-openai')
    assert back.keys() == expected.keys()
    assert all(torch.equal(back[key], expected[key]) for key in expected)


def test_cluster_embeddings_of_a_release(tmp_path):
    config = dict(MODEL, video_encoder=dict(VISION, num_frames=4, token_reducers=[SHORT]))
    model = build(video_encoder=config['video_encoder'])
    state = release_state(model)
    key = 'module.clip.visual.transformer.resblocks.1.tokencluster_inter.cluster_embed'
    state[key] = model.video_encoder.token_reducers[0].cluster_embedding.data.clone()
    same_outputs(convert(tmp_path, state)['state_dict'], model, config)


def test_similarity_transformer_of_a_release_and_from_the_text_tower(tmp_path):
    head = dict(type='MeanPoolSimilarityHead', temporal='transformer', embed_dims=64, temporal_layers=2)
    head.update(temporal_heads=1, max_segments=10)
    vision, text = dict(VISION, out_dim=64), dict(TEXT, out_dim=64)
    options = dict(video_encoder=vision, text_encoder=text, head=head)
    model = build(**options)
    plain = {key: tensor for key, tensor in openai_state(model).items() if not key.startswith('head.')}
    state = {f'clip.{key}': tensor for key, tensor in plain.items()}
    for key, tensor in model.head.state_dict().items():
        if key != 'logit_scale':
            name = key.replace('positional_embedding', 'frame_position_embeddings.weight')
            state[name.replace('transformer.', 'transformerClip.')] = tensor
    saved = convert(tmp_path, state)
    same_outputs(saved['state_dict'], model, dict(MODEL, **options))
    assert saved['meta']['model']['head'] == head
    started = convert(tmp_path, plain, '--temporal-layers', '2')['state_dict']
    MODELS.build(dict(MODEL, **options)).load_state_dict(started, strict=True)
    first = 'transformer.resblocks.1.attn.in_proj_weight'
    assert torch.equal(started[f'head.{first}'], started[f'text_encoder.{first}'])


def test_3d_patches_of_a_release(tmp_path):
    model = build(video_encoder=dict(VISION, linear_patch='3d'))
    state = release_state(model)
    state['module.clip.visual.conv2.weight'] = state.pop('module.clip.visual.conv1.weight')
    state['module.clip.visual.conv1.weight'] = torch.zeros(128, 3, 8, 8)
    saved = convert(tmp_path, state)
    same_outputs(saved['state_dict'], model, dict(MODEL, video_encoder=dict(VISION, linear_patch='3d')))


def test_positions_are_interpolated(tmp_path, capsys):
    model = build()
    rows = torch.arange(4.0).repeat_interleave(4)
    with torch.no_grad():
        model.video_encoder.positional_embedding[1:, 0] = rows
    state = convert(tmp_path, openai_state(model), '--img-size', '64')['state_dict']
    positions = state['video_encoder.positional_embedding']
    assert positions.shape == (65, 128)
    assert torch.equal(positions[0], model.video_encoder.positional_embedding[0])
    ramp = positions[1:, 0].view(8, 8)
    # Row 3 lies a quarter behind row 1 of the four: weights -0.105469, 0.878906, 0.261719, -0.035156.
    torch.testing.assert_close(ramp[3:5, 2], torch.tensor([1.296875, 1.703125]))
    torch.testing.assert_close(ramp, ramp[:, :1].expand(8, 8))
    MODELS.build(dict(MODEL, video_encoder=dict(VISION, img_size=64))).load_state_dict(state, strict=True)
    assert 'interpolated from 32 to 64' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        convert(tmp_path, openai_state(model), '--img-size', '60')
    assert 'multiple' in capsys.readouterr().err


def fails(tmp_path, capsys, state, *options):
    out = tmp_path / 'out.pth'
    with pytest.raises(SystemExit):
        convert(tmp_path, state, *options)
    assert not out.exists()
    return capsys.readouterr().err


def test_unknown_and_missing_keys_stop_the_conversion(tmp_path, capsys):
    state = openai_state(build())
    error = fails(tmp_path, capsys, {**state, 'visual.layer1.0.conv1.weight': torch.ones(2)})
    assert 'visual.layer1.0.conv1.weight' in error and '1 of' in error
    less = {key: tensor for key, tensor in state.items() if key != 'transformer.resblocks.1.ln_2.bias'}
    assert 'text_encoder.transformer.resblocks.1.ln_2.bias' in fails(tmp_path, capsys, less)
    wrong = {**state, 'visual.ln_pre.weight': torch.ones(3)}
    assert 'video_encoder.ln_pre.weight (128,), found (3,)' in fails(tmp_path, capsys, wrong)
    less = {key: tensor for key, tensor in state.items() if key != 'visual.proj'}
    assert 'video_encoder.proj is missing' in fails(tmp_path, capsys, less)
    assert 'no tensors' in fails(tmp_path, capsys, dict(a=1))


def test_a_layout_for_the_other_direction_is_refused(tmp_path, capsys):
    model = build()
    assert '--to-openai' in fails(tmp_path, capsys, openai_state(model), '--to-openai')
    assert '--to-openai' in fails(tmp_path, capsys, model.state_dict())


def test_a_pickle_that_would_run_code_is_refused(tmp_path, capsys):
    source = tmp_path / 'source.pt'
    source.write_bytes(pickle.dumps(print, protocol=2))
    with pytest.raises(SystemExit):
        converter.main([str(source), str(tmp_path / 'out.pth')])
    assert str(source) in capsys.readouterr().err
