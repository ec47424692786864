import numpy as np
import pytest

from vlplugins.datasets.samplers import ClassBalancedClipSampler


class Clips:
    """90 clips of class 0, 10 of class 1, of which 1 also has class 2."""

    def __len__(self):
        return 100

    def get_data_info(self, index):
        return dict(gt_labels=np.array([index < 90, index >= 90, index == 99], np.float32))


def test_factors_by_hand():
    sampler = ClassBalancedClipSampler(Clips(), oversample_thr=0.4, seed=0)
    assert sampler.factors[0] == 1 and sampler.factors[95] == pytest.approx(2.0)  # sqrt(0.4 / 0.1)
    assert sampler.factors[99] == pytest.approx(np.sqrt(40))
    assert len(sampler) == round(90 + 18 + np.sqrt(40))


def test_epochs_have_one_length_other_orders_and_the_right_means():
    sampler = ClassBalancedClipSampler(Clips(), oversample_thr=0.4, seed=0)
    counts, first = np.zeros(100), None
    for epoch in range(300):
        sampler.set_epoch(epoch)
        order = list(sampler)
        assert len(order) == len(sampler)
        counts += np.bincount(order, minlength=100)
        first = first or order
    np.testing.assert_allclose(counts[[0, 95, 99]] / 300, [1, 2, np.sqrt(40)], rtol=0.05)
    assert order != first
    sampler.set_epoch(0)
    assert list(sampler) == first


def test_processes_share_an_epoch(monkeypatch):
    parts = []
    for rank in range(3):
        monkeypatch.setattr(
            'vlplugins.datasets.samplers.class_balanced_clip_sampler.get_dist_info', lambda rank=rank: (rank, 3)
        )
        sampler = ClassBalancedClipSampler(Clips(), oversample_thr=0.4, seed=1)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler)
    assert len({len(part) for part in parts}) == 1 and len(set(np.concatenate(parts))) > 95


def test_bad_arguments_are_told():
    class Unlabelled(Clips):
        def get_data_info(self, index):
            return {}

    with pytest.raises(ValueError, match='record 0 of Unlabelled has no gt_labels'):
        ClassBalancedClipSampler(Unlabelled(), seed=0)
    with pytest.raises(ValueError, match='oversample_thr 0'):
        ClassBalancedClipSampler(Clips(), oversample_thr=0, seed=0)
