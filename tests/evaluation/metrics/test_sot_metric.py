import numpy as np
import pytest

pytest.importorskip('mmdet')

import torch  # noqa: E402
from mmdet.structures import DetDataSample, TrackDataSample  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402

from tests.helpers.processes import run_distributed  # noqa: E402
from vlplugins.evaluation.metrics import GOT10kMetric, SOTMetric  # noqa: E402

STILL = [10.0, 10.0, 10.0, 10.0]


def corners(box):
    x, y, w, h = box
    return torch.tensor([[x, y, x + w, y + h]], dtype=torch.float32).reshape(-1, 4)


def frames_of(name, boxes, truth, **values):
    """Samples of the frames of a video; boxes are x, y, width, height."""
    samples = []
    for index, (box, true) in enumerate(zip(boxes, truth)):
        meta = dict(name=name, frame_id=index, ori_video_length=len(boxes), ori_shape=(50, 80))
        meta.update({key: each[index] for key, each in values.items()})
        frame = DetDataSample(metainfo=meta)
        frame.gt_instances = InstanceData(bboxes=torch.zeros(0, 4) if true is None else corners(true))
        frame.pred_track_instances = InstanceData(bboxes=corners(box))
        sample = TrackDataSample()
        sample.video_data_samples = [frame]
        samples.append(sample)
    return samples


def judged(metric, samples):
    for sample in samples:
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(1)


def shifted(*pixels):
    return [[10.0 + shift, 10.0, 10.0, 10.0] for shift in pixels]


def test_frames_become_tracks_and_tracks_are_judged():
    samples = frames_of('a', shifted(0, 0, 5, 30), [STILL] * 4) + frames_of('b', [STILL] * 2, [STILL] * 2)
    found = judged(SOTMetric(), samples)
    # Of a: overlaps 1, 1, 1/3, 0, above 20, 20, 7 and 0 of 21 thresholds; of b: 20, 20. The mean of both videos.
    np.testing.assert_allclose(found['success'], 100 * ((20 + 20 + 7) / 84 + 20 / 21) / 2)
    np.testing.assert_allclose([found['OP50'], found['OP75'], found['precision']], [75, 75, 87.5])
    assert set(found) == {'success', 'OP50', 'OP75', 'precision', 'norm_precision'}


def test_invisible_frames_count_as_failures():
    found = judged(SOTMetric(['OP50']), frames_of('a', [STILL] * 4, [STILL] * 4, visible=[True, False, False, True]))
    assert found == dict(OP50=50.0)


def test_the_first_box_that_is_kept():
    truth = shifted(0, 0, 30, 40)
    found = judged(SOTMetric(['OP50', 'precision'], with_frozen=True), frames_of('a', truth, truth))
    assert found == {'OP50': 100.0, 'precision': 100.0, 'frozen/OP50': 50.0, 'frozen/precision': 50.0}


def test_discrimination_counts_frames_in_which_it_says_something():
    others = [
        [[60.0, 10, 70, 20]],
        [[60.0, 10, 70, 20]],
        [[60.0, 10, 70, 20]],
        [[12.0, 10, 22, 20]],
        [[60.0, 10, 70, 20]],
    ]
    boxes = shifted(0, 10, 40, 40, 45)
    values = dict(distractors=list(map(np.array, others)), visible=[True, True, True, True, False])
    found = judged(SOTMetric(with_frozen=True), frames_of('a', boxes, [STILL] * 5, **values))
    # Frame 0 is given, 3 has the other beside the target, 4 is not visible.
    assert found['discrimination'] == 50.0 and found['frozen/discrimination'] == 100.0


def _half(rank, world):
    samples = frames_of('a', shifted(0, 0, 5, 30, 2), [STILL] * 5) + frames_of('b', shifted(0, 3), [STILL] * 2)
    metric = SOTMetric(with_frozen=True)
    # A video stays with one process, so that one has more frames.
    for sample in samples if world == 1 else (samples[:5], samples[5:])[rank]:
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(2)


