import pytest
import torch

from vlplugins.models.layers import DilatedContextStream


def stream(**options):
    torch.manual_seed(0)
    return DilatedContextStream(8, **options).eval()


def extents(module, length=63):
    """How many places of each context change when the middle one does."""
    x = torch.randn(1, length, 8)
    other = x.clone()
    other[0, length // 2] += 1
    mask = torch.ones(1, length, dtype=torch.bool)
    with torch.no_grad():
        pairs = zip(module(x, mask), module(other, mask))
        return [int(((one - two).abs() > 1e-7).any(dim=2).sum()) for one, two in pairs]


@pytest.mark.parametrize('operator', ['conv', 'attention'])
def test_contexts_grow_as_the_stacked_dilations_say(operator):
    # Attention and convolution reach as far: 1 + 2 * (1 + 2 + 4 + 8), though at a dilation places are left out.
    assert extents(stream(operator=operator)) == [3, 7, 15, 31]


def test_parallel_contexts_and_single_granularity():
    x, mask = torch.randn(1, 33, 8), torch.ones(1, 33, dtype=torch.bool)
    other = x.clone()
    other[0, 16] += 1
    one, two = (stream(parallel=True)(each, mask) for each in (x, other))
    changed = [((a - b).abs() > 1e-7).any(dim=2)[0].nonzero()[:, 0] for a, b in zip(one, two)]
    # Three places each, 3, 5, 9 and 17 apart from end to end.
    assert [int(each.max() - each.min() + 1) for each in changed] == [3, 5, 9, 17]
    assert extents(stream(dilations=(1, 1, 1, 1))) == [3, 5, 7, 9]


def with_biases_of_1(module):
    for name, parameter in module.named_parameters():
        if name.endswith('bias'):
            torch.nn.init.ones_(parameter)
    return module


@pytest.mark.parametrize('operator', ['conv', 'attention'])
def test_padded_places_do_not_leak_back(operator):
    module = with_biases_of_1(stream(operator=operator))
    x = torch.randn(1, 9, 8)
    alone = module(x, torch.ones(1, 9, dtype=torch.bool))
    padded = torch.cat([x, torch.full((1, 99, 8), 7.0)], dim=1)
    mask = torch.arange(108)[None] < 9
    for one, other in zip(alone, module(padded, mask)):
        torch.testing.assert_close(other[:, :9], one, atol=1e-5, rtol=1e-5)
        assert not other[:, 9:].any()


def test_convolution_equals_a_loop():
    module = stream(dilations=(2,))
    x, mask = torch.randn(1, 6, 8), torch.tensor([[True] * 5 + [False]])
    (found,) = module(x, mask)
    conv, norm = module.operators[0].conv, module.norms[0]
    for place in range(5):
        total = conv.bias.clone()
        for tap, offset in enumerate((-2, 0, 2)):
            if 0 <= place + offset < 5:
                total = total + conv.weight[:, :, tap] @ x[0, place + offset]
        expected = norm(x[0, place] + torch.nn.functional.gelu(total))
        torch.testing.assert_close(found[0, place], expected, atol=1e-5, rtol=1e-4)


def test_attention_equals_a_loop():
    module = stream(dilations=(2,), operator='attention', num_heads=2, span=2)
    torch.nn.init.normal_(module.operators[0].bias)
    x, mask = torch.randn(1, 7, 8), torch.tensor([[True] * 6 + [False]])
    (found,) = module(x, mask)
    attention = module.operators[0]
    query, key, value = attention.in_proj(x[0]).chunk(3, dim=1)
    for place in range(6):
        heads = []
        for head, part in enumerate((slice(0, 4), slice(4, 8))):
            offsets = [o for o in range(-2, 3) if 0 <= place + 2 * o < 6]
            logits = torch.stack(
                [query[place, part] @ key[place + 2 * o, part] / 2 + attention.bias[head, o + 2] for o in offsets]
            )
            weights = logits.softmax(dim=0)
            heads.append(sum(w * value[place + 2 * o, part] for w, o in zip(weights, offsets)))
        new = torch.nn.functional.gelu(attention.out_proj(torch.cat(heads)))
        torch.testing.assert_close(found[0, place], module.norms[0](x[0, place] + new), atol=1e-5, rtol=1e-4)


def test_arguments_are_checked():
    for options in (dict(operator='pool'), dict(kernel_size=4), dict(dilations=())):
        with pytest.raises(ValueError, match='unknown|odd'):
            DilatedContextStream(8, **options)
    with pytest.raises(ValueError, match='channels 10 cannot be divided among num_heads 4'):
        DilatedContextStream(10, operator='attention')
