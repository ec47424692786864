import pickle

import numpy as np
import pytest

pytest.importorskip('mmdet')

from mmdet.datasets.samplers import TrackImgSampler  # noqa: E402

from tests.helpers.processes import run_distributed  # noqa: E402
from tests.helpers.records import refused  # noqa: E402
from tests.helpers.tracking import straight_boxes, write_images, write_lasot, write_lines  # noqa: E402
from vlplugins.datasets.got10k import GOT10kDataset  # noqa: E402
from vlplugins.datasets.lasot import LaSOTDataset  # noqa: E402
from vlplugins.datasets.trackingnet import TrackingNetDataset  # noqa: E402
from vlplugins.registry import DATASETS  # noqa: E402

ALL = dict(min_length=1, min_visible=1)


def lasot(root, **options):
    return LaSOTDataset(data_root=str(root), **{**ALL, **options})


def test_a_record_is_a_sequence_with_lazy_frames(tmp_path):
    write_lasot(tmp_path, occluded=(2,), outside=(4,))
    dataset = lasot(tmp_path)
    record = dataset.get_data_info(0)
    assert (record['name'], record['video_length'], record['width'], record['height']) == ('cat-1', 6, 60, 40)
    assert record['visible'].tolist() == [True, True, False, True, False, True]
    frame = record['images'][3]
    # The file has x, y, width, height; a frame has corners.
    assert frame['gt_bboxes'].tolist() == [[11, 10, 23, 18]] and frame['gt_bboxes'].dtype == np.float32
    assert frame['img_path'] == str(tmp_path / 'cat/cat-1/img/00000004.jpg')
    assert (frame['frame_id'], frame['visible'], frame['init_bbox']) == (3, True, None)
    assert record['images'][0]['init_bbox'] == [5, 10, 12, 8]
    with pytest.raises(IndexError, match='frame 6 of 6'):
        record['images'][6]


def test_lists_choose_the_sequences_of_a_protocol(tmp_path):
    for name in ('cat-1', 'cat-2', 'fox-tail-1'):
        write_lasot(tmp_path, name)
    (tmp_path / 'testing_set.txt').write_text('fox-tail-1\ncat-2\n')
    dataset = lasot(tmp_path, ann_file='testing_set.txt', test_mode=True)
    assert [dataset.get_data_info(index)['name'] for index in range(2)] == ['fox-tail-1', 'cat-2']
    assert len(lasot(tmp_path)) == 3


def test_frames_come_one_by_one_in_the_order_of_the_video(tmp_path):
    """What online trackers need; a shuffled order would mix their states."""
    for name, count in (('cat-1', 3), ('cat-2', 2)):
        write_lasot(tmp_path, name, count)
    dataset = lasot(tmp_path, test_mode=True, pipeline=[lambda frame: frame])
    sampler = TrackImgSampler(dataset)
    assert list(sampler) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    frames = [dataset[index] for index in sampler]
    assert [(frame['name'], frame['frame_id']) for frame in frames] == [
        (['cat-1'], [0]), (['cat-1'], [1]), (['cat-1'], [2]), (['cat-2'], [0]), (['cat-2'], [1]),
    ]  # fmt: skip
    assert [frame['ori_video_length'] for frame in frames] == [[3], [3], [3], [2], [2]]
    assert dataset.num_all_imgs == 5


def test_sequences_that_are_hardly_visible_are_left_out_of_training(tmp_path):
    write_lasot(tmp_path, 'cat-1', 6)
    write_lasot(tmp_path, 'cat-2', 6, occluded=range(6))
    write_lasot(tmp_path, 'cat-3', 6, occluded=range(4))
    write_lasot(tmp_path, 'cat-4', 4)
    dataset = lasot(tmp_path, min_length=5, min_visible=3)
    assert [dataset.get_data_info(index)['name'] for index in range(len(dataset))] == ['cat-1']
    assert len(lasot(tmp_path, min_length=5, min_visible=3, test_mode=True)) == 4
    with refused('4 sequences skipped: .*1 in which the target is never visible.*; expected a sequence for training'):
        lasot(tmp_path, min_length=50, min_visible=3)


def test_a_clip_that_shows_nothing_is_drawn_anew(tmp_path):
    for name in ('cat-1', 'cat-2'):
        write_lasot(tmp_path, name)
    np.random.seed(0)
    dataset = lasot(tmp_path, pipeline=[lambda record: record if record['name'] == 'cat-2' else None])
    assert [dataset[0]['name'] for _ in range(3)] == ['cat-2'] * 3 and dataset.redrawn.total >= 3


