"""Every method goes on after an interruption as if there had been none, and accumulates gradients."""

from pathlib import Path

import pytest
import torch

from tools import train
from tools.misc.demo import load_spec, shrink

DEMOS = sorted(Path(__file__).resolve().parents[1].glob('configs/*/demo.yml'))


def run(path, work_dir, *arguments, **options):
    """Train the first trained run of a demo, shrunk by its section ``quick``, without validation."""
    spec = shrink(load_spec(path), 'quick')
    chosen = next(run for run in spec['runs'] if run.get('train', True))
    options = {**chosen['cfg_options'], 'train_cfg.val_interval': 9, **options}
    options.update({'default_hooks.checkpoint.interval': 1, 'default_hooks.checkpoint.max_keep_ckpts': -1})
    listed = [f'{key}={value}' for key, value in options.items()]
    train.main([str(chosen['path']), '--work-dir', str(work_dir), '--seed', '3', *arguments, '--cfg-options', *listed])
    return torch.load(work_dir / f'epoch_{options["train_cfg.max_epochs"]}.pth', weights_only=False)['state_dict']


@pytest.mark.parametrize('path', DEMOS, ids=[path.parent.name for path in DEMOS])
def test_resumed_run_ends_with_the_weights_of_the_uninterrupted_one(path, tmp_path):
    straight = run(path, tmp_path / 'straight')
    checkpoint = tmp_path / 'straight/epoch_1.pth'
    resumed = run(path, tmp_path / 'resumed', '--resume', str(checkpoint))
    first = torch.load(checkpoint, weights_only=False)['state_dict']
    for name, value in straight.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-4, atol=1e-5, msg=name)
    # There was something to resume: the weights have moved since.
    assert sum(not torch.equal(value, first[name]) for name, value in straight.items()) > len(straight) / 4


@pytest.mark.parametrize('path', DEMOS, ids=[path.parent.name for path in DEMOS])
def test_gradients_are_accumulated_or_that_is_refused_in_a_line(path, tmp_path, capsys):
    try:
        weights = run(path, tmp_path, **{'optim_wrapper.accumulative_counts': 2})
    except SystemExit:
        assert 'accumulative_counts must be 1' in capsys.readouterr().err
        return
    assert all(value.isfinite().all() for value in weights.values())
