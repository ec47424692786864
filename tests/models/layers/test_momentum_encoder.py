import pytest
import torch
from torch import nn

from vlplugins.models.layers.momentum_encoder import MomentumEncoder


def encoder():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_update_is_the_moving_average():
    source = encoder()
    copied = MomentumEncoder(source, momentum=0.9)
    before = copied.module[0].weight.clone()
    source[0].weight.data += 1
    copied.update(source)
    torch.testing.assert_close(copied.module[0].weight, 0.9 * before + 0.1 * source[0].weight)


@pytest.mark.parametrize('rule, expected', [('keep', 0.0), ('copy', 8.0), ('average', 2.0)])
def test_buffer_rules(rule, expected):
    source = encoder()
    copied = MomentumEncoder(source, momentum=0.75, buffers=rule)
    source[1].running_mean.fill_(8.0)
    source[1].num_batches_tracked.fill_(5)
    copied.update(source)
    assert copied.module[1].running_mean[0].item() == pytest.approx(expected)
    assert int(copied.module[1].num_batches_tracked) == (0 if rule == 'keep' else 5)


def test_copy_shares_no_storage_and_has_no_gradient():
    source = encoder()
    copied = MomentumEncoder(source)
    assert not {p.data_ptr() for p in source.parameters()} & {p.data_ptr() for p in copied.parameters()}
    assert not any(p.requires_grad for p in copied.parameters())
    assert not copied(torch.randn(2, 3)).requires_grad


def test_momentum_one_keeps_the_copy_exactly():
    source = encoder()
    copied = MomentumEncoder(source, momentum=1.0)
    before = copied.module[0].weight.clone()
    source[0].weight.data += 1
    copied.update(source)
    assert torch.equal(copied.module[0].weight, before)


@pytest.mark.parametrize('arguments', [dict(momentum=1.5), dict(buffers='mean')])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match='1.5|mean'):
        MomentumEncoder(encoder(), **arguments)
