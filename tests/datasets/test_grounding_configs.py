"""What the configs of compositional grounding read: never a test split to choose a model by."""

import pytest
from mmengine.config import Config

from tests.helpers.tiny_configs import ROOT

CONFIGS = sorted((ROOT / 'configs/visa').glob('*.py'))


@pytest.mark.parametrize('path', CONFIGS, ids=[path.stem for path in CONFIGS])
def test_models_are_not_chosen_by_a_test_split(path):
    cfg = Config.fromfile(path)
    if 'synthetic_data' in cfg:
        # The last epoch is what counts: the splits are measured, nothing is chosen.
        assert 'save_best' not in cfg.default_hooks.checkpoint
        return
    held_out = cfg.val_dataloader.dataset
    assert (held_out.split, held_out.subset) == ('train', 'val')
    assert (cfg.train_dataloader.dataset.split, cfg.train_dataloader.dataset.subset) == ('train', 'train')
    assert held_out.val_fraction == cfg.train_dataloader.dataset.val_fraction > 0
    assert [each.split for each in cfg.test_dataloader.dataset.datasets] == [
        'test_trivial', 'novel_composition', 'novel_word',
    ]  # fmt: skip
    assert cfg.default_hooks.checkpoint.save_best.startswith('val/')


@pytest.mark.parametrize('path', CONFIGS, ids=[path.stem for path in CONFIGS])
def test_pipelines_give_what_the_model_takes(path):
    cfg = Config.fromfile(path)
    positions = cfg.model.video_encoder.num_positions
    assert cfg.model.data_preprocessor.num_positions == positions
    datasets = [cfg.train_dataloader.dataset, *cfg.test_dataloader.dataset.datasets]
    for dataset in datasets:
        steps = {step.type: step for step in dataset.pipeline}
        assert steps['ResampleFeatures'].num_positions == positions
        assert steps['LoadClipFeatures'].dim == cfg.model.video_encoder.in_channels
        assert steps['TokenizeQuery'].tokenizer.vocabulary == cfg.model.query_encoder.word_vectors
    jitters = [next(s for s in d.pipeline if s.type == 'ResampleFeatures').get('jitter', False) for d in datasets]
    assert jitters == [True, False, False, False]
