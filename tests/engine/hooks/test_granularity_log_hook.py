from types import SimpleNamespace

import pytest
import torch

from vlplugins.engine.hooks import GranularityLogHook
from vlplugins.structures import TemporalDataSample


def sample(truth, weights):
    made = TemporalDataSample(gt_segments=torch.tensor(truth, dtype=torch.bool))
    made.granularity_weights = dict(text=torch.tensor(weights))
    return made


def test_means_are_over_labelled_segments_of_each_class():
    lines = []
    runner = SimpleNamespace(
        val_dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=('joy', 'fear')))),
        logger=SimpleNamespace(info=lines.append),
    )
    hook = GranularityLogHook(interval=2)
    for validation in range(2):
        hook.before_val_epoch(runner)
        hook.after_val_iter(runner, 0, None, [sample([[1, 0], [0, 0]], [[1.0, 0.0], [0.5, 0.5]])])
        hook.after_val_iter(runner, 1, None, [sample([[1, 0]], [[0.0, 1.0]]), TemporalDataSample()])
        torch.testing.assert_close(hook.table()['text'], torch.tensor([[0.5, 0.5], [0.0, 0.0]]))
        hook.after_val_epoch(runner)
        assert len(lines) == validation
    assert lines == ['contexts of text, joy: 0.50 0.50']


def test_an_interval_is_at_least_1():
    with pytest.raises(ValueError, match='interval 0'):
        GranularityLogHook(0)
