from collections import Counter

import pytest
from mmengine.dataset import DefaultSampler

from tests.helpers.processes import run_distributed
from vlplugins.datasets.samplers import UniqueVideoBatchSampler


class Pairs:
    """Pairs of a video and a caption: video v has counts[v] captions."""

    def __init__(self, counts):
        self.videos = [video for video, count in enumerate(counts) for _ in range(count)]

    def __len__(self):
        return len(self.videos)

    def get_data_info(self, index):
        return dict(video_index=self.videos[index])


def batches(counts, batch_size, epoch=0, seed=0):
    sampler = DefaultSampler(Pairs(counts), shuffle=True, seed=seed)
    batch_sampler = UniqueVideoBatchSampler(sampler, batch_size)
    sampler.set_epoch(epoch)
    found = list(batch_sampler)
    assert len(found) == len(batch_sampler)
    return found


@pytest.mark.parametrize(
    'counts, size, number',
    # The most batches: of (20, 1, 1, 1) every batch of 2 takes video 0 and one of the others.
    [([3] * 8, 4, 6), ([20, 1, 1, 1], 2, 3), ([4, 3, 2, 1], 3, 3), ([1] * 7, 3, 2), ([5, 5, 5], 3, 5)],
)
def test_no_video_twice_in_a_batch_no_sample_twice_in_an_epoch_and_as_many_batches_as_can_be(counts, size, number):
    for epoch in range(5):
        found = batches(counts, size, epoch)
        assert len(found) == number
        videos = Pairs(counts).videos
        assert all(len({videos[i] for i in batch}) == size == len(batch) for batch in found)
        assert max(Counter(i for batch in found for i in batch).values()) == 1


def test_order_follows_seed_and_epoch_alone():
    counts = [2] * 20
    assert batches(counts, 4) == batches(counts, 4)
    assert batches(counts, 4) != batches(counts, 4, epoch=1)
    assert batches(counts, 4) != batches(counts, 4, seed=1)
    # resumed at epoch 3
    sampler = DefaultSampler(Pairs(counts), seed=0)
    batch_sampler = UniqueVideoBatchSampler(sampler, 4)
    for epoch in range(4):
        sampler.set_epoch(epoch)
        last = list(batch_sampler)
    assert last == batches(counts, 4, epoch=3)


def test_every_sample_is_drawn_sooner_or_later():
    counts = [1, 2, 3, 1, 1]
    seen = {i for epoch in range(40) for batch in batches(counts, 3, epoch) for i in batch}
    assert seen == set(range(8))


def _draw(rank, world):
    return batches([3] * 8, 2, epoch=1)


@pytest.mark.slow
def test_processes_share_a_batch_of_distinct_videos():
    first, second = run_distributed(_draw, 2)
    joined = [a + b for a, b in zip(first, second)]
    assert joined == batches([3] * 8, 4, epoch=1)


def test_what_cannot_work_is_refused():
    with pytest.raises(ValueError, match='3 videos'):
        batches([9, 9, 9], 4)
    with pytest.raises(ValueError, match='DefaultSampler'):
        UniqueVideoBatchSampler(range(3), 2)
