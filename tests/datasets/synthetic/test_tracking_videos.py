import json

import cv2
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from vlplugins.datasets.formats.tracking_files import read_boxes, read_flags, read_mot_table, read_seqinfo
from vlplugins.datasets.synthetic import SyntheticTrackingVideos
from vlplugins.datasets.synthetic.moving_patches import fold, paint, striped_patch
from vlplugins.evaluation.functional.single_object_tracking import judge_track, nearer_to_target

SMALL = dict(num_train=2, num_test=1, num_mot_train=1, num_mot_test=1, num_frames=12)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tracking') / 'set'
    return SyntheticTrackingVideos(str(folder), num_train=8, num_test=2, num_mot_train=3, num_mot_test=1).prepare()


def single(root, split='training'):
    for name in (root / f'LaSOT/{split}_set.txt').read_text().split():
        yield root / 'LaSOT' / name.split('-')[0] / name


def centres(boxes):
    return boxes[:, :2] + boxes[:, 2:] / 2


def middle_hue(folder, frame, box):
    """Hue, in degrees, of the saturated pixels of a box."""
    image = cv2.imread(str(folder / f'img/{frame + 1:08d}.jpg'))
    x, y, w, h = box.astype(int)
    hue, saturation, _ = cv2.split(cv2.cvtColor(image[y : y + h, x : x + w], cv2.COLOR_BGR2HSV).astype(float))
    angles = np.deg2rad(2 * hue[saturation > 120])
    return np.rad2deg(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean())) % 360


def test_layout_of_lasot(root):
    assert [len(list(single(root, split))) for split in ('training', 'testing')] == [8, 2]
    for folder in single(root):
        assert len(list((folder / 'img').iterdir())) == 24
        assert cv2.imread(str(folder / 'img/00000001.jpg')).shape == (96, 96, 3)
        boxes = read_boxes(folder / 'groundtruth.txt', num_frames=24)
        assert (boxes[:, :2] >= 0).all() and (boxes[:, :2] + boxes[:, 2:] <= 96).all()
        assert boxes[:, 2:].min() >= 14 and boxes[:, 2:].max() <= 26
        occluded = read_flags(folder / 'full_occlusion.txt', 24)
        assert 2 <= occluded.sum() < 12 and occluded[0] == 0
        assert not read_flags(folder / 'out_of_view.txt', 24).any()


def test_targets_jump_and_distractors_take_their_place_and_cross_them(root):
    for folder in single(root):
        boxes, other = (read_boxes(folder / name) for name in ('groundtruth.txt', 'distractor_1.txt'))
        size = np.sqrt(boxes[0, 2:].prod())
        steps = np.linalg.norm(np.diff(boxes[:, :2], axis=0), axis=1) / size
        jumps = 1 + np.flatnonzero(steps > 0.8)
        assert 2 <= len(jumps) <= 4 and np.median(steps) < 0.3
        assert np.linalg.norm(other[jumps, :2] - boxes[jumps - 1, :2], axis=1).max() < 0.5 * size
        apart = np.linalg.norm(centres(boxes) - centres(other), axis=1) / size
        assert apart[0] > 1 and apart.min() < 0.5


def test_the_place_does_not_tell_target_from_distractor(tmp_path):
    """The first box, kept in all frames, is as often nearer to the one as to the other."""
    many = SyntheticTrackingVideos(str(tmp_path / 'many'), num_train=40, num_test=1, num_mot_train=1, num_mot_test=1)
    many.prepare()
    told = []
    for folder in single(tmp_path / 'many'):
        boxes, other = (read_boxes(folder / name) for name in ('groundtruth.txt', 'distractor_1.txt'))
        visible = read_flags(folder / 'full_occlusion.txt', 24) == 0
        told.append(nearer_to_target(np.repeat(boxes[:1], 24, axis=0), boxes, other[:, None], visible))
    assert 0.4 < np.concatenate(told).mean() < 0.6


def test_colours_alone_tell_target_from_distractor(root):
    differences = []
    for folder in single(root):
        boxes, other = (read_boxes(folder / name) for name in ('groundtruth.txt', 'distractor_1.txt'))
        hues = [middle_hue(folder, 0, each[0]) for each in (boxes, other)]
        differences.append(abs((hues[0] - hues[1] + 180) % 360 - 180))
    assert min(differences) > 100
    # Neither size nor shape tells: both are drawn from the same ranges.
    assert all((folder.name.startswith('ring')) == (folder.parent.name == 'ring') for folder in single(root))


def test_the_flag_says_that_nothing_is_seen(root):
    for folder in single(root):
        boxes = read_boxes(folder / 'groundtruth.txt')
        hue = middle_hue(folder, 0, boxes[0])
        for frame in np.flatnonzero(read_flags(folder / 'full_occlusion.txt', 24)):
            x, y, w, h = boxes[frame].astype(int)
            image = cv2.imread(str(folder / f'img/{frame + 1:08d}.jpg'))[y : y + h, x : x + w]
            hues, saturation, _ = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(float))
            own = (saturation > 120) & (abs((2 * hues - hue + 180) % 360 - 180) < 40)
            assert own.mean() < 0.25


def test_a_frozen_box_scores_little_and_the_truth_all_that_can_be_seen(root):
    frozen, perfect = [], []
    for folder in single(root):
        boxes = read_boxes(folder / 'groundtruth.txt')
        visible = read_flags(folder / 'full_occlusion.txt', 24) == 0
        frozen.append(judge_track(np.repeat(boxes[:1], 24, axis=0), boxes, visible)['success'])
        perfect.append(judge_track(boxes, boxes, visible)['success'] / visible.mean())
    assert np.mean(frozen) < 35
    np.testing.assert_allclose(perfect, 100 * 20 / 21)


