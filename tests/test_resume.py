"""Every method goes on after an interruption as if there had been none, and accumulates gradients."""

from pathlib import Path

import pytest
import torch

from tools import train
from tools.misc.demo import load_spec, shrink

DEMOS = sorted(Path(__file__).resolve().parents[1].glob('configs/*/demo.yml'))


def run(path, work_dir, *arguments, **options):
    """Train the first trained run of a demo, shrunk by its section ``quick``, without validation.

    Returns its checkpoints, one after each epoch, or after each iteration where there are no epochs.
    """
    spec = shrink(load_spec(path), 'quick')
    chosen = next(run for run in spec['runs'] if run.get('train', True))
    length = next(key for key in ('train_cfg.max_epochs', 'train_cfg.max_iters') if key in chosen['cfg_options'])
    options = {**chosen['cfg_options'], 'train_cfg.val_begin': chosen['cfg_options'][length] + 1, **options}
    options.update({'default_hooks.checkpoint.interval': 1, 'default_hooks.checkpoint.max_keep_ckpts': -1})
    listed = [f'{key}={value}' for key, value in options.items()]
    train.main([str(chosen['path']), '--work-dir', str(work_dir), '--seed', '3', *arguments, '--cfg-options', *listed])
    unit = length[len('train_cfg.max_') : -1]
    return [work_dir / f'{unit}_{number + 1}.pth' for number in range(options[length])]


def weights(checkpoint):
    return torch.load(checkpoint, weights_only=False)['state_dict']


@pytest.mark.parametrize('path', DEMOS, ids=[path.parent.name for path in DEMOS])
def test_resumed_run_ends_with_the_weights_of_the_uninterrupted_one(path, tmp_path):
    checkpoints = run(path, tmp_path / 'straight')
    middle = checkpoints[len(checkpoints) // 2 - 1]
    resumed = weights(run(path, tmp_path / 'resumed', '--resume', str(middle))[-1])
    straight, first = weights(checkpoints[-1]), weights(middle)
    for name, value in straight.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-4, atol=1e-5, msg=name)
    # There was something to resume: the weights have moved since.
    assert sum(not torch.equal(value, first[name]) for name, value in straight.items()) > len(straight) / 4


@pytest.mark.parametrize('path', DEMOS, ids=[path.parent.name for path in DEMOS])
def test_gradients_are_accumulated_or_that_is_refused_in_a_line(path, tmp_path, capsys):
    try:
        checkpoints = run(path, tmp_path, **{'optim_wrapper.accumulative_counts': 2})
    except SystemExit:
        assert 'accumulative_counts must be 1' in capsys.readouterr().err
        return
    assert all(value.isfinite().all() for value in weights(checkpoints[-1]).values())
