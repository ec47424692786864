import pytest
import torch

from vlplugins.evaluation.metrics.switchable_accuracy import SwitchableAccuracy


def sample(index, label, full, narrow):
    scores = {1.0: torch.tensor(full), 0.5: torch.tensor(narrow)}
    return dict(sample_idx=index, gt_label=torch.tensor([label]), pred_scores=scores)


SAMPLES = [
    sample(0, 0, [0.9, 0.1, 0.0], [0.1, 0.9, 0.0]),
    sample(1, 2, [0.1, 0.2, 0.7], [0.1, 0.2, 0.7]),
    sample(2, 1, [0.5, 0.4, 0.1], [0.6, 0.1, 0.3]),
]


def test_accuracy_of_each_width_and_their_mean():
    metric = SwitchableAccuracy(topk=(1, 2))
    metric.process(None, SAMPLES)
    metric.process(None, SAMPLES[:1])  # repeated by a sampler
    metrics = metric.evaluate(4)
    third = 100 / 3
    expected = {'w1.00/top1': 2 * third, 'w1.00/top2': 100, 'w0.50/top1': third, 'w0.50/top2': 2 * third}
    expected.update({'mean/top1': 1.5 * third, 'mean/top2': 2.5 * third})
    assert metrics == {f'accuracy/{name}': pytest.approx(value) for name, value in expected.items()}


def test_ranks_beyond_the_classes_are_refused():
    metric = SwitchableAccuracy()
    metric.process(None, SAMPLES)
    with pytest.raises(ValueError, match='top-5'):
        metric.evaluate(3)
