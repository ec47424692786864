import copy

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from vlplugins.models.necks import DecompositionNeck
from vlplugins.registry import MODELS

DECOMPOSER = dict(
    type='vlplugins.VectorDecomposition',
    in_channels=8,
    mid_channels=4,
    kernel_size=3,
    dropout=0.0,
    norm_cfg=dict(type='GN', num_groups=2),
)
FPN = dict(type='mmdet.FPN', in_channels=[4, 6], out_channels=8, num_outs=3)


def levels():
    torch.manual_seed(1)
    return [torch.randn(2, 4, 12, 16), torch.randn(2, 6, 6, 8)]


def test_detector_gets_the_invariant_map_of_each_level_in_its_shape():
    pytest.importorskip('mmdet')
    neck = DecompositionNeck(DECOMPOSER, FPN)
    plain = neck.neck(levels())
    found = neck(levels())
    assert isinstance(found, tuple) and [each.shape for each in found] == [each.shape for each in plain]
    for got, whole in zip(found, plain):
        assert torch.equal(got, neck.extractors[0](whole).invariant)


def test_without_a_neck_the_maps_of_the_backbone_are_divided():
    neck = DecompositionNeck(dict(DECOMPOSER, in_channels=4))
    (part,) = neck.decompose(levels()[:1])
    assert torch.equal(part.base, levels()[0])
    assert torch.allclose(part.invariant + part.specific, part.base, atol=1e-5)


def test_one_extractor_is_shared_or_each_level_has_its_own():
    pytest.importorskip('mmdet')
    shared, own = DecompositionNeck(DECOMPOSER, FPN), DecompositionNeck(DECOMPOSER, FPN, num_extractors=3)
    count = [sum(p.numel() for p in neck.extractors.parameters()) for neck in (shared, own)]
    assert count[1] == 3 * count[0]
    for neck, touched in ((shared, 1), (own, 1)):
        neck(levels())[0].sum().backward()
        assert sum(each.layers[0].weight.grad is not None for each in neck.extractors) == touched
    with pytest.raises(ValueError, match='found 3 levels and 2 extractors'):
        DecompositionNeck(DECOMPOSER, FPN, num_extractors=2)(levels())
    with pytest.raises(ValueError, match='num_extractors 0'):
        DecompositionNeck(DECOMPOSER, FPN, num_extractors=0)


def test_parts_are_recorded_within_the_block_alone_and_with_gradient():
    neck = DecompositionNeck(dict(DECOMPOSER, in_channels=4))
    inputs = levels()[:1]
    neck(inputs)
    with neck.recording() as outer:
        neck(inputs)
        with neck.recording() as inner:
            (found,) = neck(inputs)
    neck(inputs)
    assert len(outer) == 2 and len(inner) == 1 and inner[0][0].invariant is found
    inner[0][0].specific.sum().backward()
    assert neck.extractors[0].layers[0].weight.grad is not None
    with pytest.raises(RuntimeError), neck.recording():
        raise RuntimeError
    assert copy.deepcopy(neck)._records == []


@pytest.mark.parametrize('load', [nn.Module.load_state_dict, load_state_dict], ids=['torch', 'mmengine'])
def test_weights_of_the_plain_neck_load(load):
    pytest.importorskip('mmdet')

    class Detector(nn.Module):
        def __init__(self, neck):
            super().__init__()
            self.neck = neck

    plain = Detector(MODELS.build(FPN))
    detector = Detector(DecompositionNeck(DECOMPOSER, FPN))
    load(detector, plain.state_dict(), strict=False)
    for name, value in plain.neck.state_dict().items():
        assert torch.equal(detector.neck.neck.state_dict()[name], value)
    # Its own weights, too, and without a difference.
    other = Detector(DecompositionNeck(DECOMPOSER, FPN))
    assert other.load_state_dict(detector.state_dict()).missing_keys == []
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), detector.parameters()))
    with pytest.raises(RuntimeError, match='nonsense'):
        other.load_state_dict({**detector.state_dict(), 'neck.nonsense': torch.zeros(1)})
