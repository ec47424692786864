import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
import pytest

from vlplugins.datasets.synthetic import SyntheticWeatherVOC


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('weather')
    return SyntheticWeatherVOC(str(folder / 'set'), num_source=60, num_target=12, num_test=4).prepare()


def objects(root, domain, image_id):
    tree = ElementTree.parse(root / domain / 'Annotations' / f'{image_id}.xml')
    for node in tree.findall('object'):
        box = [int(node.findtext(f'bndbox/{key}')) for key in ('xmin', 'ymin', 'xmax', 'ymax')]
        yield node.findtext('name'), box


def ids(root, domain, split='train'):
    return (root / domain / f'ImageSets/Main/{split}.txt').read_text().split()


def test_layout_and_counts(root):
    assert [len(ids(root, domain)) for domain in SyntheticWeatherVOC.DOMAINS] == [60, 12, 12]
    assert all(len(ids(root, domain, 'test')) == 4 for domain in SyntheticWeatherVOC.DOMAINS)
    for domain in SyntheticWeatherVOC.DOMAINS:
        for image_id in ids(root, domain) + ids(root, domain, 'test'):
            assert cv2.imread(str(root / domain / f'JPEGImages/{image_id}.jpg')).shape == (64, 96, 3)
            assert list(objects(root, domain, image_id))


def test_objects_lie_inside_and_do_not_overlap(root):
    for image_id in ids(root, 'night_rainy'):
        boxes = [box for _, box in objects(root, 'night_rainy', image_id)]
        for index, (left, top, right, bottom) in enumerate(boxes):
            assert 1 <= left < right <= 96 and 1 <= top < bottom <= 64 and right - left == bottom - top
            for other in boxes[:index]:
                assert other[0] > right or other[2] < left or other[1] > bottom or other[3] < top


def mean_colour(root, domain, image_id, box):
    image = cv2.imread(str(root / domain / f'JPEGImages/{image_id}.jpg')).astype(float)
    x, y, half = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2, (box[2] - box[0]) // 6
    return image[y - half : y + half, x - half : x + half].mean(axis=(0, 1))


def test_colour_tells_the_class_in_the_sun_alone(root):
    hits, total = 0, 0
    for image_id in ids(root, 'daytime_sunny'):
        for name, box in objects(root, 'daytime_sunny', image_id):
            strongest = int(mean_colour(root, 'daytime_sunny', image_id, box).argmax())
            hits += ('truck', 'car', 'bus')[strongest] == name  # blue, green, red
            total += 1
    assert 0.8 < hits / total < 0.99
    colours = {name: [] for name in SyntheticWeatherVOC.CLASSES}
    for image_id in ids(root, 'dusk_rainy'):
        for name, box in objects(root, 'dusk_rainy', image_id):
            colours[name].append(mean_colour(root, 'dusk_rainy', image_id, box).argmax())
    assert {int(each) for values in colours.values() for each in values} == {2}


def test_stripes_run_in_the_direction_of_the_class(root):
    """Circles vary from row to row, squares from column to column."""
    for domain in SyntheticWeatherVOC.DOMAINS:
        for image_id in ids(root, domain):
            image = cv2.imread(str(root / domain / f'JPEGImages/{image_id}.jpg')).astype(float).mean(axis=2)
            for name, box in objects(root, domain, image_id):
                x, y, half = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2, (box[2] - box[0]) // 4
                part = image[y - half : y + half, x - half : x + half]
                rows, columns = part.mean(axis=1).std(), part.mean(axis=0).std()
                assert name == 'truck' or (rows > columns) == (name == 'bus'), (image_id, name)


def test_the_same_seed_gives_the_same_set(tmp_path):
    options = dict(num_source=3, num_target=2, num_test=1)
    one = SyntheticWeatherVOC(str(tmp_path / 'a'), **options).prepare()
    other = SyntheticWeatherVOC(str(tmp_path / 'b'), **options).prepare()
    third = SyntheticWeatherVOC(str(tmp_path / 'c'), seed=1, **options).prepare()
    path = 'daytime_sunny/JPEGImages/daytime_sunny_train_0000.jpg'
    images = [cv2.imread(str(root / path)) for root in (one, other, third)]
    assert np.array_equal(images[0], images[1]) and not np.array_equal(images[0], images[2])


@pytest.mark.parametrize('options', [dict(num_source=0), dict(image_size=(32, 128)), dict(colour_cue=1.5)])
def test_bad_arguments_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match='expected|must be'):
        SyntheticWeatherVOC(str(tmp_path), **options)
