"""What the data configs of tracking give a model, from files in the layouts of the real sets."""

import json

import numpy as np
import pytest

pytest.importorskip('mmdet')

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from mmengine.runner import Runner  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402

from tests.datasets.formats.test_mot_coco import make_sequence  # noqa: E402
from tests.datasets.test_single_object_tracking import write_got  # noqa: E402
from tests.helpers.tiny_configs import ROOT  # noqa: E402
from tests.helpers.tracking import straight_boxes, write_images, write_lasot, write_lines  # noqa: E402
from vlplugins.datasets.formats.mot_coco import mot_to_coco  # noqa: E402
from vlplugins.datasets.synthetic import SyntheticTrackingVideos  # noqa: E402
from vlplugins.registry import METRICS  # noqa: E402

BASE = ROOT / 'configs/_base_/datasets'


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('vlplugins')
    np.random.seed(0)


def loader_of(cfg, **changes):
    return Runner.build_dataloader(dict(cfg, num_workers=0, persistent_workers=False, **changes), seed=0)


def rooted(datasets, root):
    """Data sets of a config, below another root."""
    for dataset in datasets if isinstance(datasets, list) else [datasets]:
        dataset.data_root = str(root / dataset.data_root)
    return datasets


def write_sot_sets(root):
    write_lasot(root / 'data/LaSOT', 'cat-1', 20)
    (root / 'data/LaSOT/training_set.txt').write_text('cat-1\n')
    (root / 'data/LaSOT/testing_set.txt').write_text('cat-1\n')
    write_got(root / 'data/GOT-10k', 'train', 'GOT-10k_Train_000001', 20)
    (root / 'data/GOT-10k/train/list.txt').write_text('GOT-10k_Train_000001\n')
    folder = root / 'data/TrackingNet/TRAIN_0'
    write_images(folder / 'frames/ab', '%d.jpg', 0, 20)
    write_lines(folder / 'anno/ab.txt', straight_boxes(20))
    write_images(root / 'data/coco/train2017', '%012d.jpg', 7, 1)
    content = dict(
        images=[dict(id=7, file_name=f'{7:012d}.jpg', width=60, height=40)],
        annotations=[dict(id=1, image_id=7, category_id=3, bbox=[5, 10, 12, 8], iscrowd=0)],
    )
    (root / 'data/coco/annotations').mkdir()
    (root / 'data/coco/annotations/instances_train2017.json').write_text(json.dumps(content))


def test_clips_of_four_sets(tmp_path):
    write_sot_sets(tmp_path)
    cfg = Config.fromfile(BASE / 'sot_clips.py')
    rooted(cfg.sot_dataloader.dataset.datasets, tmp_path)[2].parts = ['TRAIN_0']
    cfg.sot_dataloader.sampler.samples_per_epoch = 16
    sources = set()
    for batch in loader_of(cfg.sot_dataloader, batch_size=4):
        assert all(clip.shape == (2, 3, 352, 352) and clip.dtype == torch.uint8 for clip in batch['inputs'])
        for sample in batch['data_samples']:
            assert sample.task == 'sot' and len(sample) == 2
            assert all(len(frame.gt_instances.bboxes) == 1 for frame in sample.video_data_samples)
            assert all(frame.padding_mask.shape == (352, 352) for frame in sample.video_data_samples)
            sources.add(sample[0].img_path.split('data/')[1].split('/')[0])
    assert sources == {'LaSOT', 'GOT-10k', 'TrackingNet', 'coco'}
    rooted(cfg.sot_test_dataloader.dataset, tmp_path)
    frames = [batch['data_samples'][0][0] for batch in loader_of(cfg.sot_test_dataloader)]
    assert [frame.frame_id for frame in frames] == list(range(20))
    assert frames[0].init_bbox == [5, 10, 12, 8] and frames[1].init_bbox is None


def write_mot_sets(root):
    truth = ''.join(f'{frame},7,{5 + frame},10,12,20,1,1,1\n' for frame in range(1, 7))
    folder = make_sequence(root / 'data/MOT17/train', 'MOT17-02-FRCNN', 6, truth + '5,9,30,10,12,20,1,8,1\n')
    write_images(folder / 'img1', '%06d.jpg', 1, 6, size=(64, 48))
    write_lines(folder / 'det/det.txt', [[frame, -1, 5, 10, 12, 20, 0.9] for frame in (1, 5)])
    (root / 'data/MOT17/annotations').mkdir()
    for name, part in (('train', 'all'), ('half-val', 'val_half')):
        content = json.dumps(mot_to_coco(root / 'data/MOT17/train', part)[0])
        (root / f'data/MOT17/annotations/{name}_cocoformat.json').write_text(content)
    write_images(root / 'data/crowdhuman/train/Images', 'a%d.jpg', 1, 1)
    content = dict(
        images=[dict(id=1, file_name='Images/a1.jpg', width=60, height=40)],
        annotations=[dict(id=1, image_id=1, category_id=1, bbox=[-5, 10, 12, 20], iscrowd=0)],
    )
    (root / 'data/crowdhuman/annotations').mkdir()
    (root / 'data/crowdhuman/annotations/crowdhuman_train.json').write_text(json.dumps(content))


