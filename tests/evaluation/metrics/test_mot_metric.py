import sys

import pytest

pytest.importorskip('mmdet')
pytest.importorskip('trackeval')

import torch  # noqa: E402
from mmdet.structures import DetDataSample, TrackDataSample  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402

from tests.helpers.processes import run_distributed  # noqa: E402
from vlplugins.evaluation.metrics.mot_metric import MOTMetric  # noqa: E402


def frame_of(video, number, length, truth, found):
    """A frame with truth and predictions by identity: x, y, width, height."""
    instances = [
        dict(bbox=[x, y, x + w, y + h], instance_id=key, mot_conf=1.0, category_id=1, visibility=1.0)
        for key, (x, y, w, h) in truth.items()
    ]
    path = f'data/MOT17/train/{video}/img1/{number + 1:06d}.jpg'
    frame = DetDataSample(metainfo=dict(img_path=path, frame_id=number, ori_video_length=length, instances=instances))
    boxes = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in found.values()]).reshape(-1, 4).float()
    frame.pred_track_instances = InstanceData(
        bboxes=boxes, scores=torch.ones(len(boxes)), instances_id=torch.tensor(list(found), dtype=torch.long)
    )
    sample = TrackDataSample()
    sample.video_data_samples = [frame]
    return sample


def video_of(name, length=4, swap_at=None, lose=()):
    """Two objects far apart; from a frame on their identities are swapped, in some the second one is not found."""
    samples = []
    for number in range(length):
        one, other = [10 + 5 * number, 10, 20, 40], [200, 10, 20, 40]
        keys = (1, 2) if swap_at is None or number < swap_at else (2, 1)
        found = {keys[0]: one} if number in lose else {keys[0]: one, keys[1]: other}
        samples.append(frame_of(name, number, length, {7: one, 8: other}, found))
    return samples


def judged(samples, **options):
    metric = MOTMetric(**options)
    for sample in samples:
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(1)


def test_a_perfect_tracker(capsys):
    found = judged(video_of('MOT17-02'))
    assert {name: round(found[name], 6) for name in ('MOTA', 'IDF1', 'HOTA', 'MOTP')} == dict(
        MOTA=100, IDF1=100, HOTA=100, MOTP=100
    )
    assert (found['TP'], found['FP'], found['FN'], found['IDSW']) == (8, 0, 0, 0)
    # trackeval would print a page.
    assert 'COMBINED' not in capsys.readouterr().out


def test_swapped_identities_and_missed_objects():
    found = judged(video_of('MOT17-02', swap_at=2))
    # Two switches of 8 boxes; each identity is right for half of them.
    assert (found['MOTA'], found['IDF1'], found['IDSW']) == (75, 50, 2)
    found = judged(video_of('MOT17-02', lose=(1, 2)))
    assert (found['MOTA'], found['FN'], found['Frag']) == (75, 2, 1)


def test_the_threshold_is_heeded():
    samples = [
        frame_of('MOT17-02', 0, 2, {7: [0, 0, 20, 40]}, {1: [5, 0, 20, 40]}),
        frame_of('MOT17-02', 1, 2, {7: [0, 0, 20, 40]}, {1: [5, 0, 20, 40]}),
    ]
    # The overlap is 0.6.
    assert judged(samples, metric='CLEAR')['TP'] == 2
    assert judged(samples, metric='CLEAR', track_iou_thr=0.7)['TP'] == 0


def test_frames_without_objects_and_predictions():
    samples = [
        frame_of('MOT17-02', 0, 2, {}, {}),
        frame_of('MOT17-02', 1, 2, {7: [0, 0, 20, 40]}, {1: [0, 0, 20, 40]}),
    ]
    assert judged(samples)['MOTA'] == 100


def _half(rank, world):
    videos = [video_of('MOT17-02', swap_at=2), video_of('MOT17-04', 3)]
    return judged([sample for index, video in enumerate(videos) for sample in video if index % world == rank])


def test_two_processes_give_what_one_gives():
    alone = _half(0, 1)
    assert run_distributed(_half, 2) == [alone, alone]


def test_the_metric_can_be_used_again():
    metric = MOTMetric(['CLEAR'])
    for _ in range(2):
        for sample in video_of('MOT17-02', lose=(1,)):
            metric.process({}, [sample.to_dict()])
        assert metric.evaluate(1)['MOTA'] == 87.5


def test_bad_predictions_name_the_sequence():
    with pytest.raises(ValueError, match='sequence MOT17-02, frame 0: boxes or scores that are not finite'):
        judged([frame_of('MOT17-02', 0, 1, {}, {1: [float('nan'), 0, 5, 5]})])
    for identities in ([3, 3], [3, -1]):
        sample = frame_of('MOT17-02', 0, 1, {}, {1: [0, 0, 5, 5], 2: [9, 9, 5, 5]})
        sample[0].pred_track_instances.instances_id = torch.tensor(identities)
        with pytest.raises(ValueError, match='frame 0: an identity occurs twice or is negative'):
            judged([sample])


def test_files_of_the_server(tmp_path):
    assert judged(video_of('MOT17-01', 2), outfile_prefix=str(tmp_path / 'out'), format_only=True) == {}
    lines = (tmp_path / 'out/default-tracker/MOT17-01.txt').read_text().splitlines()
    assert lines[0] == '1,1,10.000,10.000,20.000,40.000,1.000,-1,-1,-1' and len(lines) == 4


def test_missing_package_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, 'trackeval', None)
    with pytest.raises(ImportError, match='MOTMetric needs the package trackeval: pip install --no-deps trackeval'):
        MOTMetric()
