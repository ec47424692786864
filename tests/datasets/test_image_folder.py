import cv2
import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.datasets.image_folder import ImageFolderDataset

LOAD = [dict(type='LoadImage')]


def write_images(root, names, extension='.jpg'):
    rng = np.random.default_rng(0)
    for name in names:
        path = root / f'{name}{extension}'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 255, (24, 32, 3), dtype=np.uint8))
    return root


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path, ['cat/a', 'cat/b', 'ant/c', 'bee/sub/d'])


@pytest.fixture(autouse=True)
def scope():
    from mmengine.registry import init_default_scope

    init_default_scope('vlplugins')


def build(root, **kwargs):
    return ImageFolderDataset(str(root), **{**dict(pipeline=LOAD), **kwargs})


def test_classes_are_numbered_in_sorted_order(folder):
    dataset = build(folder)
    assert dataset.metainfo['classes'] == ('ant', 'bee', 'cat')
    found = [(dataset.get_data_info(i)['img_path'][-5:], dataset.get_data_info(i)['gt_label']) for i in range(4)]
    assert found == [('c.jpg', 0), ('d.jpg', 1), ('a.jpg', 2), ('b.jpg', 2)]


def test_annotation_file_and_extra_info(folder):
    (folder / 'list.txt').write_text('cat/a.jpg 7\nbee/sub/d.jpg 0\n')
    dataset = build(folder, ann_file='list.txt', extra_info=dict(role='bank'))
    assert [dataset.get_data_info(i)['gt_label'] for i in range(2)] == [7, 0]
    assert dataset[0]['role'] == 'bank' and dataset[0]['img'].shape == (24, 32, 3)


def test_labels_are_optional(folder):
    (folder / 'list.txt').write_text('cat/a.jpg\nname with space.jpg 3\n')
    dataset = build(folder, ann_file='list.txt', with_label=False)
    records = [dataset.get_data_info(i) for i in range(2)]
    assert 'gt_label' not in records[0]
    assert records[1]['img_path'].endswith('name with space.jpg')
    assert len(build(folder, with_label=False)) == 4


@pytest.mark.parametrize(
    'content, message',
    [
        ('cat/a.jpg\n', 'line 1'),
        ('cat/a.jpg 0\n\ncat/b.jpg x\n', 'line 3'),
        ('cat/a.jpg 2\n', 'label 2.*below 2'),
        ('', 'no image'),
    ],
)
def test_malformed_annotations_name_file_and_line(folder, content, message):
    (folder / 'list.txt').write_text(content)
    with refused(f'list.txt.*{message}'):
        build(folder, ann_file='list.txt', classes=['x', 'y'])


def test_missing_folder_file_and_empty_class_are_named(folder):
    with refused('nowhere'):
        build(folder, data_prefix='nowhere')
    with refused('absent.txt'):
        build(folder, ann_file='absent.txt')
    (folder / 'dog').mkdir()
    with refused('dog.*without images'):
        build(folder)


def test_folders_that_do_not_match_the_classes_are_refused(folder):
    with refused('cow'):
        build(folder, classes=['ant', 'bee', 'cow'])


def truncate(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def test_one_truncated_image_stops_with_its_name(folder):
    truncate(folder / 'cat/a.jpg')
    with refused('cat/a.jpg: found a truncated image'):
        build(folder)[2]


def test_bad_images_can_be_replaced_in_training_and_are_counted(folder):
    truncate(folder / 'cat/a.jpg')
    dataset = build(folder, skip_bad=True)
    for _ in range(3):
        assert not dataset[2]['img_path'].endswith('a.jpg')
    assert dataset.skipped.total >= 3
    with refused():
        build(folder, skip_bad=True, test_mode=True)[2]
