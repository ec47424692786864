import pytest
import torch
from torch import nn

from vlplugins.registry import MODELS

SMALL = dict(type='CLIPTextTransformer', vocab_size=60, context_length=12, width=32, layers=3, heads=4, out_dim=24)


def build(**options):
    torch.manual_seed(0)
    return MODELS.build({**SMALL, **options})


def texts(length=10):
    ids = torch.randint(1, 58, (4, length), generator=torch.Generator().manual_seed(0))
    for row, end in enumerate((2, 5, 8, length - 1)):
        ids[row, 0], ids[row, end], ids[row, end + 1 :] = 58, 59, 0
    return ids


def plain_forward(state, ids, heads=4):
    """CLIP's text tower from its description, with PyTorch's own layers."""
    x = state['token_embedding.weight'][ids] + state['positional_embedding'][: ids.size(1)]
    hidden = torch.full((ids.size(1),) * 2, -torch.inf).triu(1)
    for index in range(3):
        block = {
            key.split('.', 3)[3]: value
            for key, value in state.items()
            if key.startswith(f'transformer.resblocks.{index}.')
        }
        attention = nn.MultiheadAttention(32, heads)
        attention.load_state_dict({key[5:]: value for key, value in block.items() if key.startswith('attn.')})
        y = nn.functional.layer_norm(x, (32,), block['ln_1.weight'], block['ln_1.bias']).transpose(0, 1)
        x = x + attention(y, y, y, attn_mask=hidden)[0].transpose(0, 1)
        y = nn.functional.layer_norm(x, (32,), block['ln_2.weight'], block['ln_2.bias'])
        y = y @ block['mlp.c_fc.weight'].T + block['mlp.c_fc.bias']
        y = y * torch.sigmoid(1.702 * y)
        x = x + y @ block['mlp.c_proj.weight'].T + block['mlp.c_proj.bias']
    x = nn.functional.layer_norm(x, (32,), state['ln_final.weight'], state['ln_final.bias'])
    return x @ state['text_projection']


def test_equals_a_plain_clip_of_the_same_state():
    model, ids = build(), texts()
    for norm in (model.ln_final, model.transformer.resblocks[0].ln_1):
        nn.init.normal_(norm.weight)
    expected = plain_forward(model.state_dict(), ids)
    at_end = torch.stack([row[int(end)] for row, end in zip(expected, (2, 5, 8, 9))])
    torch.testing.assert_close(model(ids), at_end, rtol=1e-4, atol=1e-5)
    features, tokens = MODELS.build({**SMALL, 'return_tokens': True}), None
    features.load_state_dict(model.state_dict())
    features, tokens = features(ids)
    torch.testing.assert_close(tokens, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(features, at_end, rtol=1e-4, atol=1e-5)


def test_what_follows_the_end_token_has_no_effect():
    model, ids = build(), texts()
    longer = torch.cat([ids, torch.zeros(4, 2, dtype=torch.long)], dim=1)
    torch.testing.assert_close(model(longer), model(ids), rtol=1e-4, atol=1e-5)
    changed = ids.clone()
    changed[0, 7] = 5
    torch.testing.assert_close(model(changed)[0], model(ids)[0])


def test_too_long_texts_are_refused():
    with pytest.raises(ValueError, match='at most 12'):
        build()(torch.ones(2, 13, dtype=torch.long))
    with pytest.raises(ValueError, match='text_ids'):
        build()(torch.ones(5, dtype=torch.long))


def test_frozen_layers():
    def trainable(count):
        return {name for name, parameter in build(frozen_layers=count).named_parameters() if parameter.requires_grad}

    everything = trainable(-1)
    assert everything - trainable(0) == {'token_embedding.weight', 'positional_embedding'}
    assert {name.split('.')[2] for name in trainable(2) if name.startswith('transformer')} == {'2'}
    assert {'text_projection', 'ln_final.weight', 'ln_final.bias'} <= trainable(3)
    with pytest.raises(ValueError, match='frozen_layers'):
        build(frozen_layers=4)


def test_every_parameter_has_a_gradient_and_half_precision_works():
    model = build()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        outputs = model(texts(12))
    outputs.float().square().sum().backward()
    assert not [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0]


def test_spread_at_the_start():
    model = build(vocab_size=500)
    assert model.token_embedding.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert model.positional_embedding.std().item() == pytest.approx(0.01, rel=0.2)
    assert model.text_projection.std().item() == pytest.approx(32**-0.5, rel=0.1)
