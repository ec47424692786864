import json

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope

from tests.helpers.records import refused
from tools.dataset_converters import folder_to_lmdb, imagenet_subset, imagenet_val_to_folders
from vlplugins.datasets.image_folder import ImageFolderDataset
from vlplugins.datasets.lmdb_images import LMDBImageDataset


def write_image(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).integers(0, 255, (8, 9, 3), dtype=np.uint8)
    path.write_bytes(cv2.imencode('.jpg', image)[1].tobytes())


@pytest.fixture
def train(tmp_path):
    init_default_scope('vlplugins')
    for index, name in enumerate(['n02/n02_1', 'n02/n02_7', 'n01/n01_3', 'n03/n03_2']):
        write_image(tmp_path / 'train' / f'{name}.JPEG', index)
    return tmp_path / 'train'


def test_validation_images_are_sorted_and_a_second_run_changes_nothing(tmp_path, capsys):
    for index in range(4):
        write_image(tmp_path / 'flat' / f'ILSVRC2012_val_{index:08d}.JPEG', index)
    (tmp_path / 'truth.txt').write_text('2\n1\n2\n3\n')
    (tmp_path / 'synsets.txt').write_text('n01 fish\nn02 cat\nn03 dog\n')
    arguments = [str(tmp_path / name) for name in ('flat', 'truth.txt', 'synsets.txt', 'val')]
    for expected in ('no images skipped', '4 images skipped: 4 already there'):
        imagenet_val_to_folders.main(arguments)
        assert expected in capsys.readouterr().out
    found = sorted(str(path.relative_to(tmp_path / 'val')) for path in (tmp_path / 'val').rglob('*.JPEG'))
    numbers = {name: int(name[-6]) for name in found}
    assert {name.split('/')[0]: number for name, number in numbers.items() if number in (1, 3)} == {'n01': 1, 'n03': 3}
    assert sum(name.startswith('n02/') for name in found) == 2


@pytest.mark.parametrize('truth, message', [('1\n2\n', '1 images'), ('x\n', 'line 1'), ('9\n', '3 classes|1 classes')])
def test_ground_truth_that_does_not_fit_is_refused(tmp_path, capsys, truth, message):
    write_image(tmp_path / 'flat' / 'a.JPEG', 0)
    (tmp_path / 'truth.txt').write_text(truth)
    (tmp_path / 'synsets.txt').write_text('n01\n' if '9' in truth else 'n01\nn02\n')
    with pytest.raises(SystemExit):
        imagenet_val_to_folders.main([str(tmp_path / n) for n in ('flat', 'truth.txt', 'synsets.txt', 'val')])
    import re

    assert re.search(message, capsys.readouterr().err)


def test_database_holds_the_files_and_loads_like_the_folder(train, tmp_path, capsys):
    out = tmp_path / 'lmdb'
    for _ in range(2):
        folder_to_lmdb.main([str(train), str(out), 'train'])
        assert '4 images read, 4 kept in 3 classes, 0 of them duplicates' in capsys.readouterr().out
    pipeline = [dict(type='LoadImage')]
    database = LMDBImageDataset(str(out), 'train', pipeline=pipeline, extra_info=dict(role='bank'))
    folder = ImageFolderDataset(str(train), pipeline=pipeline)
    assert len(database) == len(folder) == 4
    by_name = {database[i]['name']: database[i] for i in range(4)}
    for i in range(4):
        twin = by_name['/'.join(folder[i]['img_path'].split('/')[-2:])]
        assert np.array_equal(twin['img'], folder[i]['img'])
        assert (twin['gt_label'], twin['role']) == (folder[i]['gt_label'], 'bank')


def test_unreadable_images_stop_or_are_counted(train, tmp_path, capsys):
    path = train / 'n02/n02_1.JPEG'
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SystemExit):
        folder_to_lmdb.main([str(train), str(tmp_path / 'lmdb'), 'train'])
    assert 'n02_1.JPEG: found a truncated image' in capsys.readouterr().err
    folder_to_lmdb.main([str(train), str(tmp_path / 'lmdb'), 'train', '--skip-bad'])
    assert '3 kept' in capsys.readouterr().out


def test_damaged_databases_are_named(train, tmp_path):

    out = tmp_path / 'lmdb'
    folder_to_lmdb.main([str(train), str(out), 'train'])
    names = out / 'train_lmdb/train_list.json'
    labels = json.loads(names.read_text())
    names.write_text(json.dumps({**labels, 'n01/absent.JPEG': 0}))
    dataset = LMDBImageDataset(str(out), 'train', pipeline=[dict(type='LoadImage')])
    with refused('record n01/absent.JPEG: found no such key'):
        dataset[4]
    skipping = LMDBImageDataset(str(out), 'train', pipeline=[dict(type='LoadImage')], skip_bad=True)
    assert skipping[4]['name'] != 'n01/absent.JPEG' and skipping.skipped.total >= 1
    for content, message in (('[]', 'list of 0'), ('{', 'no JSON'), ('{"a": "x"}', "label 'x'")):
        names.write_text(content)
        with refused(message):
            LMDBImageDataset(str(out), 'train')
    with refused('val_list.json'):
        LMDBImageDataset(str(out), 'val')


def test_subsets_by_file_and_by_class(train, tmp_path, capsys):
    listing, out = tmp_path / 'list.txt', tmp_path / 'subset.txt'
    listing.write_text('n02_7.JPEG\nn01\nn02_7.JPEG\n')
    imagenet_subset.main([str(train), str(listing), str(out)])
    assert out.read_text() == 'n02/n02_7.JPEG 1\nn01/n01_3.JPEG 0\n'
    assert '1 lines skipped: 1 duplicate' in capsys.readouterr().out
    dataset = ImageFolderDataset(str(train), ann_file=str(out))
    assert [dataset.get_data_info(i)['gt_label'] for i in range(2)] == [1, 0]


@pytest.mark.parametrize('content, message', [('n09_1.JPEG', 'n09'), ('n01_9.JPEG', 'n01_9'), ('', 'no entry')])
def test_lists_that_do_not_fit_are_refused(train, tmp_path, capsys, content, message):
    (tmp_path / 'list.txt').write_text(content)
    with pytest.raises(SystemExit):
        imagenet_subset.main([str(train), str(tmp_path / 'list.txt'), str(tmp_path / 'out.txt')])
    assert message in capsys.readouterr().err
