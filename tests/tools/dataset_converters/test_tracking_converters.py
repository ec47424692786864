import json

import cv2
import numpy as np
import pytest

from tests.datasets.formats.test_mot_coco import make_sequence
from tests.helpers.tools import mistake
from tests.helpers.tracking import write_lasot
from tools.dataset_converters import crowdhuman_to_coco, index_sequences, mot_to_coco
from vlplugins.datasets.tracking_pairs import CrowdHumanPairDataset, MOTPairDataset


def test_mot_with_halves_is_written_once(tmp_path, capsys):
    truth = ''.join(f'{frame},7,1,2,3,4,1,1,1\n' for frame in range(1, 6)) + '2,8,1,2,3,4,0,8,1\n'
    make_sequence(tmp_path / 'train', 'MOT17-02-FRCNN', 5, truth)
    make_sequence(tmp_path / 'train', 'MOT17-02-DPM', 5, truth)
    make_sequence(tmp_path / 'test', 'MOT17-01-FRCNN', 2)
    for state in ('written', 'is up to date'):
        mot_to_coco.main([str(tmp_path), '--halves', '--detector', 'FRCNN'])
        printed = capsys.readouterr().out
        assert printed.count(f'.json {state}; no rows skipped') == 4
    rows = [[word.strip() for word in line.split('│')[1:-1]] for line in printed.splitlines()]
    assert ['train', '1', '5', '6', '2', '5'] in rows and ['half-val', '1', '2', '2', '1', '2'] in rows
    dataset = MOTPairDataset(
        data_root=str(tmp_path), ann_file='annotations/half-val_cocoformat.json', data_prefix=dict(img_path='train')
    )
    frame = dataset.get_data_info(0)['images'][0]
    assert frame['img_path'] == str(tmp_path / 'train/MOT17-02-FRCNN/img1/000004.jpg')


def test_mistakes_with_mot_are_told(tmp_path, capsys):
    assert 'has neither train nor test' in mistake(capsys, mot_to_coco, tmp_path)
    make_sequence(tmp_path / 'train', 'MOT17-02-FRCNN', 2, '1,7,1,2,3,4,1,1,1\n1,7,1,2,3,4,1,1,1\n')
    assert 'gt.txt, record line 2: found a second box of track 7' in mistake(capsys, mot_to_coco, tmp_path)


def write_crowdhuman(root, *lines):
    folder = root / 'train/Images'
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / 'a,1.jpg'), np.zeros((40, 60, 3), np.uint8))
    (root / 'annotation_train.odgt').write_text('\n'.join(lines) + '\n')


def person(box, **more):
    return dict(dict(tag='person', fbox=box, vbox=box, hbox=box), **more)


def test_crowdhuman_keeps_persons_and_counts_the_rest(tmp_path, capsys):
    boxes = [
        person([-5, 2, 20, 30]),
        person([1, 2, 3, 4], extra=dict(ignore=1)),
        person([1, 2, 3, 4], tag='mask'),
        person([1, 2, 0, 4]),
    ]
    write_crowdhuman(tmp_path, json.dumps(dict(ID='a,1', gtboxes=boxes)))
    for state in ('written', 'is up to date'):
        crowdhuman_to_coco.main([str(tmp_path)])
        printed = capsys.readouterr().out
        assert f'crowdhuman_train.json {state}; 3 objects skipped: 1 to be ignored, 1 with the tag mask' in printed
        assert 'the release has 15000 images; this one 1' in printed
    dataset = CrowdHumanPairDataset(
        data_root=str(tmp_path), ann_file='annotations/crowdhuman_train.json', data_prefix=dict(img_path='train')
    )
    frame = dataset.get_data_info(0)['images'][0]
    assert frame['gt_bboxes'].tolist() == [[-5, 2, 15, 32]] and frame['img_path'].endswith('train/Images/a,1.jpg')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('', 'annotation_train.odgt, record line 2'),
        ('{"ID": "a,1", "gtboxes": [', 'annotation_train.odgt, record line 2'),
        ('{"ID": "a,1", "gtboxes": [{"tag": "person"}]}', 'record line 2: found KeyError'),
        ('{"ID": "a,1", "gtboxes": [{"tag": "person", "fbox": [1, 2, "x", 4]}]}', 'record line 2: found TypeError'),
        ('{"ID": "b", "gtboxes": []}', 'train/Images/b.jpg: found no such file'),
    ],
)
def test_damaged_lines_of_crowdhuman_are_named(tmp_path, capsys, line, message):
    write_crowdhuman(tmp_path, json.dumps(dict(ID='a,1', gtboxes=[])), line, '{"ID": "a,1", "gtboxes": []}')
    assert message in mistake(capsys, crowdhuman_to_coco, tmp_path)


def test_index_of_lasot(tmp_path, capsys):
    pytest.importorskip('mmdet')
    write_lasot(tmp_path, 'cat-1', 6)
    write_lasot(tmp_path, 'cat-2', 4, occluded=(0, 1, 2))
    for _ in range(2):
        index_sequences.main(['lasot', str(tmp_path), '--min-length', '5', '--min-visible', '2'])
        printed = capsys.readouterr().out
        assert '1 sequences skipped: 1 with fewer than 2 visible frames in training' in printed
    row = next(line for line in printed.splitlines() if line.startswith('│'))
    assert [word.strip() for word in row.split('│')[1:-1]] == ['2', '10', '7', '4', '6', '1']
    assert len((tmp_path / 'index.jsonl').read_text().splitlines()) == 3
    (tmp_path / 'cat/cat-3').mkdir()
    (tmp_path / 'cat/cat-3/groundtruth.txt').touch()
    assert 'cat-3/img: found no frame' in mistake(capsys, index_sequences, 'lasot', tmp_path)
    assert 'has no lists' in mistake(capsys, index_sequences, 'trackingnet', tmp_path, '--list', 'x')
    assert 'is no folder' in mistake(capsys, index_sequences, 'lasot', tmp_path / 'nowhere')
