from collections import Counter

import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader

from tests.helpers.processes import run_distributed
from vlplugins.datasets.samplers import RatioSequenceSampler
from vlplugins.engine.loops.alternating_train_loop import AlternatingLoader

SETS = ConcatDataset([list(range(10)), list(range(10, 1010)), list(range(1010, 1013))])


def set_of(index):
    return 0 if index < 10 else 1 if index < 1010 else 2


def test_sets_come_in_their_ratios_and_records_alike():
    sampler = RatioSequenceSampler(SETS, ratios=(1, 1, 2), samples_per_epoch=4000, seed=0)
    drawn = list(sampler)
    counts = Counter(map(set_of, drawn))
    assert len(drawn) == len(sampler) == 4000
    assert abs(counts[0] - 1000) < 100 and abs(counts[1] - 1000) < 100 and abs(counts[2] - 2000) < 120
    small = Counter(index for index in drawn if set_of(index) == 2)
    assert set(small) == {1010, 1011, 1012} and min(small.values()) > 550
    never = RatioSequenceSampler(SETS, ratios=(0, 1, 1), samples_per_epoch=100, seed=0)
    assert all(index >= 10 for index in never)


def test_epochs_differ_and_are_reproducible():
    one, other = (RatioSequenceSampler(SETS, samples_per_epoch=50, seed=seed) for seed in (0, 1))
    first = list(one)
    assert first == list(one) != list(other)
    one.set_epoch(1)
    assert list(one) != first
    one.set_epoch(0)
    assert list(one) == first


def _draw(rank, world):
    return list(RatioSequenceSampler(SETS, samples_per_epoch=21, seed=3))


def test_processes_take_turns_in_one_order():
    parts = run_distributed(_draw, 2)
    whole = list(RatioSequenceSampler(SETS, samples_per_epoch=20, seed=3))
    assert [len(part) for part in parts] == [10, 10]
    assert [index for pair in zip(*parts) for index in pair] == whole


def test_alternating_training_goes_on_where_it_was():
    def loader():
        loaders = {
            name: DataLoader(SETS, 3, sampler=RatioSequenceSampler(SETS, samples_per_epoch=9, seed=seed))
            for seed, name in enumerate(('sot', 'mot'))
        }
        return AlternatingLoader(loaders, ('sot', 'mot'))

    whole = loader()
    batches = [next(whole) for _ in range(14)]
    resumed = loader()
    resumed.skip(9)
    torch.testing.assert_close([next(resumed) for _ in range(5)], batches[9:])


def test_a_single_set_needs_no_ratios():
    assert set(RatioSequenceSampler([5, 6, 7], samples_per_epoch=100, seed=0)) == {0, 1, 2}


@pytest.mark.parametrize(
    ('dataset', 'options', 'message'),
    [
        (SETS, dict(ratios=(1, 1)), 'for each of 3 sets'),
        (SETS, dict(ratios=(1, -1, 1)), 'from 0'),
        (SETS, dict(ratios=(0, 0, 0)), 'not all 0'),
        (ConcatDataset([[1], []]), {}, 'set without records'),
        (SETS, dict(samples_per_epoch=0), 'less than 1 processes'),
    ],
)
def test_bad_arguments_are_refused(dataset, options, message):
    with pytest.raises(ValueError, match=message):
        RatioSequenceSampler(dataset, **options)
