import os
import signal
import subprocess
import sys

import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler, DataLoader

from tests.helpers.alternating import Numbers, Remembers, loaders, remembered
from tests.helpers.runs import forget_runs
from tests.helpers.tiny_configs import ROOT
from tests.helpers.tiny_training import make_runner
from tools import train as train_tool
from vlplugins.engine.loops import AlternatingLoader


def train(folder, max_iters, data=None, resume=None, **loop):
    runner = make_runner(
        folder,
        model=Remembers(),
        train_dataloader=data or loaders(),
        train_cfg=dict(type='AlternatingTrainLoop', max_iters=max_iters, **loop),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=False)),
        log_processor=dict(by_epoch=False),
        resume=resume is not None,
        load_from=resume,
    )
    runner.train()
    return runner


def tasks(model):
    return ['sot' if numbers[0] < 100 else 'mot' for numbers, *_ in model.seen]


def test_sets_take_turns_and_each_is_gone_through_before_it_starts_anew(tmp_path):
    seen = train(tmp_path, 20).model.seen
    assert [len(numbers) for numbers, *_ in seen] == [2, 3] * 10
    sot = [number for numbers, *_ in seen[::2] for number in numbers]
    mot = [number for numbers, *_ in seen[1::2] for number in numbers]
    assert sorted(sot[:10]) == sorted(sot[10:]) == list(range(10)) and sot[:10] != sot[10:]
    for start in range(0, 30, 6):
        assert sorted(mot[start : start + 6]) == list(range(100, 106))


@pytest.mark.parametrize('done', [3, 11, 14])
def test_resumed_run_goes_on_with_the_batches_and_the_chance_of_the_uninterrupted_one(tmp_path, done):
    whole = train(tmp_path / 'whole', 20)
    train(tmp_path / 'first', done)
    rest = train(tmp_path / 'rest', 20, resume=str(tmp_path / 'first' / f'iter_{done}.pth'))
    assert rest.model.seen == whole.model.seen[done:]
    assert torch.equal(rest.model.weight, whole.model.weight)
    # What was trained on before is not loaded again: of each pass the rest alone.
    counts = {name: len(each.dataset.loaded) for name, each in rest.train_dataloader.loaders.items()}
    turns = {'sot': 10 - (done + 1) // 2, 'mot': 10 - done // 2}
    assert counts == {'sot': 2 * turns['sot'], 'mot': 3 * turns['mot']}


def test_a_killed_run_goes_on_with_both_streams(tmp_path):
    """Killed without warning between two checkpoints, in a turn of the second set, and resumed by the tool."""
    settings = dict(
        custom_imports=dict(imports=['tests.helpers.alternating']),
        default_scope='vlplugins',
        model=dict(type='Remembers'),
        train_dataloader=loaders(),
        train_cfg=dict(type='AlternatingTrainLoop', max_iters=14),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=3, by_epoch=False)),
        log_processor=dict(by_epoch=False),
    )
    config = tmp_path / 'config.py'
    config.write_text('\n'.join(f'{key} = {value!r}' for key, value in settings.items()))

    def arguments(name, *more, folder='killed'):
        options = [f'model.file={tmp_path / name}.jsonl', *more]
        return [str(config), '--work-dir', str(tmp_path / folder), '--seed', '0', '--cfg-options', *options]

    killed = subprocess.run(
        [sys.executable, 'tools/train.py', *arguments('first', 'model.killed_at=7')],
        cwd=ROOT,
        env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'),
        stdout=subprocess.DEVNULL,
    )
    assert killed.returncode == -signal.SIGKILL
    assert sorted(path.name for path in tmp_path.glob('killed/*.pth')) == ['iter_3.pth', 'iter_6.pth']
    for command in ([*arguments('rest'), '--resume'], arguments('whole', folder='whole')):
        forget_runs()
        train_tool.main(command)
    first, rest, whole = (remembered(tmp_path / f'{name}.jsonl') for name in ('first', 'rest', 'whole'))
    assert len(whole) == 14 and first == whole[:8] and rest == whole[6:]
    ends = [torch.load(tmp_path / f'{name}/iter_14.pth', weights_only=False) for name in ('killed', 'whole')]
    assert torch.equal(*(each['state_dict']['weight'] for each in ends))


def test_sampler_of_whole_batches_is_asked_for_all_of_a_pass():
    class Growing(BatchSampler):
        """Batches that depend on those before."""

        def __iter__(self):
            for number, batch in enumerate(super().__iter__()):
                yield batch[: 1 + number]

    def make():
        dataset = Numbers(0, 12)
        sampler = DefaultSampler(dataset, shuffle=True, seed=0)
        return AlternatingLoader(dict(one=DataLoader(dataset, batch_sampler=Growing(sampler, 3, False))), ['one'])

    whole, behind = make(), make()
    expected = [next(whole)['numbers'].tolist() for _ in range(9)]
    behind.skip(6)
    assert [next(behind)['numbers'].tolist() for _ in range(3)] == expected[6:]


def test_an_order_may_favour_a_set_or_leave_one_out(tmp_path):
    model = train(tmp_path / 'a', 6, order=('sot', 'sot', 'mot')).model
    assert tasks(model) == ['sot', 'sot', 'mot', 'sot', 'sot', 'mot']
    assert tasks(train(tmp_path / 'b', 3, order=('mot',)).model) == ['mot'] * 3


def test_losses_are_logged_by_their_set(tmp_path):
    runner = train(tmp_path, 6)
    logged = runner.message_hub.log_scalars
    assert {'train/sot/loss', 'train/mot/loss'} <= set(logged) and 'train/loss' not in logged
    # Three values each: no value of the other set takes part in a mean.
    assert len(logged['train/sot/loss'].data[0]) == len(logged['train/mot/loss'].data[0]) == 3


def test_length_is_a_pass_over_the_first_set(tmp_path):
    # Five batches of the first set, with two steps a turn; five of six steps each give one in the second case.
    assert len(train(tmp_path / 'a', 1).train_dataloader) == 10
    assert len(train(tmp_path / 'b', 1, order=('sot', 'sot', 'mot')).train_dataloader) == 7
    assert train(tmp_path / 'c', 1).train_dataloader.batch_size == 2


def test_what_does_not_fit_is_told(tmp_path):
    with pytest.raises(
        ValueError, match=r"order \('sot', 'mott'\) has \['mott'\]; train_dataloader has \['mot', 'sot'\]"
    ):
        train(tmp_path, 1, order=('sot', 'mott'))
    with pytest.raises(ValueError, match='has no name'):
        train(tmp_path, 1, order=())
    with pytest.raises(ValueError, match="'mot' has no batch"):
        train(tmp_path, 1, loaders(mot=2, drop_last=True))
