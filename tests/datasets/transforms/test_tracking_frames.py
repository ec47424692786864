import os

import numpy as np
import pytest

from tests.helpers.records import refused
from tests.helpers.tracking import write_images, write_lines
from vlplugins.datasets.transforms import LoadFrames, LoadPublicDetections, SampleClipFrames
from vlplugins.datasets.video_frames import VideoFrames


def video(visible):
    count = len(visible)
    boxes = np.arange(count)[:, None] + np.array([0, 0, 5, 5])
    frames = VideoFrames([f'{index}.jpg' for index in range(count)], boxes, [1] * count, [0] * count, [1] * count)
    return dict(images=frames, visible=np.array(visible, dtype=bool), video_id=3, video_length=count)


def test_clips_are_visible_near_and_in_order():
    visible = np.random.default_rng(0).random(100) < 0.5
    sample = SampleClipFrames(num_frames=3, max_gap=7, rng=np.random.default_rng(1))
    seen = set()
    for _ in range(300):
        clip = sample(video(visible))
        frames = clip['frame_id']
        assert len(frames) == 3 and frames == sorted(frames) and visible[frames].all()
        assert frames[2] - frames[0] <= 14
        assert [box[0, 0] for box in clip['gt_bboxes']] == frames
        seen.update(frames)
    assert seen == set(np.flatnonzero(visible))
    assert clip['ori_video_length'] == [100] * 3 and clip['video_id'] == [3] * 3


def test_pairs_are_at_most_a_gap_apart():
    sample = SampleClipFrames(num_frames=2, max_gap=5, rng=np.random.default_rng(1))
    gaps = [np.ptp(sample(video([True] * 50))['frame_id']) for _ in range(300)]
    assert max(gaps) == 5 and min(gaps) == 1


def test_the_gap_grows_until_another_frame_is_found():
    visible = [False] * 60
    visible[3] = visible[40] = True
    sample = SampleClipFrames(num_frames=2, max_gap=10, rng=np.random.default_rng(0))
    assert all(sample(video(visible))['frame_id'] == [3, 40] for _ in range(10))


def test_images_are_repeated_and_nothing_visible_is_no_clip():
    assert SampleClipFrames(num_frames=3)(video([True]))['frame_id'] == [0, 0, 0]
    assert SampleClipFrames()(video([False, False])) is None
    with pytest.raises(ValueError, match='num_frames 0'):
        SampleClipFrames(num_frames=0)


def test_images_are_read_and_kept(tmp_path):
    write_images(tmp_path, '%d.jpg', 0, 3)
    paths = [str(tmp_path / f'{index}.jpg') for index in range(3)]
    load = LoadFrames(cache_size=2)
    loaded = load(dict(img_path=paths))
    assert [abs(int(image.mean()) - 10 * index) <= 1 for index, image in enumerate(loaded['img'])] == [True] * 3
    assert loaded['img_shape'] == loaded['ori_shape'] == [(40, 60)] * 3
    for path in paths:
        (tmp_path / path).unlink()
    again = load(dict(img_path=paths[1:]))
    assert all(one is other for one, other in zip(again['img'], loaded['img'][1:]))
    with pytest.raises(ValueError, match='read-only'):
        again['img'][0][0, 0] = 0
    with refused('0.jpg: found No such file'):
        load(dict(img_path=paths[:1]))


def test_public_detections_of_frames(tmp_path):
    rows = [[1, -1, 10, 20, 30, 40, 0.9], [3, -1, 1, 2, 3, 4, 0.2], [3, -1, 5, 6, 7, 8, 0.8], [1, -1, 0, 0, 1, 1, 0.1]]
    write_lines(tmp_path / 'MOT/det/det.txt', rows)
    paths = [str(tmp_path / f'MOT/img1/{number:06d}.jpg') for number in (1, 2, 3)]
    found = LoadPublicDetections(min_score=0.15)(dict(img_path=paths, frame_id=[0, 1, 2]))
    assert [boxes.tolist() for boxes in found['public_bboxes']] == [
        [[10, 20, 40, 60]], [], [[1, 2, 4, 6], [5, 6, 12, 14]],
    ]  # fmt: skip
    np.testing.assert_allclose(found['public_scores'][2], [0.2, 0.8])
    assert found['public_bboxes'][1].shape == (0, 4) and found['public_labels'][2].tolist() == [0, 0]
    # In the second half of a video frames are counted anew, but the file counts those of the video.
    half = LoadPublicDetections()(dict(img_path=paths[:1], frame_id=[0], mot_frame_id=[3]))
    assert len(half['public_bboxes'][0]) == 2


def test_public_detections_that_were_written_anew_are_read_anew(tmp_path):
    path = str(tmp_path / 'MOT/img1/000001.jpg')
    for x in (1, 2):
        file = write_lines(tmp_path / 'MOT/det/det.txt', [[1, -1, x, 1, 5, 5, 0.5]])
        os.utime(file, ns=(x * 10**9, x * 10**9))
        assert LoadPublicDetections()(dict(img_path=[path], frame_id=[0]))['public_bboxes'][0][0, 0] == x


def test_missing_public_detections_are_named(tmp_path):
    path = str(tmp_path / 'MOT/img1/000001.jpg')
    with refused('MOT/det/det.txt: found No such file'):
        LoadPublicDetections()(dict(img_path=[path], frame_id=[0]))
    write_lines(tmp_path / 'MOT/det/bad.txt', [[1, -1, 1, 1, 0, 5, 0.5]])
    with refused('bad.txt, record row 1: found a box'):
        LoadPublicDetections(file='det/bad.txt')(dict(img_path=[path], frame_id=[0]))