def test_frames_without_a_valid_box_are_not_visible(tmp_path):
    boxes = straight_boxes(4)
    boxes[1], boxes[2] = [5, 10, 0, 8], [70, 10, 12, 8]
    write_lasot(tmp_path, count=4, boxes=boxes)
    assert lasot(tmp_path).get_data_info(0)['visible'].tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda root: write_lines(root / 'groundtruth.txt', straight_boxes(5)), 'groundtruth.txt: found 5 boxes; .* 6'),
        (lambda root: write_lines(root / 'groundtruth.txt', [['nan'] * 4] * 6), 'groundtruth.txt, record line 1'),
        (lambda root: write_lines(root / 'out_of_view.txt', [[0] * 4]), 'out_of_view.txt: found 4 flags; .* 6'),
        (lambda root: (root / 'full_occlusion.txt').unlink(), 'full_occlusion.txt: found No such file'),
        (
            lambda root: (root / 'img/00000006.jpg').rename(root / 'img/00000007.jpg'),
            '00000006.jpg: found no such file',
        ),
        (lambda root: (root / 'img/00000001.jpg').write_bytes(b'x'), 'img/00000001.jpg: found'),
    ],
)
def test_damaged_sequences_are_named(tmp_path, change, message):
    folder = write_lasot(tmp_path)
    change(folder)
    with refused(message):
        lasot(tmp_path)


@pytest.mark.parametrize(
    ('box', 'message'),
    [([5, 10, 0, 8], 'the first box .5.0, 10.0, 0.0, 8.0'), ([70, 10, 5, 5], 'outside 60 x 40 pixels')],
)
def test_impossible_first_boxes_are_refused_in_a_test(tmp_path, box, message):
    write_lasot(tmp_path, count=3, boxes=[box, *straight_boxes(2)])
    with refused(f'groundtruth.txt: found .*{message}'):
        lasot(tmp_path, test_mode=True)[0, 0]


def test_a_first_box_partly_outside_is_accepted(tmp_path):
    write_lasot(tmp_path, count=3, boxes=[[-5, 35, 20, 20], *straight_boxes(2)])
    dataset = lasot(tmp_path, test_mode=True, pipeline=[lambda frame: frame])
    assert dataset[0, 0]['init_bbox'] == [[-5, 35, 20, 20]]


def test_missing_lists_and_folders_are_named(tmp_path):
    with refused('found no sequence'):
        lasot(tmp_path)
    with refused('nowhere.txt: found No such file'):
        lasot(tmp_path, ann_file='nowhere.txt')


def test_index_is_made_once_and_goes_on_where_it_was(tmp_path, monkeypatch):
    for name in ('cat-1', 'cat-2', 'cat-3'):
        write_lasot(tmp_path, name)
    first = lasot(tmp_path, index_file='index.jsonl')
    lines = (tmp_path / 'index.jsonl').read_text().splitlines()
    assert lines[1] == '["cat-1", 6, 60, 40, 6]' and len(lines) == 4
    # A killed run leaves half a line.
    (tmp_path / 'index.jsonl').write_text('\n'.join(lines[:2]) + '\n["cat-2", 6')
    opened = []
    describe = LaSOTDataset.describe
    monkeypatch.setattr(LaSOTDataset, 'describe', lambda self, name: opened.append(name) or describe(self, name))
    again = lasot(tmp_path, index_file='index.jsonl')
    assert opened == ['cat-2', 'cat-3'] and len(again) == len(first) == 3
    assert (tmp_path / 'index.jsonl').read_text().splitlines() == lines
    lasot(tmp_path, index_file='index.jsonl')
    assert opened == ['cat-2', 'cat-3']


@pytest.mark.parametrize('line', ['["cat-1", 6, 60]', '{"a": 1}', 'x', '["cat-1", 6, 60, 40, 1.5]'])
def test_damaged_index_is_named(tmp_path, line):
    write_lasot(tmp_path)
    lasot(tmp_path, index_file='index.jsonl')
    with open(tmp_path / 'index.jsonl', 'a') as file:
        file.write(line + '\n')
    with refused('index.jsonl, record 3: found .*remove the file'):
        lasot(tmp_path, index_file='index.jsonl')


def test_an_index_of_something_else_is_refused(tmp_path):
    write_lasot(tmp_path)
    (tmp_path / 'index.jsonl').write_text('{"format": "other"}\n')
    with refused('index.jsonl, record 1'):
        lasot(tmp_path, index_file='index.jsonl')


def _indexed(rank, world, root):
    dataset = lasot(root, index_file='index.jsonl')
    return [dataset.get_data_info(index)['name'] for index in range(len(dataset))]


def test_two_processes_make_one_index(tmp_path):
    for name in ('cat-1', 'cat-2', 'cat-3'):
        write_lasot(tmp_path, name)
    assert run_distributed(_indexed, 2, str(tmp_path)) == [['cat-1', 'cat-2', 'cat-3']] * 2
    assert len((tmp_path / 'index.jsonl').read_text().splitlines()) == 4