def test_refinement_is_what_boxes_gain_over_what_they_were_made_of():
    samples = frames_of('a', shifted(0, 0, 5, 0), [STILL] * 4, visible=[True, True, True, False])
    for sample, shift in zip(samples, (5, 5, 5, 5)):
        sample[0].pred_track_instances.proposals = corners(shifted(shift)[0])
    found = judged(SOTMetric(['OP50'], with_frozen=True), samples)
    # Frame 1 goes from 1/3 to 1, frame 2 stays at 1/3; frame 0 is given, 3 is not visible.
    assert found['refinement'] == pytest.approx(100 / 3) and 'frozen/refinement' not in found


def test_two_processes_give_what_one_gives():
    alone = _half(0, 1)
    assert run_distributed(_half, 2) == [alone, alone]


def test_order_and_repetition_do_not_matter():
    samples = frames_of('a', shifted(0, 4, 8), [STILL] * 3)
    plain = judged(SOTMetric(), samples)
    assert judged(SOTMetric(), samples[::-1] + samples[:2]) == plain


def test_boxes_of_resized_frames_are_compared_in_pixels_of_the_video():
    samples = frames_of('a', [STILL] * 2, [[5.0, 2.5, 5.0, 2.5]] * 2, scale_factor=[(0.5, 0.25)] * 2)
    assert judged(SOTMetric(['OP75']), samples) == dict(OP75=100.0)


@pytest.mark.parametrize('box', [[float('nan'), 1, 2, 3], [1, 1, -5, 3]])
@pytest.mark.parametrize('metric', [SOTMetric, GOT10kMetric])
def test_predictions_that_are_no_box_name_the_sequence(metric, box):
    with pytest.raises(ValueError, match='sequence a: frame 1 has the box'):
        judged(metric(), frames_of('a', [STILL, box], [STILL] * 2))


def test_missing_frames_and_predictions_name_the_sequence():
    samples = frames_of('a', [STILL] * 3, [STILL] * 3)
    with pytest.raises(ValueError, match='a has 2 of 3 frames; the first missing one is 1'):
        judged(SOTMetric(), [samples[0], samples[2]])
    samples[1][0].pred_track_instances = InstanceData(bboxes=torch.zeros(0, 4))
    with pytest.raises(ValueError, match='sequence a: frame 1 has no predicted box'):
        judged(SOTMetric(), samples)


def test_results_are_written_for_servers(tmp_path):
    samples = frames_of('TEST/ab', shifted(1, 4), [STILL, None])
    assert judged(SOTMetric(outfile_prefix=str(tmp_path), format_only=True), samples) == {}
    # The first box is the given one.
    assert (tmp_path / 'ab.txt').read_text() == '10.0000,10.0000,10.0000,10.0000\n14.0000,10.0000,10.0000,10.0000\n'
    with pytest.raises(ValueError, match='TEST/ab has no public truth: use format_only'):
        judged(SOTMetric(), samples)
    with pytest.raises(ValueError, match='outfile_prefix'):
        SOTMetric(format_only=True)
    with pytest.raises(ValueError, match="'hota'"):
        SOTMetric(['hota'])


def test_got10k_pools_the_frames_that_count():
    first = frames_of('train/a', shifted(3, 0, 5, 0), [STILL] * 4, cover=[8, 8, 8, 0])
    second = frames_of('train/b', shifted(0, 0), [STILL] * 2, cover=[8, 8])
    found = judged(GOT10kMetric(), first + second)
    # The first frame of each is left out, so is that without cover: overlaps 1, 1/3 and 1.
    np.testing.assert_allclose([found['AO'], found['SR_0.5'], found['SR_0.75']], [700 / 9, 200 / 3, 200 / 3])


def test_got10k_files(tmp_path):
    metric = GOT10kMetric(outfile_prefix=str(tmp_path), format_only=True)
    samples = frames_of('test/GOT-10k_Test_000001', shifted(0, 1.23456), [STILL, None], seconds=[0.5, 0.25])
    assert judged(metric, samples) == {}
    folder = tmp_path / 'GOT-10k_Test_000001'
    assert (folder / 'GOT-10k_Test_000001_001.txt').read_text().splitlines()[1] == '11.2346,10.0000,10.0000,10.0000'
    assert (folder / 'GOT-10k_Test_000001_time.txt').read_text() == '0.50000000\n0.25000000\n'
