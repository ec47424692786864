import math

import pytest
import torch
from mmengine.registry import init_default_scope

pytest.importorskip('mmdet')

from vlplugins.models.heads.target_decoder import RoITargetEncoder, TargetDecoder  # noqa: E402
from vlplugins.models.heads.target_transformer import TargetTransformer  # noqa: E402

STRIDES = (8, 16, 32, 64)
SMALL = dict(dim=8, num_iterations=3, pool_size=2, heads=2, feedforward=16, dropout=0.0)


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')
    torch.manual_seed(0)


def pyramid(batch=2, size=128):
    return [torch.randn(batch, 8, size // stride, size // stride) for stride in STRIDES]


def some_boxes(batch=2, count=3):
    corner = 60 * torch.rand(batch, count, 2)
    return torch.cat([corner, corner + 10 + 50 * torch.rand(batch, count, 2)], dim=-1)


def silent(model):
    return [name for name, each in model.named_parameters() if each.grad is None or not each.grad.any()]


@pytest.mark.parametrize('options', [dict(), dict(attention='cross'), dict(self_attention=False), dict(query_pos=True)])
def test_each_iteration_has_boxes_and_all_parameters_learn(options):
    model = TargetTransformer(**SMALL, output_score=True, **options)
    found = model(pyramid(), torch.randn(2, 3, 8), some_boxes(), level=1)
    assert [tuple(each.shape) for each in found.boxes] == [(2, 3, 4)] * 3
    assert [tuple(each.shape) for each in found.features] == [(2, 3, 8)] * 3
    assert [tuple(each.shape) for each in found.scores] == [(2, 3)] * 3
    weights = torch.randn(2, 3, 4)
    (sum((each * weights).sum() for each in found.boxes) + sum(each.sum() for each in found.scores)).backward()
    # Biases of keys move all scores of a softmax alike: they share a tensor with those of queries and values.
    assert silent(model) == []


def test_shifts_are_halved_and_scaled_by_the_sides():
    model = TargetTransformer(**SMALL)
    boxes = torch.tensor([[[10.0, 20.0, 50.0, 40.0]]])
    deltas = torch.tensor([[[0.2, -0.4, 0.0, 0.6931472]]])
    # The centre moves by 0.1 of 40 and by -0.2 of 20, the height doubles.
    expected = [14.0, 6.0, 54.0, 46.0]
    assert model._shift(boxes, deltas).flatten().tolist() == pytest.approx(expected, abs=1e-4)


def test_every_iteration_crops_at_the_boxes_of_the_one_before():
    model = TargetTransformer(**SMALL)
    seen = []
    model.crops.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1].clone()))
    start = some_boxes()
    found = model(pyramid(), torch.randn(2, 3, 8), start, level=1)
    for crops, boxes in zip(seen, [start, *found.boxes]):
        assert torch.equal(crops, boxes)
    assert len(seen) == 3 and not torch.equal(seen[0], seen[1])


