import json

import cv2
import numpy as np
import pytest

pytest.importorskip('mmdet')

from tests.helpers.tools import mistake  # noqa: E402
from tools.dataset_converters import bdd100k_to_weather, cityscapes_to_voc  # noqa: E402
from vlplugins.datasets.voc_style import CityscapesVOCDataset, WeatherVOCDataset  # noqa: E402


def read(kind, folder, split):
    return kind(data_root=str(folder), ann_file=f'ImageSets/Main/{split}.txt', data_prefix=dict(sub_data_root=''))


def make_cityscapes(root, fog):
    objects = [
        dict(label='car', polygon=[[10, 20], [50, 20], [50, 45], [12, 40]]),
        dict(label='rider', polygon=[[-5, 60], [20, 60], [20, 90]]),
        dict(label='cargroup', polygon=[[0, 0], [9, 0], [9, 9]]),
        dict(label='person', polygon=[[7, 7], [7, 30]]),
    ]
    for part in ('gtFine', 'leftImg8bit_foggy' if fog else 'leftImg8bit'):
        (root / part / 'train' / 'aachen').mkdir(parents=True)
    annotation = root / 'gtFine/train/aachen/aachen_0_gtFine_polygons.json'
    annotation.write_text(json.dumps(dict(imgHeight=80, imgWidth=100, objects=objects)))
    name = 'leftImg8bit_foggy/train/aachen/aachen_0_leftImg8bit_foggy_beta_0.02.png'
    image = root / (name if fog else 'leftImg8bit/train/aachen/aachen_0_leftImg8bit.png')
    cv2.imwrite(str(image), np.full((80, 100, 3), 77, np.uint8))
    return annotation


@pytest.mark.parametrize('fog', [False, True])
def test_cityscapes(tmp_path, capsys, fog):
    make_cityscapes(tmp_path / 'raw', fog)
    arguments = [str(tmp_path / 'raw'), str(tmp_path / 'out'), '--splits', 'train']
    for _ in range(2):  # safe to run twice
        cityscapes_to_voc.main(arguments + (['--beta', '0.02'] if fog else []))
        printed = capsys.readouterr().out
        assert 'train: 1 images, 2 boxes; 2 objects skipped: 1 of other labels, 1 without area' in printed
    dataset = read(CityscapesVOCDataset, tmp_path / 'out', 'train')
    instances = dataset.get_data_info(0)['instances']
    assert [(each['bbox'], each['bbox_label']) for each in instances] == [([10, 20, 50, 45], 2), ([0, 60, 20, 79], 5)]
    assert (cv2.imread(dataset.get_data_info(0)['img_path']) == 77).all()


def test_cityscapes_names_what_is_wrong(tmp_path, capsys):
    annotation = make_cityscapes(tmp_path / 'raw', fog=False)
    out = tmp_path / 'out'
    assert 'holds no CITY' in mistake(capsys, cityscapes_to_voc, tmp_path / 'raw', out, '--splits', 'val')
    message = mistake(capsys, cityscapes_to_voc, tmp_path / 'raw', out, '--splits', 'train', '--beta', '0.02')
    assert 'beta_0.02.png: found no image' in message
    annotation.write_text('{}')
    message = mistake(capsys, cityscapes_to_voc, tmp_path / 'raw', out, '--splits', 'train')
    assert 'aachen_0_gtFine_polygons.json: found KeyError' in message


def make_bdd(root):
    def record(name, time, weather, *labels):
        return dict(name=name, attributes=dict(timeofday=time, weather=weather), labels=list(labels))

    car = dict(category='car', box2d=dict(x1=551.5, y1=286.25, x2=577, y2=318))
    flat = dict(category='bus', box2d=dict(x1=5, y1=5, x2=5, y2=9))
    records = [
        record('a.jpg', 'night', 'rainy', car, flat, dict(category='lane')),
        record('b.jpg', 'daytime', 'clear', car),
        record('c.jpg', 'night', 'clear', car),
    ]
    (root / 'images').mkdir(parents=True)
    for each in records:
        cv2.imwrite(str(root / 'images' / each['name']), np.zeros((720, 1280, 3), np.uint8))
    (root / 'labels.json').write_text(json.dumps(records))
    return [root / 'labels.json', root / 'images']


def test_bdd100k_by_attributes_and_by_lists(tmp_path, capsys):
    inputs = make_bdd(tmp_path / 'raw')
    for _ in range(2):
        bdd100k_to_weather.main([*map(str, inputs), str(tmp_path / 'out'), '--domains', 'night_rainy'])
        assert 'night_rainy: 1 images (release: 2494), 1 boxes; 2 objects skipped' in capsys.readouterr().out
    dataset = read(WeatherVOCDataset, tmp_path / 'out/night_rainy/VOC2007', 'train')
    (instance,) = dataset.get_data_info(0)['instances']
    assert instance['bbox'] == [551.5, 286.25, 577, 318] and instance['bbox_label'] == 2
    (tmp_path / 'lists').mkdir()
    (tmp_path / 'lists/night_rainy.txt').write_text('c\n')
    options = ['--domains', 'night_rainy', '--ids', str(tmp_path / 'lists')]
    bdd100k_to_weather.main([*map(str, inputs), str(tmp_path / 'listed'), *options])
    assert (tmp_path / 'listed/night_rainy/VOC2007/ImageSets/Main/train.txt').read_text() == 'c\n'
    (tmp_path / 'lists/night_rainy.txt').write_text('z\n')
    message = mistake(capsys, bdd100k_to_weather, *inputs, tmp_path / 'other', *options)
    assert '1 ids without labels, first z' in message
