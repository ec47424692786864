import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmdet')

from mmengine.registry import DATASETS, init_default_scope  # noqa: E402

from tests.helpers.records import refused  # noqa: E402
from vlplugins.datasets import SourceTargetDataset  # noqa: E402
from vlplugins.datasets.samplers import SourceTargetSampler  # noqa: E402

XML = (
    '<annotation><filename>{name}.jpg</filename><size><width>{width}</width><height>40</height><depth>3</depth></size>'
    '{objects}</annotation>'
)
OBJECT = (
    '<object><name>{name}</name>{difficult}<bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax>'
    '</bndbox></object>'
)


def thing(name, *box, difficult='<difficult>0</difficult>'):
    return OBJECT.format(*box, name=name, difficult=difficult)


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')


@pytest.fixture
def folder(tmp_path):
    for part in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (tmp_path / part).mkdir(parents=True)
    return tmp_path


def write(folder, **records):
    """Images and annotations: the text of the objects by id."""
    for name, objects in records.items():
        cv2.imwrite(str(folder / f'JPEGImages/{name}.jpg'), np.full((40, 60, 3), 90, np.uint8))
        (folder / f'Annotations/{name}.xml').write_text(XML.format(name=name, width=60, objects=objects))
    (folder / 'ImageSets/Main/train.txt').write_text('\n'.join(records) + '\n\n')


def build(folder, **options):
    cfg = dict(
        type='vlplugins.WeatherVOCDataset',
        data_root=str(folder),
        ann_file='ImageSets/Main/train.txt',
        data_prefix=dict(sub_data_root=''),
        pipeline=[dict(type='LoadImageFromFile')],
    )
    return DATASETS.build(dict(cfg, **options))


def boxes(dataset, index=0):
    return [
        (each['bbox'], each['bbox_label'], each['ignore_flag']) for each in dataset.get_data_info(index)['instances']
    ]


def test_names_are_matched_and_coordinates_count_from_zero(folder):
    write(folder, a=thing(' Car ', 11, 5, 30, 20) + thing('bus', 1.5, 1, 10.25, 12, difficult=''))
    dataset = build(folder, subset='night_rainy')
    assert boxes(dataset) == [([10, 4, 29, 19], 2, 0), ([0.5, 0, 9.25, 11], 0, 0)]
    record = dataset.get_data_info(0)
    assert (record['width'], record['height'], record['subset'], record['img_id']) == (60, 40, 'night_rainy', 'a')
    assert Path(record['img_path']) == folder / 'JPEGImages/a.jpg'


def test_boxes_are_clipped_and_those_without_area_counted(folder, caplog):
    objects = thing('car', 41, 21, 75, 41) + thing('car', 5, 5, 5, 9) + thing('car', 9, 5, 3, 9)
    objects += thing('car', 'nan', 5, 9, 9) + thing('car', 70, 5, 90, 9)
    write(folder, a=objects, b=thing('bus', 1, 1, 61, 41))
    dataset = build(folder)
    assert boxes(dataset) == [([40, 20, 60, 40], 2, 0)] and boxes(dataset, 1) == [([0, 0, 60, 40], 0, 0)]
    assert dataset.skipped.total == 4 and 'first in a' in dataset.skipped.summary()
    with refused(r'a.xml, record a: found box \[4.*a box with area inside 60x40'):
        build(folder, invalid_box='error')


def test_unknown_class_is_an_error_or_counted(folder):
    write(folder, a=thing('tram', 1, 1, 9, 9) + thing('car', 1, 1, 9, 9))
    with refused(r"a.xml, record a: found class 'tram'; expected one of \['bus'"):
        build(folder)
    dataset = build(folder, unknown_class='skip')
    assert len(boxes(dataset)) == 1 and "1 of class 'tram'" in dataset.skipped.summary()


def test_difficult_objects_are_trained_on_and_ignored_in_a_test(folder):
    write(folder, a=thing('car', 1, 1, 9, 9, difficult='<difficult>1</difficult>') + thing('car', 1, 1, 9, 9))
    assert [each[2] for each in boxes(build(folder))] == [0, 0]
    assert [each[2] for each in boxes(build(folder, train_on_difficult=False))] == [1, 0]
    assert [each[2] for each in boxes(build(folder, test_mode=True))] == [1, 0]