def test_pairs_of_two_sets(tmp_path):
    write_mot_sets(tmp_path)
    cfg = Config.fromfile(BASE / 'mot_pairs.py')
    rooted(cfg.mot_dataloader.dataset.datasets, tmp_path)
    cfg.mot_dataloader.sampler.samples_per_epoch = 6
    sources = set()
    for batch in loader_of(cfg.mot_dataloader, batch_size=1):
        (pair,), (sample,) = batch['inputs'], batch['data_samples']
        assert 480 <= min(pair.shape[-2:]) <= 800 and max(pair.shape[-2:]) <= 1333
        identities = [set(frame.gt_instances.instances_ids.tolist()) for frame in sample.video_data_samples]
        assert sample.task == 'mot' and identities[0] & identities[1]
        sources.add(sample[0].img_path.split('data/')[1].split('/')[0])
        if 'crowdhuman' in sample[0].img_path:
            # An image twice: what is drawn for one frame must hold for the other, or the persons would move.
            boxes = [frame.gt_instances.bboxes for frame in sample.video_data_samples]
            assert torch.equal(pair[0], pair[1]) and torch.equal(*boxes)
    assert sources == {'MOT17', 'crowdhuman'}


def test_frames_of_a_half_with_public_detections(tmp_path):
    write_mot_sets(tmp_path)
    cfg = Config.fromfile(BASE / 'mot_pairs.py')
    cfg.mot_test_dataloader.dataset.pipeline = cfg.mot_public_pipeline
    rooted(cfg.mot_test_dataloader.dataset, tmp_path)
    frames = [batch['data_samples'][0][0] for batch in loader_of(cfg.mot_test_dataloader)]
    # Frames 5 and 6 of 6, counted anew; the first has a detection. Truth of all classes is there.
    assert [frame.frame_id for frame in frames] == [0, 1]
    assert [len(frame.public_instances) for frame in frames] == [1, 0]
    assert [len(frame.instances) for frame in frames] == [2, 1]
    scale = frames[0].img_shape[0] / 48
    expected = scale * torch.tensor([[5.0, 10, 17, 30]])
    torch.testing.assert_close(frames[0].public_instances.bboxes, expected, rtol=1e-2, atol=0)


def test_tests_give_one_frame_at_a_time_in_order():
    """A tracker has a state; a batch or another order would mix videos."""
    for path in sorted([*BASE.glob('*.py'), *(ROOT / 'configs/utt').glob('*.py')]):
        if 'TrackImgSampler' in path.read_text():
            cfg = Config.fromfile(path)
            names = [name for name in cfg if name.endswith('dataloader') and isinstance(cfg[name], dict)]
            tested = [cfg[name] for name in names if cfg[name].get('dataset', {}).get('test_mode')]
            assert tested and all(each.batch_size == 1 for each in tested), path.name
            assert all(each.sampler.type == 'mmdet.TrackImgSampler' for each in tested), path.name


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    root = tmp_path_factory.mktemp('demo') / 'set'
    sizes = dict(num_train=4, num_test=2, num_mot_train=2, num_mot_test=1, num_frames=12)
    options = dict(sizes, detection_noise=0, missed=0, false_alarms=0)
    SyntheticTrackingVideos(str(root), **options).prepare()
    text = (BASE / 'tracking_videos.py').read_text().replace('data/synthetic/tracking_videos/', f'{root}/')
    path = root.parent / 'config.py'
    path.write_text(text)
    return Config.fromfile(path)


def test_batches_of_the_synthetic_set(demo):
    for task, size in (('sot', 16), ('mot', 4)):
        batch = next(iter(loader_of(demo.train_dataloader[task])))
        assert {sample.task for sample in batch['data_samples']} == {task} and len(batch['inputs']) == size


def measured(loader, evaluator, predict):
    metric = METRICS.build(evaluator)
    for batch in loader_of(loader):
        for sample in batch['data_samples']:
            sample[0].pred_track_instances = predict(sample[0])
            metric.process({}, [sample.to_dict()])
    return metric.evaluate(1)


def test_the_truth_scores_all_that_can_be_scored(demo):
    found = measured(
        demo.val_dataloader, demo.val_evaluator, lambda frame: InstanceData(bboxes=frame.gt_instances.bboxes)
    )
    visible = [batch['data_samples'][0][0].visible for batch in loader_of(demo.val_dataloader)]
    assert found['sot/success'] == pytest.approx(100 * 20 / 21 * np.mean(visible))
    assert found['sot/discrimination'] == 100 and found['sot/frozen/success'] < 50
    other = measured(
        demo.val_dataloader, demo.val_evaluator, lambda frame: InstanceData(bboxes=torch.tensor(frame.distractors))
    )
    assert other['sot/discrimination'] == 0


def test_clean_public_detections_are_a_perfect_detector(demo):
    pytest.importorskip('trackeval')

    def by_truth(frame):
        boxes, truth = frame.public_instances.bboxes, frame.gt_instances
        nearest = torch.cdist(boxes, truth.bboxes).argmin(dim=1)
        return InstanceData(
            bboxes=boxes, scores=frame.public_instances.scores, instances_id=truth.instances_ids[nearest]
        )

    found = measured(demo.test_dataloader, demo.test_evaluator, by_truth)
    assert (found['mot/MOTA'], found['mot/IDF1']) == (100, 100)