def test_sets_travel_to_workers(tmp_path):
    write_lasot(tmp_path)
    dataset = pickle.loads(pickle.dumps(lasot(tmp_path)))
    assert dataset.get_data_info(0)['images'][1]['gt_bboxes'].tolist() == [[7, 10, 19, 18]]


def test_boxes_of_other_objects(tmp_path):
    folder = write_lasot(tmp_path, count=3)
    with refused('no distractor_'):
        lasot(tmp_path, other_boxes='distractor_*.txt').get_data_info(0)
    write_lines(folder / 'distractor_1.txt', [[30, 5, 10, 10]] * 3)
    record = lasot(tmp_path, other_boxes='distractor_*.txt').get_data_info(0)
    assert record['images'][1]['distractors'].tolist() == [[30, 5, 40, 15]]


def write_got(root, split, name, count=5, boxes=None):
    folder = root / split / name
    write_images(folder, '%08d.jpg', 1, count)
    write_lines(folder / 'groundtruth.txt', straight_boxes(count) if boxes is None else boxes)
    if boxes is None:
        write_lines(folder / 'absence.label', [[int(index == 1)] for index in range(count)])
        write_lines(folder / 'cover.label', [[8 - 4 * index if index < 3 else 8] for index in range(count)])
    return folder


def test_got10k_and_its_splits(tmp_path):
    for number in range(4):
        write_got(tmp_path, 'train', f'GOT-10k_Train_{number:06d}')
    (tmp_path / 'train/list.txt').write_text(''.join(f'GOT-10k_Train_{number:06d}\n' for number in range(4)))
    (tmp_path / 'vot.txt').write_text('3\n1\n')
    dataset = GOT10kDataset(data_root=str(tmp_path), subset_file='vot.txt', **ALL)
    record = dataset.get_data_info(0)
    assert record['name'] == 'train/GOT-10k_Train_000003' and len(dataset) == 2
    # Absent in frame 1, nothing to be seen in frame 2.
    assert record['visible'].tolist() == [True, False, False, True, True]
    assert [frame['cover'] for frame in record['images']] == [8, 4, 0, 8, 8]
    (tmp_path / 'vot.txt').write_text('3\n4\n')
    with refused('vot.txt, record line 2: found .4.; expected a number below 4'):
        GOT10kDataset(data_root=str(tmp_path), subset_file='vot.txt')


def test_tests_of_got10k_have_the_first_box_alone(tmp_path):
    write_got(tmp_path, 'test', 'GOT-10k_Test_000001', boxes=[[5, 10, 12, 8]])
    (tmp_path / 'test/list.txt').write_text('GOT-10k_Test_000001\n')
    dataset = GOT10kDataset(data_root=str(tmp_path), ann_file='test/list.txt', test_mode=True, pipeline=[dict])
    first, later = dataset[0, 0], dataset[0, 3]
    assert first['init_bbox'] == [[5, 10, 12, 8]] and later['init_bbox'] == [None]
    assert first['gt_bboxes'][0].shape == (1, 4) and later['gt_bboxes'][0].shape == (0, 4)
    write_got(tmp_path, 'train', 'GOT-10k_Train_000001', boxes=[[5, 10, 12, 8]])
    (tmp_path / 'train/list.txt').write_text('GOT-10k_Train_000001\n')
    with refused('found 1 boxes; expected one for each of 5'):
        GOT10kDataset(data_root=str(tmp_path))


def test_trackingnet_counts_from_zero(tmp_path):
    for part, video in (('TRAIN_0', 'ab-1_2'), ('TRAIN_1', 'cd'), ('TEST', 'ef')):
        write_images(tmp_path / part / 'frames' / video, '%d.jpg', 0, 12)
        write_lines(tmp_path / part / 'anno' / f'{video}.txt', straight_boxes(1 if part == 'TEST' else 12))
    dataset = TrackingNetDataset(data_root=str(tmp_path), parts=('TRAIN_0', 'TRAIN_1'), **ALL)
    record = dataset.get_data_info(0)
    assert record['name'] == 'TRAIN_0/ab-1_2' and len(dataset) == 2
    assert record['images'][11]['img_path'] == str(tmp_path / 'TRAIN_0/frames/ab-1_2/11.jpg')
    assert record['images'][11]['gt_bboxes'].tolist() == [[27, 10, 39, 18]]
    test = TrackingNetDataset(data_root=str(tmp_path), parts='TEST', test_mode=True, pipeline=[dict])
    assert test[0, 0]['init_bbox'] == [[5, 10, 12, 8]] and test.get_len_per_video(0) == 12
    with refused('TRAIN_2/anno: found no file'):
        TrackingNetDataset(data_root=str(tmp_path), parts=('TRAIN_2',))
    assert DATASETS.get('TrackingNetDataset') is TrackingNetDataset
