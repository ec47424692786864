import multiprocessing

import numpy as np
import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.registry import METRICS  # noqa: E402

from tests.helpers.processes import run_distributed  # noqa: E402

CLASSES = ('bus', 'car')


def sample(truth, found, subset=None):
    """A sample of ``(label, x)`` boxes of 10 pixels at x, and of ``(label, x, score)`` detections."""

    def boxes(places):
        return torch.tensor([[x, 0.0, x + 10, 10.0] for x in places]).reshape(-1, 4)

    return dict(
        gt_instances=dict(labels=torch.tensor([t[0] for t in truth]), bboxes=boxes([t[1] for t in truth])),
        ignored_instances=dict(labels=torch.zeros(0, dtype=torch.long), bboxes=torch.zeros(0, 4)),
        pred_instances=dict(
            labels=torch.tensor([f[0] for f in found], dtype=torch.long),
            bboxes=boxes([f[1] for f in found]),
            scores=torch.tensor([f[2] for f in found]),
        ),
        subset=subset,
    )


def evaluate(samples, classes=CLASSES, **options):
    metric = METRICS.build(dict(type='vlplugins.LongTailVOCMetric', **options))
    metric.dataset_meta = dict(classes=classes)
    for each in samples:
        metric.process({}, [each])
    return metric.evaluate(len(samples))


def perfect(count, classes=CLASSES, **options):
    truth = [(0, 20 * index) for index in range(count)]
    return evaluate([sample(truth, [(label, x, 0.9) for label, x in truth])], classes, **options)


@pytest.mark.parametrize('count, expected', [(9, 10 / 11), (20, 10 / 11), (5, 9 / 11), (1, 6 / 11)])
def test_recall_of_the_release(count, expected):
    assert perfect(count)['AP50'] == pytest.approx(1.0)
    assert perfect(count, legacy_recall=True)['AP50'] == pytest.approx(expected, abs=1e-4)


def test_eleven_points_by_hand():
    """Two buses; hit, miss, hit: precision 1 up to recall 0.5, then 2/3. Six points at 1, five at 2/3."""
    found = [(0, 0, 0.9), (0, 100, 0.8), (0, 40, 0.7)]
    metrics = evaluate([sample([(0, 0), (0, 40), (1, 80)], found)])
    assert metrics['AP50/bus'] == pytest.approx((6 + 5 * 2 / 3) / 11, abs=1e-5)
    assert metrics['AP50/car'] == 0 and metrics['AP50'] == pytest.approx(metrics['AP50/bus'] / 2)


def test_class_that_does_not_occur_is_left_out():
    metrics = perfect(3)
    assert 'AP50/car' not in metrics and metrics['AP50'] == pytest.approx(1)


def test_subsets_are_reported_apart_and_together():
    right = sample([(0, 0)], [(0, 0, 0.9)], subset='dusk')
    wrong = sample([(0, 0)], [(0, 50, 0.8)], subset='night')
    metrics = evaluate([right, wrong], subset_key='subset')
    assert metrics['dusk/AP50'] == pytest.approx(1) and metrics['night/AP50'] == 0
    assert metrics['AP50'] == pytest.approx(6 / 11, abs=1e-5)
    assert 'dusk/AP50' not in evaluate([right, wrong])


def test_long_tail_weights():
    samples = [sample([(0, 0), (1, 40)], [(0, 0, 0.9), (1, 90, 0.9)])]
    metrics = evaluate(samples, class_weights=[0.25, 0.75])
    assert metrics['long_tail_AP50'] == pytest.approx(0.25)
    with pytest.raises(ValueError, match='7 class_weights for 2 classes'):
        evaluate(samples, class_weights='night_rainy')
    with pytest.raises(ValueError, match="'snowy' is unknown"):
        evaluate(samples, class_weights='snowy')


def test_weights_of_the_release():
    from vlplugins.evaluation.metrics.long_tail_voc_metric import WEATHER_WEIGHTS

    sums = [sum(weights) for weights in WEATHER_WEIGHTS.values()]
    assert len(sums) == 7 and all(len(weights) == 7 for weights in WEATHER_WEIGHTS.values())
    assert min(sums) == pytest.approx(0.9987, abs=1e-4) and max(sums) == pytest.approx(1.0006, abs=1e-4)
    truth = [(0, 0), (2, 40)]
    classes = ('bus', 'bike', 'car', 'motor', 'person', 'rider', 'truck')
    metrics = evaluate([sample(truth, [(2, 40, 0.9)])], classes, class_weights='night_rainy')
    assert metrics['long_tail_AP50'] == pytest.approx(0.896)


def five_samples():
    rng = np.random.default_rng(0)
    return [
        sample(
            [(0, 0), (1, 40)],
            [(int(rng.integers(2)), int(rng.integers(60)), float(rng.random())) for _ in range(6)],
            subset=('dusk', 'night')[index % 2],
        )
        for index in range(5)
    ]


def test_order_and_batches_do_not_matter():
    samples = five_samples()
    assert evaluate(samples) == evaluate(samples[::-1])


def share_of_a_process(rank, world_size):
    """Metrics of the shares that MMEngine's sampler gives: every second sample, the first ones again at the end."""
    # mmdet counts in a pool of processes; those of a launcher are forked, these would be spawned, and import all anew.
    multiprocessing.set_start_method('fork', force=True)
    samples = five_samples()
    mine = (samples + samples)[rank : len(samples) + len(samples) % world_size : world_size]
    metric = METRICS.build(dict(type='vlplugins.LongTailVOCMetric', subset_key='subset'))
    metric.dataset_meta = dict(classes=CLASSES)
    for begin in range(0, len(mine), 2):
        metric.process({}, mine[begin : begin + 2])
    return metric.evaluate(len(samples))


def test_two_processes_equal_one_with_a_last_partial_batch():
    one, other = run_distributed(share_of_a_process)
    assert one == other == evaluate(five_samples(), subset_key='subset')
    assert {'AP50', 'dusk/AP50', 'night/AP50'} <= set(one)
