"""The data parts of the configs: they pass the check, and the pipelines give what the model takes."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import FUNCTIONS, init_default_scope
from mmengine.runner import Runner

from tests.helpers.videos import write_video
from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.registry import METRICS, MODELS, TRANSFORMS
from vlplugins.utils.config_check import check_config

FOLDER = Path(__file__).resolve().parents[2] / 'configs/_base_/datasets'
NAMES = ['msrvtt_retrieval', 'msvd_retrieval', 'lsmdc_retrieval', 'activitynet_retrieval', 'flash_videos']


def load(name):
    init_default_scope('vlplugins')
    cfg = Config.fromfile(FOLDER / f'{name}.py')
    cfg.default_scope = 'vlplugins'
    return cfg


@pytest.mark.parametrize('name', NAMES)
def test_configs_pass_the_check_and_their_pipelines_run(name, tmp_path):
    from mmcv.transforms import Compose

    cfg = load(name)
    check_config(cfg)
    METRICS.build(cfg.val_evaluator)
    path = write_video(tmp_path / 'x.mp4', 30, size=96)
    for pipeline, text in ((cfg.train_pipeline, 'a dog'), (cfg.test_pipeline, ['a dog', 'a cat'])):
        record = dict(video_path=str(path), video_id='x', video_index=0, text=text)
        record['text_indices'] = [0] if isinstance(text, str) else [0, 1]
        inputs = Compose([TRANSFORMS.build(each) for each in pipeline])(record)['inputs']
        size = 32 if name == 'flash_videos' else 224
        assert inputs['imgs'].shape == (cfg.num_frames, 3, size, size)
        # 30 frames do not fill ActivityNet's 60
        assert int(inputs['frame_mask'].sum()) == min(30, cfg.num_frames)
        shape = (cfg.context_length,) if isinstance(text, str) else (2, cfg.context_length)
        assert inputs['text_ids'].shape == shape
    expected = dict(activitynet_retrieval=(60, 77), flash_videos=(6, 20)).get(name, (12, 32))
    assert (cfg.num_frames, cfg.context_length) == expected


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.py')), ids=lambda path: path.stem)
def test_functions_that_loaders_name_are_found_where_mmengine_looks(path):
    init_default_scope('vlplugins')
    loader = Config.fromfile(path).get('train_dataloader') or {}
    names = [loader[key]['type'] for key in ('worker_init_fn', 'collate_fn') if key in loader]
    assert all(callable(FUNCTIONS.get(name)) for name in names)


def test_loaders_of_the_synthetic_set_give_batches_for_a_model(tmp_path):
    cfg = load('flash_videos')
    root = str(tmp_path / 'set')
    cfg.merge_from_dict(
        {
            'synthetic_data': dict(root=root, num_train=6, num_test=5),
            'train_dataloader': dict(batch_size=4, dataset=dict(data_root=root)),
            'val_dataloader': dict(batch_size=4, dataset=dict(data_root=root)),
        }
    )
    prepare_synthetic_data(cfg)
    preprocessor = MODELS.build(cfg.data_preprocessor)
    train = [preprocessor(batch) for batch in Runner.build_dataloader(cfg.train_dataloader, seed=0)]
    assert len(train) == 1
    inputs = train[0]['inputs']
    assert inputs['imgs'].shape == (4, 6, 3, 32, 32) and inputs['text_ids'].shape == (4, 20)
    assert 'captions_per_video' not in inputs and inputs['frame_mask'].all()
    test = [preprocessor(batch) for batch in Runner.build_dataloader(cfg.val_dataloader, seed=0)]
    assert [batch['inputs']['captions_per_video'] for batch in test] == [[1] * 4, [1]]
    assert [sample.video_index for batch in test for sample in batch['data_samples']] == [0, 1, 2, 3, 4]
    # every caption fits into the context
    ends = torch.cat([batch['inputs']['text_ids'] for batch in test])
    assert (ends.argmax(dim=1) < 19).all()


def test_batches_of_distinct_videos_can_be_chosen_in_a_config(tmp_path):
    cfg = load('flash_videos')
    root = str(tmp_path / 'set')
    cfg.synthetic_data.update(root=root, num_train=8, num_test=2, captions_per_video=3)
    prepare_synthetic_data(cfg)
    loader = cfg.train_dataloader
    loader.dataset.data_root = root
    loader.pop('drop_last')
    loader.update(batch_size=4, batch_sampler=dict(type='UniqueVideoBatchSampler'))
    batches = list(Runner.build_dataloader(loader, seed=0))
    assert len(batches) == 6
    for batch in batches:
        assert len({sample.video_id for sample in batch['data_samples']}) == 4
