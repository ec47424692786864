import copy

import pytest
import torch
from torch import nn

from vlplugins.models.layers.merged_branches import MergedPointwise, fold_normalization, merge_branches


def branch(seed, norm=nn.BatchNorm2d, kernel=3):
    """A branch with statistics of its own."""
    torch.manual_seed(seed)
    layers = [nn.Conv2d(4, 4, (5, kernel), 2, (2, kernel // 2), groups=4, bias=False), norm(4), nn.ReLU(),
              nn.Conv2d(4, 6, 1), norm(6)]  # fmt: skip
    module = nn.Sequential(*layers)
    for _ in range(3):
        module(torch.randn(8, 4, 9, 6) * 2 + 1)
    return module.eval()


def group_norm(channels):
    norm = nn.GroupNorm(2, channels)
    norm.weight.data.uniform_(0.5, 2)
    norm.bias.data.uniform_(-1, 1)
    return norm


def test_folded_normalisation_gives_the_same_and_is_gone():
    module = branch(0)
    folded = fold_normalization(copy.deepcopy(module))
    x = torch.randn(2, 4, 9, 6)
    torch.testing.assert_close(folded(x), module(x))
    assert not any(isinstance(each, nn.BatchNorm2d) for each in folded.modules())


def test_only_what_follows_in_a_sequence_is_folded():
    class Between(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)

        def forward(self, x):
            return self.norm(self.conv(x).relu())

    for module in (Between(), nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3)),
                   nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4, track_running_stats=False))):  # fmt: skip
        names = list(dict(module.named_parameters()))
        assert list(dict(fold_normalization(module).named_parameters())) == names


@pytest.mark.parametrize('norm', [nn.BatchNorm2d, group_norm])
@pytest.mark.parametrize('fold', [False, True])
def test_merged_branches_give_what_each_gives(norm, fold):
    branches = [branch(seed, norm) for seed in range(3)]
    x = torch.randn(2, 12, 9, 6)
    expected = torch.cat([each(part) for each, part in zip(branches, x.chunk(3, dim=1))], dim=1)
    before = copy.deepcopy(branches[0].state_dict())
    parts = [fold_normalization(copy.deepcopy(each)) if fold else each for each in branches]
    merged = merge_branches(parts)
    torch.testing.assert_close(merged(x), expected)
    assert isinstance(merged[3], MergedPointwise)
    # The branches are what they were.
    assert all(torch.equal(value, before[name]) for name, value in branches[0].state_dict().items())
    torch.testing.assert_close(branches[1](x[:, 4:8]), expected[:, 6:12])


@pytest.mark.parametrize(('kind', 'size', 'stride'), [(nn.Conv1d, (7,), 1), (nn.Conv2d, (7, 5), (2, 1))])
@pytest.mark.parametrize('bias', [True, False])
def test_pointwise_equals_convolutions(kind, size, stride, bias):
    convolutions = [kind(4, 3, 1, stride, bias=bias) for _ in range(2)]
    x = torch.randn(3, 8, *size)
    expected = torch.cat([each(part) for each, part in zip(convolutions, x.chunk(2, dim=1))], dim=1)
    torch.testing.assert_close(MergedPointwise(convolutions)(x), expected)


def test_what_cannot_be_merged_is_told():
    with pytest.raises(TypeError, match='differ in their structure'):
        merge_branches([nn.ReLU(), nn.Identity()])
    with pytest.raises(TypeError, match='differ in shape'):
        merge_branches([branch(0, kernel=3), branch(1, kernel=1)])
    with pytest.raises(TypeError, match='Linear has weights'):
        merge_branches([nn.Linear(2, 2), nn.Linear(2, 2)])
