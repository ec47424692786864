import numpy as np
import pytest
import torch

from tests.helpers.processes import run_distributed
from vlplugins.evaluation.metrics.feature_metrics import KNNAccuracy, LinearProbeAccuracy

WIDTHS = (1.0, 0.5)


def samples():
    """20 bank and 10 query features of two classes; the narrow width has two swapped labels to get wrong."""
    rng = np.random.default_rng(0)
    found = []
    for role, count in (('bank', 20), ('query', 10)):
        for index in range(count):
            label = index % 2
            centre = np.array([3.0, 0.0]) if label else np.array([0.0, 3.0])
            full = torch.tensor(centre + rng.normal(0, 0.2, 2), dtype=torch.float)
            narrow = full.flip(0) if role == 'query' and index < 2 else full
            found.append(
                dict(
                    role=role,
                    sample_idx=index,
                    img_path=f'{role}{index}.png',
                    gt_label=torch.tensor([label]),
                    features={1.0: full, 0.5: narrow},
                )
            )
    return found


def evaluate(metric, batches, size=30):
    for batch in batches:
        metric.process(None, batch)
    return metric.evaluate(size)


def test_each_width_is_judged_by_itself():
    metrics = evaluate(KNNAccuracy(k=3), [samples()])
    assert metrics == {'knn/w1.00': 100.0, 'knn/w0.50': 80.0}
    probe = evaluate(LinearProbeAccuracy(labels_per_class=2, prefix='probe4'), [samples()])
    assert probe['probe4/w1.00'] == 100.0 and probe['probe4/w0.50'] == 80.0
    assert set(probe) == {'probe4/w1.00', 'probe4/w0.50', 'probe4/w1.00_std', 'probe4/w0.50_std'}


@pytest.mark.parametrize('size', [1, 7, 30])
def test_result_does_not_depend_on_batches_or_order(size):
    shuffled = [samples()[i] for i in np.random.default_rng(1).permutation(30)]
    batches = [shuffled[i : i + size] for i in range(0, 30, size)]
    metric = LinearProbeAccuracy(labels_per_class=2)
    assert evaluate(metric, batches) == evaluate(LinearProbeAccuracy(labels_per_class=2), [samples()])


def _judge(rank, world):
    # A distributed sampler repeats samples until all processes have the same number.
    padded = samples() + samples()[:2]
    return evaluate(KNNAccuracy(k=3), [padded[rank::world]], size=32)


def test_two_processes_equal_one_and_repeated_samples_count_once():
    expected = evaluate(KNNAccuracy(k=3), [samples()])
    assert run_distributed(_judge, 2) == [expected, expected]


def test_image_that_is_bank_and_query_is_refused():
    mixed = samples()
    mixed[25]['img_path'] = 'bank3.png'
    with pytest.raises(ValueError, match='1 images are bank and query at once, e.g. bank3.png'):
        evaluate(KNNAccuracy(), [mixed])


def test_roles_are_needed():
    with pytest.raises(ValueError, match='both are needed'):
        evaluate(KNNAccuracy(), [samples()[:20]], size=20)
    with pytest.raises(ValueError, match='role None.*extra_info'):
        KNNAccuracy().process(None, [dict(sample_idx=0)])