@pytest.mark.parametrize(
    'spoil, message',
    [
        (lambda path: path.unlink(), r'a.xml, record a: found no such file'),
        (lambda path: path.write_text('<annotation>'), 'damaged XML'),
        (lambda path: path.write_text('<annotation/>'), 'size/width None; expected a number'),
        (lambda path: path.write_text(path.read_text().replace('>9<', '>x<')), "bndbox/xmax 'x'"),
    ],
)
def test_damaged_annotations_are_named(folder, spoil, message):
    write(folder, a=thing('car', 1, 1, 9, 8))
    spoil(folder / 'Annotations/a.xml')
    with refused(message):
        build(folder)


def test_missing_or_damaged_image_is_named(folder):
    write(folder, a=thing('car', 1, 1, 9, 9), b=thing('car', 1, 1, 9, 9))
    (folder / 'JPEGImages/a.jpg').unlink()
    (folder / 'JPEGImages/b.jpg').write_bytes(b'no image')
    dataset = build(folder)
    with refused('a.jpg, record a: found no such file; expected an image'):
        dataset[0]
    with refused('b.jpg, record b: found a file that cannot be decoded'):
        dataset[1]


def test_images_without_objects_are_dropped_and_counted(folder, caplog):
    write(folder, a='', b=thing('car', 1, 1, 9, 9))
    keep = dict(filter_cfg=dict(filter_empty_gt=True, min_size=32))
    with caplog.at_level(logging.WARNING):
        assert [build(folder, **keep).get_data_info(0)['img_id']] == ['b']
    assert len(build(folder)) == 2 and len(build(folder, test_mode=True, **keep)) == 2
    (folder / 'ImageSets/Main/train.txt').write_text('a\n')
    with refused('1 images without objects'):
        build(folder, **keep)
    (folder / 'ImageSets/Main/train.txt').write_text('\n')
    with refused('train.txt: found no id'):
        build(folder)


@pytest.mark.parametrize('spoil', [lambda path: path.unlink(), lambda path: path.write_text('nonsense')])
def test_labels_of_the_target_are_never_opened(folder, spoil):
    write(folder, a=thing('car', 1, 1, 9, 9), b='')
    for path in (folder / 'Annotations').iterdir():
        spoil(path)
    target = build(folder, with_labels=False, filter_cfg=dict(filter_empty_gt=True, min_size=32))
    assert len(target) == 2 and target.get_data_info(0)['instances'] == []
    assert target[0]['img'].shape == (40, 60, 3)


def test_choices_are_checked(folder):
    with pytest.raises(ValueError, match="unknown_class 'drop'"):
        build(folder, unknown_class='drop')


def test_source_and_targets_are_joined_in_this_order(folder):
    write(folder, a=thing('car', 1, 1, 9, 9), b='')
    both = SourceTargetDataset(build(folder), [build(folder, with_labels=False), build(folder, subset='night')])
    assert both.cumulative_sizes == [2, 4, 6] and both.source_size == 2 and len(both) == 6
    assert both.metainfo['classes'][0] == 'bus'
    several = SourceTargetDataset([build(folder), build(folder)], [build(folder, with_labels=False)])
    assert several.source_size == 4 and len(several) == 6
    assert SourceTargetSampler(several, batch_size=2, seed=0).num_source == 4


def test_sets_with_other_classes_or_without_records_are_named(folder):
    write(folder, a=thing('car', 1, 1, 9, 9))
    source = build(folder)
    with pytest.raises(ValueError, match=r"classes of the target 0.*only one of them has \['bike'"):
        SourceTargetDataset(source, [build(folder, metainfo=dict(classes=('car', 'bus')))])
    with pytest.raises(ValueError, match='expected one or more'):
        SourceTargetDataset(source, [])
    empty = build(folder, with_labels=False)
    empty.data_list, empty.serialize_data = [], False
    with pytest.raises(ValueError, match='target 0 .*WeatherVOCDataset.*has no record'):
        SourceTargetDataset(source, [empty])
    with pytest.raises(ValueError, match='source 0 .*WeatherVOCDataset.*has no record'):
        SourceTargetDataset(empty, [source])


def test_classes_of_a_set_of_ones_own_are_asked_for_and_taken(folder):
    write(folder, a=thing('bicycle', 11, 5, 30, 20))
    with pytest.raises(ValueError, match='VOCStyleDataset needs metainfo=dict'):
        build(folder, type='vlplugins.VOCStyleDataset')
    dataset = build(folder, type='vlplugins.VOCStyleDataset', metainfo=dict(classes=('tram', 'bicycle')))
    assert boxes(dataset) == [([10, 4, 29, 19], 1, 0)]
