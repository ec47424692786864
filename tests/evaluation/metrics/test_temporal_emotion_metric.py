import numpy as np
import pytest
import torch

from tests.helpers.tel import clip
from vlplugins.evaluation.metrics import TemporalEmotionMetric
from vlplugins.evaluation.metrics import temporal_emotion_metric as module
from vlplugins.models.task_modules import MultiThresholdProposalGenerator


def samples(count=6, perfect=True, seed=0):
    """Predicted clips; perfect ones have the truth as their scores."""
    torch.manual_seed(seed)
    made = []
    for index in range(count):
        sample = clip(8 + index, seed=index)['data_samples']
        sample.gt_segments[:, 2] &= index < 3
        sample.gt_labels = sample.gt_segments.any(dim=0).float()
        if perfect:
            sample.segment_scores, sample.clip_scores = sample.gt_segments.float(), sample.gt_labels.clone()
        else:
            sample.segment_scores, sample.clip_scores = torch.rand(8 + index, 3), torch.rand(3)
        sample.branch_scores = dict(video=sample.segment_scores, text=1 - sample.segment_scores)
        sample.pred_instances = MultiThresholdProposalGenerator()(
            sample.segment_scores, sample.clip_scores, sample.times
        )
        made.append(sample)
    return made


def evaluate(made, batch=4, **options):
    metric = TemporalEmotionMetric(**options)
    metric.dataset_meta = dict(classes=('a', 'b', 'c'))
    for begin in range(0, len(made), batch):
        metric.process({}, [sample.to_dict() for sample in made[begin : begin + batch]])
    return metric.evaluate(len(made))


@pytest.mark.parametrize('instances', ['runs', 'set'])
def test_the_truth_as_scores_gives_100_and_chance_does_not(instances):
    found = evaluate(samples(), instances=instances)
    for name in ('mAP@0.1', 'mAP@0.5', 'mAP', 'line_mAP', 'known_line_AP', 'clip_mAP', 'video/known_line_AP'):
        assert found[f'tel/{name}'] == pytest.approx(100), name
    for name in ('mAP@0.5', 'mAP', 'line_mAP', 'known_line_AP', 'mIoU', 'R1@0.5'):
        assert 0 < found[f'tel/chance/{name}'] < 80, name
    assert found['tel/text/known_line_AP'] < found['tel/chance/known_line_AP']


def test_random_scores_score_as_chance():
    found = evaluate(samples(40, perfect=False), chance_seeds=5)
    for name in ('line_mAP', 'known_line_AP', 'clip_mAP'):
        assert found[f'tel/{name}'] == pytest.approx(found[f'tel/chance/{name}'], abs=6), name


def test_a_class_without_truth_is_left_out_and_named(monkeypatch):
    logged = []
    monkeypatch.setattr(module, 'print_log', lambda text, *_, **__: logged.append(text))
    made = samples()
    for sample in made:
        sample.gt_segments[:, 1] = False
        sample.gt_labels[1] = 0
    found = evaluate(made)
    assert logged == ['classes without truth are left out: b']
    # Of the two that are left both are perfect; counted as 0, the third would give 67.
    assert found['tel/line_mAP'] == pytest.approx(100) and found['tel/mAP@0.1'] == pytest.approx(100)


def test_batches_repeated_samples_and_order_change_nothing():
    made = samples(perfect=False)
    one, two = evaluate(made, batch=6), evaluate(made[::-1] + made[:2], batch=1)
    assert one == two


def test_overlap_of_runs_span_and_set_by_hand():
    truth = np.zeros((8, 1), dtype=bool)
    truth[[1, 2, 6]] = True
    times = np.array([[2.0 * line, 2.0 * line + 2] for line in range(8)])
    entry = dict(truth=truth, times=times)
    assert module._true_segments(entry, 0, 'runs').tolist() == [[2, 6], [12, 14]]
    assert module._true_segments(entry, 0, 'span').tolist() == [[2, 14]]
    scores = np.array([[0, 1, 1, 1, 0, 0, 0, 0]], dtype=np.float32).T
    metric = TemporalEmotionMetric(instances='set')
    entry.update(segment_scores=scores, clip_scores=np.array([0.5]), labels=np.array([0]))
    score, ious = metric._overlaps_of_sets(entry, 0)
    assert ious.tolist() == [[4 / 8]]  # lines 1 and 2 of 1, 2, 3 and 6
    assert score.tolist() == [pytest.approx(0.25 + 0.5)]


def test_points_in_time_are_widened():
    entry = dict(truth=np.array([[True]]), times=np.array([[3.0, 3.0]]))
    assert module._true_segments(entry, 0, 'runs').tolist() == [[3, pytest.approx(3.001)]]


def test_grounding_takes_the_best_proposal_of_each_true_class():
    made = samples(1)
    lines = torch.arange(8)
    made[0].gt_segments[:] = ((lines >= 2) & (lines <= 4))[:, None]
    made[0].gt_labels[:] = 1
    made[0].segment_scores = made[0].gt_segments.float() * 0.9
    found = evaluate(made, parts=('grounding',))
    assert found['tel/R1@0.5'] == 100 and found['tel/mIoU'] == pytest.approx(100)
    made[0].segment_scores = ((lines >= 4) & (lines <= 5))[:, None].repeat(1, 3).float()
    found = evaluate(made, parts=('grounding',))
    # times are [2 i, 2 i + 1]: [4, 9] against [8, 11], 1 of 7 s.
    assert found['tel/mIoU'] == pytest.approx(100 / 7, abs=1e-3) and found['tel/R1@0.3'] == 0


def test_a_set_without_boundaries_is_judged_by_its_clips_alone():
    made = samples()
    for sample in made:
        del sample.gt_segments
    with pytest.raises(ValueError, match='6 clips have no boundaries, among them clip0'):
        evaluate(made)
    found = evaluate(made, parts=('clips',))
    assert set(found) == {'tel/clip_mAP', 'tel/chance/clip_mAP'} and found['tel/clip_mAP'] == pytest.approx(100)


def test_chance_is_computed_once_for_a_set_and_can_be_left_out(monkeypatch):
    metric = TemporalEmotionMetric(chance_seeds=1)
    for _ in range(2):
        metric.process({}, [sample.to_dict() for sample in samples()])
        found = metric.evaluate(6)
        monkeypatch.setattr(metric, '_at_random', None)
    assert 'tel/chance/mAP' in found
    assert not any('chance' in name for name in evaluate(samples(), chance_seeds=0))


def test_options_are_checked():
    with pytest.raises(ValueError, match="instances 'pairs'"):
        TemporalEmotionMetric(instances='pairs')
    with pytest.raises(ValueError, match='parts'):
        TemporalEmotionMetric(parts=('words',))