def sines(box, size, dim):
    """Encoding of a centre by loops: first y, then x, sines and cosines in turn of ever slower angles."""
    found = []
    for share in ((box[1] + box[3]) / 2 / size, (box[0] + box[2]) / 2 / size):
        for place in range(dim // 2):
            angle = 2 * math.pi * share / 10000 ** (2 * (place // 2) / (dim // 2))
            found.append(math.cos(angle) if place % 2 else math.sin(angle))
    return found


@torch.no_grad()
def test_targets_also_find_each_other_by_where_they_are():
    model = TargetTransformer(**SMALL, query_pos=True).eval()
    seen = []
    model.layers[1].self_attention.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    found = model(pyramid(), torch.randn(2, 3, 8), some_boxes(), level=1)
    ((query, key, value),) = seen
    assert torch.equal(query, key) and torch.equal(value, found.features[0])
    # In the second iteration they are where the first one put them.
    expected = [[sines(box, 128, 8) for box in boxes] for boxes in found.boxes[0].tolist()]
    torch.testing.assert_close(query - value, torch.tensor(expected), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('options', [dict(attention='cross'), dict(self_attention=False), dict(dim=6)])
def test_places_of_targets_need_what_reads_them(options):
    with pytest.raises(ValueError, match='query_pos needs self_attention'):
        TargetTransformer(**{**SMALL, **options}, query_pos=True)


def test_iterations_share_nothing():
    model = TargetTransformer(**SMALL)
    assert len({id(parameter) for parameter in model.parameters()}) == len(list(model.parameters()))
    assert not torch.equal(model.layers[0].feedforward[0].weight, model.layers[1].feedforward[0].weight)


@pytest.mark.parametrize('detach', [False, True])
def test_a_later_box_teaches_the_earlier_heads_unless_cut(detach):
    model = TargetTransformer(**SMALL, detach_boxes=detach)
    found = model(pyramid(), torch.randn(2, 3, 8), some_boxes(), level=1)
    found.boxes[1].sum().backward()
    reached = model.box_heads[0][-1].weight.grad
    assert (reached is None) if detach else reached.any()


@pytest.mark.parametrize('options', [dict(), dict(attention='cross')])
def test_targets_that_fill_up_a_batch_change_nothing(options):
    model = TargetTransformer(**SMALL, **options).eval()
    maps, targets, boxes = pyramid(), torch.randn(2, 3, 8), some_boxes()
    real = torch.tensor([[True, True, False], [True, True, True]])
    found = model(maps, targets, boxes, real, level=1)
    alone = model([each[:1] for each in maps], targets[:1, :2], boxes[:1, :2], level=1)
    torch.testing.assert_close(found.boxes[-1][:1, :2], alone.boxes[-1])
    empty = model(maps, targets, boxes, torch.zeros(2, 3, dtype=torch.bool), level=1)
    assert all(each.isfinite().all() for each in empty.boxes)


def test_no_target_at_all():
    found = TargetTransformer(**SMALL)(pyramid(), torch.zeros(2, 0, 8), torch.zeros(2, 0, 4))
    assert [tuple(each.shape) for each in found.boxes] == [(2, 0, 4)] * 3


def test_turned_boxes_are_refined_as_if_in_order():
    model = TargetTransformer(**SMALL).eval()
    maps, targets = pyramid(1), torch.randn(1, 1, 8)
    ordered, turned = torch.tensor([[[10.0, 20.0, 50.0, 60.0]]]), torch.tensor([[[50.0, 60.0, 10.0, 20.0]]])
    assert torch.equal(model(maps, targets, ordered).boxes[-1], model(maps, targets, turned).boxes[-1])


def test_padded_places_are_not_attended_to():
    model = TargetTransformer(**SMALL, attention='cross').eval()
    maps, targets, boxes = pyramid(), torch.randn(2, 3, 8), some_boxes()
    padding = torch.zeros(2, 8, 8, dtype=torch.bool)
    padding[:, :, 4:] = True
    changed = [each.clone() for each in maps]
    changed[1][:, :, :, 4:] += 10
    one, two = (model(each, targets, boxes, level=1, padding=padding).boxes[-1] for each in (maps, changed))
    assert torch.equal(one, two)
    assert not torch.equal(one, model(changed, targets, boxes, level=1).boxes[-1])


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="attention 'linear' is unknown"):
        TargetTransformer(**SMALL, attention='linear')
    with pytest.raises(ValueError, match='num_iterations 0'):
        TargetTransformer(**{**SMALL, 'num_iterations': 0})
    with pytest.raises(ValueError, match='give its level'):
        TargetTransformer(**SMALL, attention='cross')(pyramid(), torch.randn(2, 3, 8), some_boxes())


def test_half_precision_keeps_boxes_in_single():
    model = TargetTransformer(**{**SMALL, 'num_iterations': 1}).eval()
    maps, targets, boxes = pyramid(), torch.randn(2, 3, 8), some_boxes()
    expected = model(maps, targets, boxes, level=1).boxes[-1]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = model(maps, targets, boxes, level=1).boxes[-1]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=3.0, rtol=0.05)


@pytest.mark.parametrize('attention', ['correlation', 'cross'])
def test_an_iteration_is_one_graph(attention):
    layer = TargetTransformer(**{**SMALL, 'num_iterations': 1}, attention=attention).layers[0]
    real = torch.tensor([[True, True, False], [True, True, True]])
    sources = (torch.randn(6, 8, 2, 2), None) if attention == 'correlation' else (None, torch.randn(2, 5, 8))
    targets = torch.randn(2, 3, 8)
    torch._dynamo.reset()
    compiled = torch.compile(layer, backend='eager', fullgraph=True)
    torch.testing.assert_close(compiled(targets, *sources, real, None), layer(targets, *sources, real, None))


@pytest.mark.parametrize('size', [1, 2])
def test_target_is_the_feature_at_its_box_in_the_reference(size):
    encoder = RoITargetEncoder(dim=8, object_size=size).eval()
    maps = pyramid()
    boxes = some_boxes()
    found = encoder(maps, boxes, level=0)
    assert found.shape == (2, 3, 8)
    crop = encoder.crops(maps, boxes, 0).flatten(1)
    assert crop.shape == (6, 8 * size * size)
    expected = torch.nn.functional.layer_norm(crop @ encoder.project.weight.T + encoder.project.bias, (8,))
    torch.testing.assert_close(found.flatten(0, 1), expected)
    assert not torch.equal(found, encoder(maps, boxes + 30, level=0))


@pytest.mark.parametrize('options', [dict(), dict(num_layers=2, self_attention=True, final_norm=True)])
def test_decoder_reads_the_frame_but_not_its_padding(options):
    decoder = TargetDecoder(dim=8, heads=2, feedforward=16, dropout=0.0, **options)
    targets, search = torch.randn(2, 3, 8), torch.randn(2, 8, 4, 4)
    padding = torch.zeros(2, 4, 4, dtype=torch.bool)
    padding[:, 2:] = True
    found = decoder(targets, search, padding)
    changed = search.clone()
    changed[:, :, 2:] += 5
    assert torch.equal(decoder(targets, changed, padding), found)
    assert not torch.equal(decoder(targets, changed), decoder(targets, search))
    (found * torch.randn(2, 3, 8)).sum().backward()
    assert silent(decoder) == []


def test_decoder_finds_by_looks_and_not_by_place():
    """Values have no position: the same looks everywhere give the same target wherever the weights lie."""
    decoder = TargetDecoder(dim=8, heads=2, feedforward=16, dropout=0.0).eval()
    even = torch.randn(1, 8, 1, 1).expand(1, 8, 4, 4)
    targets = torch.randn(1, 1, 8)
    small = decoder(targets, even[..., :2, :2])
    torch.testing.assert_close(decoder(targets, even), small)
