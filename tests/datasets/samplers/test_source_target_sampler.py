from itertools import islice
from types import SimpleNamespace

import pytest

from vlplugins.datasets.samplers import SourceTargetSampler
from vlplugins.datasets.samplers import source_target_sampler as module


def joined(source=6, *targets):
    sizes = [source]
    for count in targets or (4,):
        sizes.append(sizes[-1] + count)
    return SimpleNamespace(cumulative_sizes=sizes)


def batches(sampler):
    order = list(sampler)
    assert len(order) == len(sampler)
    return [order[begin : begin + sampler.batch_size] for begin in range(0, len(order), sampler.batch_size)]


def test_an_epoch_is_one_pass_over_the_source():
    sampler = SourceTargetSampler(joined(7, 4), batch_size=5, source_size=2, target_size=3, seed=0)
    found = batches(sampler)
    assert len(found) == 3  # one of seven sources is left out
    sources = [index for batch in found for index in batch[:2]]
    assert len(set(sources)) == 6 and max(sources) < 7
    assert all(7 <= index < 11 for batch in found for index in batch[2:])


def test_short_target_starts_anew_in_another_order():
    sampler = SourceTargetSampler(joined(40, 5), batch_size=2, seed=3)
    targets = [batch[1] - 40 for batch in batches(sampler)]
    passes = [targets[begin : begin + 5] for begin in range(0, 40, 5)]
    assert all(sorted(each) == [0, 1, 2, 3, 4] for each in passes)
    assert len({tuple(each) for each in passes}) > 1


def test_long_target_and_compound_targets():
    sampler = SourceTargetSampler(joined(3, 10, 20), batch_size=2, seed=0)
    seen = set()
    for epoch in range(120):
        sampler.set_epoch(epoch)
        seen |= {batch[1] for batch in batches(sampler)}
    assert seen == set(range(3, 33))


def test_order_follows_from_seed_and_epoch():
    one, other = (SourceTargetSampler(joined(20, 9), batch_size=2, seed=5) for _ in range(2))
    first = list(one)
    assert first == list(one) == list(other)
    other.set_epoch(1)
    assert list(other) != first
    assert list(SourceTargetSampler(joined(20, 9), batch_size=2, seed=6)) != first
    fixed = SourceTargetSampler(joined(3, 2), batch_size=2, shuffle=False, seed=0)
    assert list(islice(fixed, 6)) == [0, 3, 1, 4, 2, 3]


def test_processes_see_disjoint_halves(monkeypatch):
    shares = []
    for rank in range(2):
        monkeypatch.setattr(module, 'get_dist_info', lambda rank=rank: (rank, 2))
        found = batches(SourceTargetSampler(joined(9, 6), batch_size=2, seed=0))
        assert len(found) == 4
        shares.append(({batch[0] for batch in found}, [batch[1] for batch in found]))
    assert not shares[0][0] & shares[1][0]
    assert not set(shares[0][1][:3]) & set(shares[1][1][:3])


@pytest.mark.parametrize(
    'dataset, options, message',
    [
        (joined(6, 4), dict(batch_size=4, source_size=1, target_size=2), 'batch_size 4 is not source_size 1'),
        (joined(6, 4), dict(batch_size=1, source_size=1, target_size=0), 'each at least 1'),
        (SimpleNamespace(cumulative_sizes=[3]), dict(batch_size=2), 'has 1 parts; expected a SourceTargetDataset'),
        (joined(0, 4), dict(batch_size=2), '0 sources and 4 targets'),
        (joined(6, 0), dict(batch_size=2), '6 sources and 0 targets'),
    ],
)
def test_sizes_that_do_not_fit_are_refused(dataset, options, message):
    with pytest.raises(ValueError, match=message):
        SourceTargetSampler(dataset, seed=0, **options)
