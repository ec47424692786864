"""Every config parses, passes the check, and its model builds and runs one training step on inputs of its shape."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from tests.helpers.poses import poses_before_camera
from tests.helpers.skeletons import packed_skeletons
from vlplugins.models.layers.pose_generator import PoseGenerator
from vlplugins.structures import ClassificationDataSample, PoseLiftingDataSample, RetrievalDataSample
from vlplugins.utils.config_check import check_config

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted(path for path in (ROOT / 'configs').rglob('*.py') if '_base_' not in path.parts)
IDS = [str(path.relative_to(ROOT / 'configs')) for path in CONFIGS]


def load(path):
    cfg = Config.fromfile(path)
    init_default_scope(cfg.get('default_scope', 'vlplugins'))
    return cfg


@pytest.fixture(autouse=True)
def _restore_scope():
    yield
    init_default_scope('vlplugins')


@pytest.mark.parametrize('path', CONFIGS, ids=IDS)
def test_config_passes_the_check(path):
    check_config(load(path))


def shrink(cfg):
    """Fewer channels and a shorter queue: the structure stays that of the config."""
    changes = {}
    model = cfg.model
    for part in ('neck', 'predictor'):
        if part in model and model[part].get('type') == 'SlimmableMLPNeck':
            changes[f'model.{part}.hid_channels'] = 32
    if model.get('type') == 'SlimmableMoCo':
        changes['model.queue_len'] = 16
    if model.get('type') == 'TextVideoRetriever':
        sizes = dict(width=32, heads=4, out_dim=32)
        for tower in ('video_encoder', 'text_encoder'):
            changes.update({f'model.{tower}.{key}': value for key, value in sizes.items()})
        changes.update({'model.head.embed_dims': 32, 'model.head.temporal_heads': 4})
    if model.get('type') == 'vlplugins.DomainAdaptiveDetector':
        changes.update(shrink_domain_detector(model))
    if model.get('type') == 'TemporalGrounder':
        changes.update(shrink_grounder())
    if model.get('type') in ('PoseGULifter', 'AdversarialPoseGULifter'):
        changes.update(shrink_pose_lifter(model))
    if model.get('type') == 'UnifiedTracker':
        changes.update(shrink_tracker(model))
    if model.get('type') == 'FineGrainedVLPretrainer' and model.image_backbone.type == 'mmdet.SwinTransformer':
        changes.update(shrink_vl_pretrainer(model))
    cfg.merge_from_dict(changes)
    return cfg


def shrink_tracker(model):
    """A detector of few layers and queries on a thin backbone; iterations of the target transformer at most two."""
    detector = {'backbone.depth': 18, 'backbone.base_channels': 8, 'backbone.init_cfg': None, 'num_queries': 10}
    detector.update({'neck.in_channels': [16, 32, 64], 'encoder.num_layers': 1, 'decoder.num_layers': 1})
    changes = {f'model.detector.{key}': value for key, value in detector.items()}
    changes['model.target_transformer.num_iterations'] = min(2, model.target_transformer.num_iterations)
    return changes


def shrink_pose_lifter(model):
    changes = {}
    if 'stem_channels' in model.backbone:
        changes.update({'model.backbone.stem_channels': 32, 'model.head.in_channels': 32})
    if model.get('generator'):
        changes['model.generator.bank.num_seeds'] = 8
    if ((model.get('generator') or {}).get('propensity') or {}).get('target', {}).get('bank'):
        changes['model.generator.propensity.target.bank.num_seeds'] = 12
    return changes


def pose_batch(cfg):
    poses, _ = poses_before_camera(4)
    samples = [
        PoseLiftingDataSample(
            gt_keypoints_3d=pose - pose[0],
            weight=torch.tensor(1.0 + index),
            is_generated=torch.tensor(index % 2 == 1),
        )
        for index, pose in enumerate(poses)
    ]
    return dict(inputs=[2.29 * pose[:, :2] / pose[:, 2:] for pose in poses], data_samples=samples)


def shrink_domain_detector(model):
    """A backbone of 18 layers and thin extractors; small images do not fill three strides of a classifier."""
    changes = {'model.decomposer.mid_channels': 8, 'model.backbone.init_cfg': None}
    if model.backbone.depth == 101:
        thin = {'backbone.depth': 18, 'decomposer.in_channels': 256, 'rpn_head.in_channels': 256}
        thin.update({'rpn_head.feat_channels': 8, 'roi_head.bbox_roi_extractor.out_channels': 256})
        thin.update({'train_cfg.rpn_proposal.nms_pre': 200, 'train_cfg.rpn_proposal.max_per_img': 50})
        thin['train_cfg.rpn.allowed_border'] = -1  # the images of the test are smaller than the anchors
        changes.update({f'model.{key}': value for key, value in thin.items()})
        for name in ('base', 'specific'):
            if model[f'{name}_classifier']:
                changes[f'model.{name}_classifier.in_channels'] = 256
                changes[f'model.{name}_classifier.channels'] = (16, 128)
        if model.pixel_classifier:
            changes['model.pixel_classifier.in_channels'] = 64
        for name in ('invariant', 'base'):
            if model.roi_head[name]:
                changes[f'model.roi_head.{name}.shared_head.depth'] = 18
                changes[f'model.roi_head.{name}.shared_head.init_cfg'] = None
                changes[f'model.roi_head.{name}.bbox_head.in_channels'] = 512
    return changes


def contrastive_batch(cfg):
    channels, size = model_input(cfg)
    return dict(inputs=[torch.randint(0, 255, (4, channels, size, size), dtype=torch.uint8) for _ in range(2)])


def classification_batch(cfg):
    channels, size = model_input(cfg)
    samples = [ClassificationDataSample().set_gt_label(index) for index in range(4)]
    return dict(
        inputs=torch.randint(0, 255, (4, channels, size, size), dtype=torch.uint8),
        data_samples=samples,
    )


def model_input(cfg):
    backbone = cfg.model.backbone
    return backbone.get('in_channels', 3), 32 if backbone.get('stem', 'imagenet') == 'imagenet' else 8


def retrieval_batch(cfg):
    encoder = cfg.model.video_encoder
    size = encoder.img_size
    frames = [torch.randint(0, 255, (encoder.num_frames, 3, size, size), dtype=torch.uint8) for _ in range(2)]
    return dict(
        inputs=dict(
            imgs=frames,
            text_ids=[torch.tensor([49406, 320 + index, 49407, 0]) for index in range(2)],
            frame_mask=[torch.ones(len(imgs), dtype=torch.bool) for imgs in frames],
        ),
        data_samples=[RetrievalDataSample() for _ in frames],
    )


def detection_batch(cfg):
    from mmdet.structures import DetDataSample

    sample = DetDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64), scale_factor=(1.0, 1.0)))
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[8.0, 8.0, 40.0, 48.0]]), labels=torch.tensor([1]), masks=_one_mask()
    )
    return dict(inputs=[torch.randint(0, 255, (3, 64, 64), dtype=torch.uint8)], data_samples=[sample])


def domain_batch(cfg):
    pytest.importorskip('mmdet')
    from tests.helpers.domain_detectors import make_batch

    return make_batch()


def tracking_batches(cfg):
    pytest.importorskip('mmdet')
    from tests.helpers.trackers import mot_batch, sot_batch

    return [dict(sot=sot_batch, mot=mot_batch)[task]() for task in cfg.train_cfg.order]


def temporal_batch(cfg):
    from tests.helpers.tel import clip

    branches = {name: branch for name, branch in cfg.model.branches.items() if branch is not None}
    widths = {name: branch.in_channels for name, branch in branches.items()}
    return pseudo_collate([clip(length, length, cfg.model.head.num_classes, **widths) for length in (5, 9)])


def shrink_grounder():
    """Narrow, with 4 positions of 2 features each, and without the file of word vectors."""
    narrow = {'query_encoder.word_vectors': None, 'query_encoder.vocab_size': 12, 'query_encoder.word_channels': 10}
    narrow.update({f'{part}.dim': 16 for part in ('query_encoder', 'video_encoder', 'neck', 'head')})
    narrow.update({f'{part}.heads': 2 for part in ('query_encoder', 'video_encoder')})
    narrow.update({'neck.match_dim': 8, 'video_encoder.num_positions': 8, 'video_encoder.num_coarse': 4})
    return {f'model.{key}': value for key, value in {**narrow, 'data_preprocessor.num_positions': 8}.items()}


def grounding_batch(cfg):
    from tests.helpers.grounding import batch, graph, packed

    width = cfg.model.video_encoder.in_channels
    return batch(packed(0, width=width), packed(1, width=width, sentence_graph=graph(with_adjective=True)))


def inference_batch(cfg):
    from tests.helpers.violin import resized_clips

    model = cfg.model
    video = (model.get('premise_encoder') or model).get('video_channels')
    return resized_clips(model.text_channels, video or 8)


def shrink_vl_pretrainer(model):
    """Windows of 2 x 2 patches on images of 64 pixels, and narrow."""
    narrow = {'image_backbone.embed_dims': 8, 'image_backbone.depths': [1, 1, 1, 1], 'image_channels': 64}
    narrow.update({'image_backbone.num_heads': [1, 2, 2, 2], 'image_backbone.window_size': 2, 'embed_dim': 16})
    narrow.update({'text_backbone.vocab_size': 64, 'text_backbone.width': 32, 'text_backbone.depth': 1})
    narrow.update({'region_head.in_channels': 64, 'region_head.grid': (2, 2), 'region_head.num_regions': 4})
    for name in ('token_estimator', 'semantic_estimator'):
        if model.get(name):
            narrow.update({f'{name}.estimator.dim': 16, f'{name}.estimator.hidden': 16, f'{name}.estimator.heads': 2})
    if model.get('token_estimator'):
        narrow['token_estimator.estimator.grid'] = (2, 2)
    return {f'model.{key}': value for key, value in narrow.items()}


def image_text_batch(cfg):
    grid = cfg.model.region_head.grid
    side = {2: 64, 6: 96}[grid[0]]
    # Of fewer than three texts none judges in a game.
    ids = torch.tensor([[2, 5, 6, 7, 8, 3], [2, 9, 10, 3, 0, 0], [2, 5, 10, 3, 0, 0]])
    spans = [torch.tensor([[1, 3], [3, 5]]), torch.tensor([[1, 3]]), torch.tensor([[1, 3]])]
    images = [torch.randint(0, 255, (3, side, side), dtype=torch.uint8) for _ in ids]
    return dict(inputs=dict(image=images, text_ids=list(ids), phrase_spans=spans))


def _one_mask():
    import numpy as np
    from mmdet.structures.mask import BitmapMasks

    mask = np.zeros((1, 64, 64), dtype=np.uint8)
    mask[0, 8:48, 8:40] = 1
    return BitmapMasks(mask, 64, 64)


BATCHES = {
    'DomainAdaptiveDetector': domain_batch,
    'AdversarialPoseGULifter': pose_batch,
    'PoseGULifter': pose_batch,
    'RecognizerGCN': packed_skeletons,
    'Recognizer2D': packed_skeletons,
    'FineGrainedVLPretrainer': image_text_batch,
    'SlimmableMoCo': contrastive_batch,
    'SlimmableMoCoV3': contrastive_batch,
    'SlimmableSimCLR': contrastive_batch,
    'SlimmableClassifier': classification_batch,
    'TextVideoRetriever': retrieval_batch,
    'VideoLanguageInference': inference_batch,
    'ViolinBase': inference_batch,
    'WeaklySupervisedTemporalLocalizer': temporal_batch,
    'TemporalGrounder': grounding_batch,
    'UnifiedTracker': tracking_batches,
    'MaskRCNN': detection_batch,
    'FasterRCNN': detection_batch,
}


# Examples and mixtures are trained through tools/train.py by tests of their own.
TRAINED = [path for path in CONFIGS if not {'examples', 'mixing'} & set(path.parts)]


@pytest.mark.parametrize('path', TRAINED, ids=[str(path.relative_to(ROOT / 'configs')) for path in TRAINED])
def test_model_builds_and_takes_a_step(path):
    from mmengine.registry import MODELS

    cfg = shrink(load(path))
    cfg.model.get('backbone', {}).pop('init_cfg', None)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    kind = type(model).__name__
    if kind == 'FeatureExtractor':
        assert model(torch.randn(2, *[model_input(cfg)[0], 16, 16]))
        return
    if isinstance(getattr(model, 'generator', None), PoseGenerator):
        model.generator.set_seeds(*poses_before_camera(16))
    model.train()
    batches = BATCHES[kind](cfg)
    for batch in batches if isinstance(batches, list) else [batches]:
        model.zero_grad()
        loss, _ = model.parse_losses(model(**model.data_preprocessor(batch, True), mode='loss'))
        loss.backward()
        assert loss.isfinite()
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
