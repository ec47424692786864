import math

import pytest
import torch

from vlplugins.models.layers import RelationalGraphLayer


def make(seed=0, size=5, roles=4, **options):
    torch.manual_seed(seed)
    layer = RelationalGraphLayer(8, roles, heads=2, **options).eval()
    if layer.role_embed is not None:
        with torch.no_grad():
            layer.role_embed.normal_()
    nodes = torch.randn(2, size, 8)
    edges = torch.rand(2, roles, size, size) < 0.3
    mask = torch.ones(2, size, dtype=torch.bool)
    mask[1, -1] = False
    return layer, nodes, edges, mask


def naive(layer, nodes, edges, mask):
    """One node, head and neighbour after the other."""
    size, width = nodes.size(1), 4
    messages = torch.zeros_like(nodes)
    for b in range(len(nodes)):
        q, k, v = layer.query(nodes[b]), layer.key(nodes[b]), layer.value(nodes[b])
        for i in range(size):
            near = [j for j in range(size) if edges[b, :, i, j].any() and mask[b, i] and mask[b, j]]
            for head in range(2):
                part = slice(head * width, (head + 1) * width)
                factors = {}
                for j in near:
                    factors[j] = torch.ones(8)
                    for r in range(edges.size(1)):
                        if edges[b, r, i, j]:
                            factors[j] = factors[j] + layer.role_embed[r]
                scores = [(q[i, part] * k[j, part] * factors[j][part]).sum() / math.sqrt(width) for j in near]
                total = sum(score.exp() for score in scores)
                for j, score in zip(near, scores):
                    messages[b, i, part] += score.exp() / total * v[j, part] * factors[j][part]
    out = layer.norms[0](nodes + layer.output(messages))
    return layer.norms[1](out + layer.ffn(out)) * mask[..., None]


@pytest.mark.parametrize('dense_nodes', [0, 32])
@torch.no_grad()
def test_both_forms_equal_the_naive_loop(dense_nodes):
    layer, nodes, edges, mask = make(dense_nodes=dense_nodes)
    assert torch.allclose(layer(nodes, edges, mask), naive(layer, nodes, edges, mask), atol=1e-5)


def in_blocks(crosses=True, **options):
    """Edges of the same types between the first two nodes and the last three; from one node there are none."""
    layer, nodes, edges, mask = make(**options)
    edges[..., 0, 0] = edges[..., 2, 2] = False
    edges[:, 1, 0, 0] = edges[:, :2, 2, 2] = True
    first = [0, 0, 2, 2, 2]
    edges = edges[..., first, :][..., first]
    edges[1, :, 3] = False
    if not crosses:
        edges[..., :2, 2:] = edges[..., 2:, :2] = False
    return layer, nodes, edges, mask


@pytest.mark.parametrize('crosses', [True, False])
@pytest.mark.parametrize('explains', [True, False])
@torch.no_grad()
def test_blocks_of_nodes_that_look_alike_equal_the_naive_loop(crosses, explains):
    layer, nodes, edges, mask = in_blocks(crosses)
    found = layer(nodes, edges, mask, blocks=(2, 3), return_attention=explains)
    found = found[0] if explains else found
    assert torch.allclose(found, naive(layer, nodes, edges, mask), atol=1e-5)
    with pytest.raises(ValueError, match='4 nodes; expected 5'):
        layer(nodes, edges, mask, blocks=(2, 2))