def test_layout_of_mot17(root):
    folder = root / 'MOT17/train/MOT17-01-FRCNN'
    info = read_seqinfo(folder / 'seqinfo.ini')
    assert (info['seqLength'], info['imWidth'], info['name']) == (24, 96, 'MOT17-01-FRCNN')
    assert len(list((folder / 'img1').iterdir())) == 24
    table = read_mot_table(folder / 'gt/gt.txt')
    assert set(table.track) == {1, 2, 3, 4} and (table.boxes[:, 2:] == (10, 22)).all()
    content = json.loads((root / 'MOT17/annotations/train_cocoformat.json').read_text())
    assert len(content['videos']) == 3 and len(content['images']) == 72 and content['num_instances'] == 12
    assert content['images'][0]['file_name'] == 'MOT17-01-FRCNN/img1/000001.jpg'
    assert sum(each['image_id'] <= 24 for each in content['annotations']) == len(table.boxes)


def test_one_leaves_and_one_enters(root):
    for folder in sorted((root / 'MOT17/train').iterdir()):
        table = read_mot_table(folder / 'gt/gt.txt')
        spans = [
            (table.frame[table.track == track].min(), table.frame[table.track == track].max()) for track in (1, 2, 3, 4)
        ]
        assert sum(span == (1, 24) for span in spans) >= 2
        assert sum(end < 24 for _, end in spans) == 1 and sum(start > 1 for start, _ in spans) == 1


def test_last_boxes_swap_those_that_meet(root):
    """What the track transformer is for: the truth of the last frame is a bad guess for this one."""
    wrong = 0
    for folder in sorted((root / 'MOT17/train').iterdir()):
        table = read_mot_table(folder / 'gt/gt.txt')
        for frame in range(1, 24):
            old, new = table.frame == frame, table.frame == frame + 1
            cost = np.abs(table.boxes[old][:, None, :2] - table.boxes[new][None, :, :2]).sum(axis=2)
            rows, columns = linear_sum_assignment(cost)
            wrong += (table.track[old][rows] != table.track[new][columns]).sum()
    # Two rows of each swap: four swaps or more in each video, on average.
    assert wrong >= 2 * 4 * 3


def test_public_detections_are_noisy_and_anonymous(root, tmp_path):
    folder = root / 'MOT17/train/MOT17-01-FRCNN'
    truth, found = read_mot_table(folder / 'gt/gt.txt'), read_mot_table(folder / 'det/det.txt', unique=False)
    assert set(found.track) == {-1} and set(found.confidence[found.confidence > 0.7]) == {0.9}
    true = found.confidence == 0.9
    assert 0.85 * len(truth.boxes) < true.sum() < len(truth.boxes)
    distances = [
        np.abs(truth.boxes[truth.frame == frame] - box).max(axis=1).min()
        for frame, box in zip(found.frame[true], found.boxes[true])
    ]
    assert 0.3 < np.mean(distances) < 2
    clean = SyntheticTrackingVideos(
        str(tmp_path / 'clean'), detection_noise=0, missed=0, false_alarms=0, **SMALL
    ).prepare()
    tables = [
        read_mot_table(clean / f'MOT17/train/MOT17-01-FRCNN/{name}', False) for name in ('gt/gt.txt', 'det/det.txt')
    ]
    rows = [sorted(zip(table.frame.tolist(), *table.boxes.T.tolist())) for table in tables]
    assert rows[0] == rows[1]


def test_options_change_what_they_say(tmp_path):
    calm = SyntheticTrackingVideos(
        str(tmp_path / 'calm'), jump_every=0, motion=0.05, num_distractors=2, detail=0, **SMALL
    ).prepare()
    for folder in single(calm):
        boxes = read_boxes(folder / 'groundtruth.txt')
        assert np.abs(np.diff(boxes[:, :2], axis=0)).max() < 10
        assert len(list(folder.glob('distractor_*.txt'))) == 2
        image = cv2.imread(str(folder / 'img/00000001.jpg')).astype(float)
        assert abs(np.median(image) - 128) < 3


def test_the_same_seed_gives_the_same_set(tmp_path):
    roots = [
        SyntheticTrackingVideos(str(tmp_path / name), seed=seed, **SMALL).prepare()
        for name, seed in (('a', 0), ('b', 0), ('c', 1))
    ]
    for name in ('LaSOT/ring/ring-1/img/00000005.jpg', 'MOT17/test/MOT17-02-FRCNN/det/det.txt'):
        contents = [(each / name).read_bytes() for each in roots]
        assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize('options', [dict(num_mot_test=0), dict(num_frames=8), dict(jump=(2, 1)), dict(missed=1.0)])
def test_bad_arguments_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match='expected|must be'):
        SyntheticTrackingVideos(str(tmp_path), **options)


def test_patches_cover_each_other_and_end_at_the_border():
    rng = np.random.default_rng(0)
    patch = striped_patch('figure', (4, 6), 0, rng)
    _, seen = paint(np.zeros((10, 10, 3)), [(patch, (-2, 0)), (patch, (-2, 3)), (patch, (20, 0))])
    assert seen == [0.25, 0.5, 0]
    np.testing.assert_allclose(fold(np.array([-1.0, 4.0, 12.0, 21.0]), np.zeros(4), np.full(4, 10.0)), [1, 4, 8, 1])
