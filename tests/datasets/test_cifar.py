import numpy as np
import pytest
from mmengine.registry import init_default_scope

from tests.helpers.records import refused
from vlplugins.datasets.cifar import CIFAR10Dataset


@pytest.fixture
def folder(tmp_path):
    """The binary version with four images a file; pixel values name file, image and channel."""
    init_default_scope('vlplugins')
    for number, name in enumerate([*(f'data_batch_{i}.bin' for i in range(1, 6)), 'test_batch.bin']):
        records = np.zeros((4, 3073), dtype=np.uint8)
        for image in range(4):
            records[image, 0] = (number + image) % 10
            for channel in range(3):
                records[image, 1 + 1024 * channel : 1 + 1024 * (channel + 1)] = 40 * number + 10 * image + channel
            records[image, 2] = 255  # second pixel of the first row, red
        records.tofile(tmp_path / name)
    return tmp_path


def test_records_of_all_files_in_order(folder):
    dataset = CIFAR10Dataset(str(folder), extra_info=dict(role='bank'))
    assert len(dataset) == 20 and dataset.metainfo['classes'][3] == 'cat'
    record = dataset[6]
    assert (record['gt_label'], record['role']) == (3, 'bank')
    assert record['img_path'].endswith('data_batch_2.bin#2')
    assert record['img'].shape == (32, 32, 3)
    assert record['img'][5, 5].tolist() == [62, 61, 60]  # blue, green, red
    assert record['img'][0, 1].tolist() == [62, 61, 255]


def test_subset_keeps_images_and_labels_together(folder):
    subset = CIFAR10Dataset(str(folder), split='test', indices=[3, 1])
    assert [(subset[i]['gt_label'], subset[i]['img'][5, 5, 2]) for i in range(2)] == [(8, 230), (6, 210)]


def test_bad_files_are_named(folder):
    path = folder / 'data_batch_3.bin'
    data = np.fromfile(path, dtype=np.uint8)
    data[3073] = 12
    data.tofile(path)
    with refused('data_batch_3.bin, record 1: found label 12'):
        CIFAR10Dataset(str(folder))
    path.write_bytes(b'abc')
    with refused('data_batch_3.bin: found 3 bytes'):
        CIFAR10Dataset(str(folder))
    path.unlink()
    with refused('data_batch_3.bin: found no such file'):
        CIFAR10Dataset(str(folder))
    with pytest.raises(ValueError, match='val'):
        CIFAR10Dataset(str(folder), split='val')
