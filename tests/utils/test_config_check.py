import pytest
from mmengine.config import Config

from vlplugins.utils.config_check import ConfigError, accepted_arguments, check_config

GOOD = dict(
    default_scope='vlplugins',
    model=dict(
        type='SlimmableMoCo',
        backbone=dict(type='SlimmableResNet', depth=18),
        neck=dict(type='SlimmableMLPNeck', in_channels=512, hid_channels=512, out_channels=128),
        loss=dict(type='SlimmableContrastiveLoss', distill=dict(type='LogitKLDistill')),
    ),
    train_dataloader=dict(
        dataset=dict(type='ImageFolderDataset', data_root='x', pipeline=[dict(type='LoadImage')]),
        sampler=dict(type='DefaultSampler', shuffle=True),
    ),
    optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='LARS', lr=0.1)),
    param_scheduler=[dict(type='CosineAnnealingLR', T_max=3)],
    custom_hooks=[dict(type='SlowStartHook', start_epoch=1)],
    val_evaluator=[dict(type='KNNAccuracy', k=3)],
)


def changed(**options):
    cfg = Config(GOOD)
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in options.items()})
    return cfg


def test_good_config_passes():
    check_config(Config(GOOD))


@pytest.mark.parametrize(
    'options, expected',
    [
        (dict(model__backbone__type='SlimableResNet'), ["model.backbone.type = 'SlimableResNet'", 'SlimmableResNet']),
        (dict(model__type='SlimmableMoco'), ['model.type', 'SlimmableMoCo']),
        (dict(model__backbone__dept=3), ['model.backbone.dept = 3', "did you mean 'depth'"]),
        (dict(model__loss__distill__tau=3), ['model.loss.distill.tau', 'tau_student']),
        (dict(train_dataloader__dataset__pipeline=[dict(type='LoadImages')]), ['pipeline.0.type', 'LoadImage']),
        (dict(train_dataloader__dataset__pipeline=[*'_load_4', dict(type='LoadImage')]), ['pipeline has', '_load_4']),
        (dict(train_dataloader__sampler__type='DefaultSampled'), ['train_dataloader.sampler.type', 'DefaultSampler']),
        (dict(optim_wrapper__optimizer__type='LAR'), ['optim_wrapper.optimizer.type', 'LARS']),
        (dict(custom_hooks=[dict(type='SlowStartHook')]), ['custom_hooks.0', "needs the argument 'start_epoch'"]),
        (dict(val_evaluator=[dict(type='KNNAccuray')]), ['val_evaluator.0.type', 'KNNAccuracy']),
        (dict(param_scheduler=[dict(type='CosineAnealingLR')]), ['param_scheduler.0.type', 'CosineAnnealingLR']),
        (dict(model__backbone__type='nopackage.ResNet'), ['nopackage.ResNet']),
    ],
)
def test_problem_is_told_with_key_value_and_what_was_expected(options, expected):
    with pytest.raises(ConfigError) as caught:
        check_config(changed(**options))
    assert all(part in str(caught.value) for part in expected), str(caught.value)


def test_all_problems_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        check_config(changed(model__backbone__depht=1, model__neck__in_chanels=3, custom_hooks=[dict(type='Slow')]))
    assert str(caught.value).count('\n') == 3


def test_arguments_are_followed_through_keyword_arguments():
    from vlplugins.datasets.image_folder import ImageFolderDataset
    from vlplugins.evaluation.metrics import KNNAccuracy

    names, required = accepted_arguments(KNNAccuracy)
    assert {'k', 'temperature', 'widths', 'prefix', 'collect_device'} <= names and not required
    assert {'data_root', 'skip_bad', 'test_mode', 'indices'} <= accepted_arguments(ImageFolderDataset)[0]


@pytest.mark.parametrize(
    'config',
    [
        'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
        'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py',
        'mmaction::skeleton/stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d.py',
        'mmpose::body_3d_keypoint/video_pose_lift/h36m/video-pose-lift_tcn-243frm-supv-cpn-ft_8xb128-200e_h36m.py',
    ],
)
def test_shipped_configs_of_other_packages_pass(config):
    import importlib

    package, path = config.split('::')
    root = importlib.import_module(package).__path__[0]
    check_config(Config.fromfile(f'{root}/.mim/configs/{path}'))


def test_misspelt_type_in_a_config_of_another_package_is_told():
    import mmdet

    cfg = Config.fromfile(f'{mmdet.__path__[0]}/.mim/configs/faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py')
    cfg.model.backbone.type = 'ResNett'
    with pytest.raises(ConfigError, match="model.backbone.type = 'ResNett'.*'ResNet'"):
        check_config(cfg)


def test_keys_for_the_owner_of_a_part_are_no_arguments():
    reducer = dict(type='TokenClustering', after_block=0, num_segments=3, num_centers=8)
    tower = dict(type='CLIPVisionTransformer', token_reducers=[reducer])
    check_config(dict(default_scope='vlplugins', model=tower))
    reducer['after_blok'] = 0
    with pytest.raises(ConfigError, match="TokenClustering has no argument 'after_blok'"):
        check_config(dict(default_scope='vlplugins', model=tower))


@pytest.mark.parametrize('encoder, tokens', [(dict(max_len=20), 21), ({}, 65), (dict(max_len=20), 20)])
def test_texts_longer_than_the_text_encoder_are_told(encoder, tokens):
    tokenizer = dict(type='WordPiece', vocabulary='x', context_length=tokens)
    short = dict(tokenizer, context_length=9)
    pipelines = [[dict(type='LoadImage'), dict(type='Tokenize', tokenizer=each)] for each in (short, tokenizer)]
    datasets = [dict(type='ImageTextPairDataset', ann_file='x', pipeline=each) for each in pipelines]
    model = dict(type='FineGrainedVLPretrainer', text_backbone=dict(type='BertTextEncoder', **encoder))
    model.update(image_backbone=dict(type='PatchEncoder'), image_channels=64)
    loader = dict(dataset=dict(type='ConcatDataset', datasets=datasets))
    cfg = dict(default_scope='vlplugins', model=model, train_dataloader=loader)
    if tokens == 20:
        return check_config(cfg)
    with pytest.raises(ConfigError) as caught:
        check_config(cfg)
    expected = f'model.text_backbone.max_len = {tokens - 1}: train_dataloader.dataset.datasets.1.pipeline.1.tokenizer'
    assert f'{expected}.context_length = {tokens}' in str(caught.value)


def test_parts_of_ours_inside_the_scope_of_another_package():
    """Where the registry is not known, all of them are asked, in the scope of the other package."""
    pytest.importorskip('mmdet')
    parts = dict(decomposer=dict(type='vlplugins.VectorDecomposition'), stages=[])
    model = dict(
        type='vlplugins.DomainAdaptiveDetector', backbone={}, rpn_head={}, roi_head={}, _scope_='mmdet', **parts
    )
    check_config(dict(default_scope='vlplugins', model=model))
    parts['decomposer']['type'] = 'vlplugins.VectorDecompositon'
    with pytest.raises(ConfigError, match="'VectorDecomposition'"):
        check_config(dict(default_scope='vlplugins', model=model))
