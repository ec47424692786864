import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from tests.helpers.tiny_training import make_runner
from vlplugins.datasets.synthetic import SyntheticPoseWorlds
from vlplugins.registry import DATASETS, MODELS

PIPELINE = [dict(type='ScreenNormalize'), dict(type='PackLiftingInputs')]


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    folder = SyntheticPoseWorlds(str(tmp_path_factory.mktemp('data') / 'worlds'), 6, 2, 16, 10).prepare()
    return dict(
        type='Human36mLiftingDataset',
        data_root=str(folder),
        ann_file='data_3d_h36m.npz',
        camera_param_file='cameras.pkl',
        subjects=['S1'],
    )


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')


def generated(people, **changes):
    options = dict(type='GeneratedPoseDataset', seeds=people, generator=dict(type='PoseGenerator'), pipeline=PIPELINE)
    return {**options, **changes}


def lifter(**changes):
    torch.manual_seed(0)
    backbone = dict(type='SemGCN', channels=8, num_blocks=1)
    return MODELS.build(dict(type='PoseGULifter', backbone=backbone, head=dict(type='PoseLiftHead'), **changes))


def loader(dataset, workers=0):
    return dict(
        batch_size=16,
        num_workers=workers,
        persistent_workers=workers > 0,
        dataset=dataset,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='pseudo_collate'),
    )


ONLINE = dict(
    generator=dict(type='PoseGenerator'), crm_loss=dict(type='CounterfactualRiskLoss'), online=True, num_generated=8
)


def test_bank_is_filled_from_the_training_set(people, tmp_path):
    model = lifter(**ONLINE)
    data = loader(dict(people, pipeline=PIPELINE))
    runner = make_runner(tmp_path, 1, [dict(type='SeedBankHook')], model=model, train_dataloader=data)
    runner.train()
    assert len(model.generator.bank) == 48
    other = lifter(**ONLINE)
    hook = dict(type='SeedBankHook', dataset=dict(people, num_seeds=2))
    make_runner(tmp_path, 1, [hook], model=other, train_dataloader=data).train()
    assert len(other.generator.bank) == 8


def test_bank_needs_a_generator_and_poses(people, tmp_path):
    data = loader(dict(people, pipeline=PIPELINE))
    with pytest.raises(ValueError, match='no generator'):
        make_runner(tmp_path, 1, [dict(type='SeedBankHook')], model=lifter(), train_dataloader=data).train()
    model = lifter(**ONLINE)
    only = loader(generated(people, size=16))
    with pytest.raises(ValueError, match='no poses in space'):
        make_runner(tmp_path, 1, [dict(type='SeedBankHook')], model=model, train_dataloader=only).train()


def first_poses(people, tmp_path, workers, epochs=2, hooks=(dict(type='PoseRegenerationHook'),)):
    """Poses of the first batch of each epoch, as the model gets them."""
    model = lifter(crm_loss=dict(type='CounterfactualRiskLoss'))
    seen, loss = [], model.loss
    model.loss = lambda inputs, targets: (seen.append(inputs.clone()), loss(inputs, targets))[1]
    data = loader(generated(people, size=16), workers)
    make_runner(tmp_path, epochs, list(hooks), model=model, train_dataloader=data).train()
    return seen


@pytest.mark.parametrize('workers', [0, 1])
def test_each_epoch_has_new_poses_also_with_workers_that_stay(people, tmp_path, workers):
    first, second = first_poses(people, tmp_path / 'a', workers)
    again = first_poses(people, tmp_path / 'b', workers)
    assert not torch.allclose(first, second)
    assert torch.equal(again[0], first) and torch.equal(again[1], second)


def test_poses_stay_for_an_interval(people, tmp_path):
    hook = dict(type='PoseRegenerationHook', interval=2)
    seen = first_poses(people, tmp_path, 0, 3, [hook])
    assert torch.equal(seen[0], seen[1]) and not torch.allclose(seen[0], seen[2])


def test_ranks_have_poses_of_their_own(people, tmp_path, monkeypatch):
    alone = first_poses(people, tmp_path / 'a', 0, 1)
    monkeypatch.setattr('vlplugins.engine.hooks.pose_generation_hooks.get_rank', lambda: 1)
    assert not torch.allclose(first_poses(people, tmp_path / 'b', 0, 1)[0], alone[0])


def test_regeneration_needs_a_set_to_regenerate(people, tmp_path):
    data = loader(dict(people, pipeline=PIPELINE))
    with pytest.raises(ValueError, match='no GeneratedPoseDataset|contains no'):
        make_runner(tmp_path, 1, [dict(type='PoseRegenerationHook')], model=lifter(), train_dataloader=data).train()


def test_generated_set_beside_a_real_one(people):
    joined = DATASETS.build(
        dict(type='ConcatDataset', datasets=[dict(people, pipeline=PIPELINE), generated(people, ratio=0.5)])
    )
    assert len(joined) == 48 + 24
    samples = pseudo_collate([joined[index] for index in (0, 47, 48, 71)])['data_samples']
    assert [bool(sample.is_generated) for sample in samples] == [False, False, True, True]
    assert samples[0].weight == 1 and float(samples[2].weight) > 0
    record = joined.datasets[1].get_data_info(3)
    width, height = record['image_size']
    screen = 2 * record['keypoints'][0] / width - (1, height / width)
    points = record['lifting_target'][0]
    expected = 2.29 * points[:, :2] / points[:, 2:]
    assert abs(screen - expected).max() < 1e-5


def test_a_set_that_cannot_be_filled_is_told(people):
    nowhere = dict(type='PoseGenerator', box=0.01)
    with pytest.raises(ValueError, match='0 of 16 poses were accepted'):
        DATASETS.build(generated(people, size=16, generator=nowhere, max_rounds=2))
    with pytest.raises(ValueError, match='at least 1'):
        DATASETS.build(generated(people, size=0))


def test_real_and_generated_batches_take_turns(people, tmp_path):
    model = lifter(**ONLINE)
    seen, loss = [], model.loss
    model.loss = lambda inputs, targets: (seen.append(model.active), loss(inputs, targets))[1]
    hooks = [dict(type='SeedBankHook'), dict(type='AlternateBatchHook')]
    data = loader(dict(people, pipeline=PIPELINE))
    make_runner(tmp_path, 1, hooks, model=model, train_dataloader=data).train()
    assert seen == ['generated', 'real', 'generated'] and model.active == 'both'
    with pytest.raises(ValueError, match='by'):
        make_runner(tmp_path, 1, [dict(type='AlternateBatchHook', by='step')])


def test_useless_weights_are_warned_of_once_an_epoch(people, tmp_path):
    data = loader(dict(people, pipeline=PIPELINE))
    warned = []
    hooks = [dict(type='SeedBankHook'), dict(type='GenerationMonitorHook', min_ess=2.0)]
    runner = make_runner(tmp_path, 2, hooks, model=lifter(**ONLINE), train_dataloader=data)
    runner.logger.warning = lambda text: warned.append(text)
    runner.train()
    assert sum('crm/ess was' in text and 'below 2' in text for text in warned) == 2