def test_blocks_have_the_weights_and_gradients_of_single_edges():
    layer, nodes, edges, mask = in_blocks(conditional=True)
    nodes.requires_grad_()
    gradients, weights = [], []
    for blocks, explains in ((None, True), ((2, 3), True), ((2, 3), False)):
        found = layer(nodes, edges, mask, torch.ones(2, 1, 8), explains, blocks)
        found, *rest = found if explains else [found]
        weights += rest
        nodes.grad = None
        layer.zero_grad()
        found.square().sum().backward()
        gradients.append([nodes.grad.clone(), *(each.grad.clone() for each in layer.parameters())])
    torch.testing.assert_close(*weights)
    for other in gradients[1:]:
        torch.testing.assert_close(other, gradients[0], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_largest_edges_are_kept_in_blocks_too():
    layer, nodes, edges, mask = in_blocks(topk=1)
    torch.testing.assert_close(layer(nodes, edges, mask, blocks=(2, 3)), layer(nodes, edges, mask))
    layer.topk = None
    assert not torch.allclose(layer(nodes, edges, mask, blocks=(2, 3)), in_blocks(topk=1)[0](nodes, edges, mask))


@torch.no_grad()
def test_both_forms_agree_on_a_large_graph():
    layer, nodes, edges, mask = make(size=80, roles=6)
    layer.dense_nodes = 0
    by_type = layer(nodes, edges, mask)
    layer.dense_nodes = 100
    assert torch.allclose(by_type, layer(nodes, edges, mask), atol=1e-4)


def test_types_matter_only_where_they_are_asked_to():
    for role_aware in (True, False):
        layer, nodes, edges, mask = make(role_aware=role_aware)
        swapped = edges[:, [1, 0, 2, 3]]
        assert torch.equal(layer(nodes, edges, mask), layer(nodes, swapped, mask)) != role_aware
    assert not any('role' in name for name, _ in layer.named_parameters())


def test_two_types_between_the_same_nodes_add():
    layer, nodes, _, mask = make()
    both = torch.zeros(2, 4, 5, 5, dtype=torch.bool)
    both[:, 0, 0, 1] = both[:, 1, 0, 1] = True
    one = torch.zeros_like(both)
    one[:, 2, 0, 1] = True
    with torch.no_grad():
        layer.role_embed[2] = layer.role_embed[0] + layer.role_embed[1]
        assert torch.allclose(layer(nodes, both, mask), layer(nodes, one, mask), atol=1e-6)


def test_padding_changes_nothing_and_stays_zero():
    layer, nodes, edges, mask = make()
    changed = nodes.clone()
    changed[1, -1] = 100
    found = layer(changed, edges, mask)
    assert torch.equal(found, layer(nodes, edges, mask)) and not found[1, -1].any()


def test_nodes_without_edges_have_no_message_and_finite_gradients():
    layer, nodes, edges, mask = make()
    nodes.requires_grad_()
    found = layer(nodes, torch.zeros_like(edges), mask)
    found.sum().backward()
    assert found.isfinite().all() and nodes.grad.isfinite().all()


@pytest.mark.parametrize('dense_nodes, blocks', [(0, None), (32, None), (32, (2, 3))])
def test_gradients_reach_every_parameter_also_in_half_precision(dense_nodes, blocks):
    layer, nodes, edges, mask = in_blocks(dense_nodes=dense_nodes, roles=3) if blocks else make(dense_nodes=dense_nodes)
    with torch.autocast('cpu', torch.bfloat16):
        found = layer(nodes, edges, mask, blocks=blocks)
    found.square().sum().backward()
    zero = [name for name, p in layer.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # A softmax does not change with a constant: the bias of the keys matters through the types alone.
    assert not zero and found.isfinite().all()


def test_wrong_arguments():
    with pytest.raises(ValueError, match='dim 8 cannot be divided among heads=3'):
        RelationalGraphLayer(8, 2, heads=3)
    layer, nodes, edges, mask = make()
    with pytest.raises(ValueError, match='roles has 3 types for num_roles=4'):
        layer(nodes, edges[:, :3], mask)


@torch.no_grad()
def test_a_condition_changes_what_is_read_and_not_what_stays():
    layer, nodes, edges, mask = make(conditional=True)
    layer.condition.weight.normal_()
    condition = torch.randn(2, 5, 8)
    scale, shift = layer.condition(condition).chunk(2, dim=-1)
    found = layer(nodes, edges, mask, condition)
    read = nodes * (1 + scale.tanh() + shift)
    stay = layer.norms[0].forward
    # The naive loop reads the changed nodes; its sum with them is put right.
    layer.norms[0].forward = lambda total: stay(total - read + nodes)
    assert torch.allclose(found, _naive_with_read(layer, read, edges, mask), atol=1e-5)


def _naive_with_read(layer, read, edges, mask):
    return torch.stack([naive(layer, read, edges, mask)[b] for b in range(len(read))])


@torch.no_grad()
def test_a_graph_starts_almost_blind_to_its_condition():
    layer, nodes, edges, mask = make(conditional=True)
    plain = layer(nodes, edges, mask)
    assert torch.allclose(layer(nodes, edges, mask, torch.zeros(2, 1, 8)), plain, atol=1e-6)
    changed = layer(nodes, edges, mask, torch.randn(2, 1, 8))
    assert not torch.equal(changed, plain) and (changed - plain).abs().max() < 0.5


@pytest.mark.parametrize('dense_nodes', [0, 32])
@torch.no_grad()
def test_topk_keeps_the_largest_edges(dense_nodes):
    layer, nodes, edges, mask = make(size=6, dense_nodes=dense_nodes)
    _, all_edges = layer(nodes, edges, mask, return_attention=True)
    layer.topk = 2
    _, kept = layer(nodes, edges, mask, return_attention=True)
    for before, after in zip(all_edges.flatten(0, 2), kept.flatten(0, 2)):
        count = min(2, int((before > 0).sum()))
        best = set(before.topk(count).indices.tolist()) if count else set()
        assert set(after.nonzero().flatten().tolist()) == best
        assert not count or torch.isclose(after.sum(), torch.tensor(1.0))


@torch.no_grad()
def test_topk_of_more_than_there_are_keeps_all_and_ties_are_broken():
    layer, nodes, edges, mask = make()
    expected = layer(nodes, edges, mask)
    layer.topk = 9
    assert torch.equal(layer(nodes, edges, mask), expected)
    layer.topk = 2
    same = nodes[:, :1].expand_as(nodes)
    everything = torch.ones_like(edges)
    _, kept = layer(same, everything, mask, return_attention=True)
    assert ((kept[0] > 0).sum(dim=-1) == 2).all()


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match='topk 0'):
        make(topk=0)
    layer, nodes, edges, mask = make()
    with pytest.raises(ValueError, match='conditional=True'):
        layer(nodes, edges, mask, nodes)
