import json

import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.datasets.tracking_pairs import CocoPairDataset, CrowdHumanPairDataset, MOTPairDataset
from vlplugins.datasets.video_frames import VideoFrames


def write_coco(path, images, annotations, **more):
    path.write_text(json.dumps(dict(images=images, annotations=annotations, **more)))
    return str(path)


def image(number, **more):
    return dict(id=number, file_name=f'{number}.jpg', width=60, height=40, **more)


def row(image_id, box, **more):
    return dict(image_id=image_id, bbox=box, category_id=1, **more)


def mot_row(image_id, box, instance, conf=1, category=1, visibility=1.0):
    return dict(row(image_id, box), instance_id=instance, mot_conf=conf, category_id=category, visibility=visibility)


def test_mot_keeps_pedestrians_that_are_to_be_seen(tmp_path):
    images = [image(1, video_id=1, frame_id=0), image(2, video_id=1, frame_id=1), image(3, video_id=2, frame_id=0)]
    rows = [
        mot_row(2, [-5, 0, 10, 10], 7),
        mot_row(1, [1, 2, 3, 4], 7),
        mot_row(1, [1, 2, 3, 4], 8, conf=0),
        mot_row(1, [1, 2, 3, 4], 9, category=8),
        mot_row(2, [1, 2, 3, 4], 10, visibility=0.2),
        mot_row(2, [70, 2, 3, 4], 11),
    ]
    dataset = MOTPairDataset(ann_file=write_coco(tmp_path / 'a.json', images, rows), data_prefix=dict(img_path='train'))
    assert len(dataset) == 1  # the other video has no target
    record = dataset.get_data_info(0)
    assert record['visible'].tolist() == [True, True]
    frame = record['images'][1]
    # A box may reach over the border; it is not cut.
    assert frame['gt_bboxes'].tolist() == [[-5, 0, 5, 10]] and frame['gt_instances_ids'].tolist() == [7]
    assert frame['img_path'] == 'train/2.jpg' and frame['img_id'] == 2
    assert dict(dataset.skipped.reasons) == {
        'of other classes or to be ignored': 2, 'less than 25% visible': 1, 'outside the image': 1,
    }  # fmt: skip


def test_images_of_crowdhuman_are_videos_of_one_frame(tmp_path):
    rows = [row(1, [1, 2, 3, 4]), row(1, [5, 5, 0, 4]), row(1, [9, 9, 5, 5]), row(2, [1, 1, 2, 2], ignore=1)]
    dataset = CrowdHumanPairDataset(ann_file=write_coco(tmp_path / 'a.json', [image(1), image(2)], rows))
    assert len(dataset) == 1
    frame = dataset.get_data_info(0)['images'][0]
    assert frame['gt_instances_ids'].tolist() == [1, 2] and frame['gt_bboxes'].shape == (2, 4)


def test_objects_of_coco_are_records(tmp_path):
    rows = [row(1, [1, 2, 3, 4]), row(1, [9, 9, 5, 5]), row(2, [1, 1, 2, 2], iscrowd=1), row(3, [0, 0, 6, 6])]
    dataset = CocoPairDataset(ann_file=write_coco(tmp_path / 'a.json', [image(1), image(2), image(3)], rows))
    boxes = [dataset.get_data_info(index)['images'][0]['gt_bboxes'].tolist() for index in range(len(dataset))]
    assert sorted(boxes) == [[[0, 0, 6, 6]], [[1, 2, 4, 6]], [[9, 9, 14, 14]]]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{"images": [', 'JSONDecodeError.*expected JSON of COCO'),
        ('{"images": []}', "KeyError: 'annotations'"),
        ('{"images": [], "annotations": []}', '0 videos or images without a target'),
        ('{"images": [], "annotations": [{"image_id": 4}]}', 'record annotation 0: found an object of image 4'),
    ],
)
def test_damaged_files_are_named(tmp_path, content, message):
    (tmp_path / 'a.json').write_text(content)
    with refused(f'a.json.*{message}'):
        CrowdHumanPairDataset(ann_file=str(tmp_path / 'a.json'))
    with refused('b.json: found No such file'):
        CrowdHumanPairDataset(ann_file=str(tmp_path / 'b.json'))


def test_samples_of_no_use_are_drawn_anew_and_counted(tmp_path):
    rows = [row(number, [1, 2, 3, 4]) for number in range(1, 6)]
    path = write_coco(tmp_path / 'a.json', [image(number) for number in range(1, 6)], rows)

    def only(*kept):
        return lambda record: record if record['video_id'] in kept else None

    np.random.seed(0)
    dataset = CrowdHumanPairDataset(ann_file=path, pipeline=[only(-4)])
    found = [dataset[0]['video_id'] for _ in range(5)]
    assert found == [-4] * 5 and dataset.redrawn.total >= 5
    nothing = CrowdHumanPairDataset(ann_file=path, pipeline=[only()], max_refetch=100)
    with refused('found 100 samples in a row of no use'):
        nothing[0]
    assert nothing.redrawn.total == 100


def test_counts_of_frames_must_fit():
    with pytest.raises(ValueError, match='2 boxes, 2 labels and 2 ids for 1 objects in 1 of 1 frames'):
        VideoFrames(['a.jpg'], np.zeros((2, 4)), [1], [0, 0], [1, 2])
