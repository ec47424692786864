import pytest
from mmengine.hooks import Hook

from tests.helpers.tiny_training import make_runner

COSINE = dict(type='CosineAnnealingLR', T_max=8, eta_min=0, by_epoch=False)


def test_switch_turns_at_the_start_of_its_epoch(tmp_path):
    model = make_runner(tmp_path, epochs=4, hooks=[dict(type='SlowStartHook', start_epoch=2)]).train()
    assert [enabled for enabled, _, _ in model.seen] == [False] * 4 + [True] * 4


@pytest.mark.parametrize('start', [0, -1])
def test_no_slow_start(tmp_path, start):
    model = make_runner(tmp_path, epochs=1, hooks=[dict(type='SlowStartHook', start_epoch=start)]).train()
    assert [enabled for enabled, _, _ in model.seen] == [True, True]


@pytest.mark.parametrize('epochs', [1, 3])
def test_state_after_resume_follows_from_the_epoch(tmp_path, epochs):
    hooks = [dict(type='SlowStartHook', start_epoch=2)]
    make_runner(tmp_path, epochs=epochs, hooks=hooks).train()
    model = make_runner(tmp_path, epochs=4, hooks=hooks, resume=True).train()
    expected = [False] * 4 + [True] * 4
    assert [enabled for enabled, _, _ in model.seen] == expected[2 * epochs :]


class Recorder(Hook):
    """Notes the learning rate that each iteration uses."""

    priority = 'LOWEST'

    def __init__(self):
        self.rates = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.rates.append(runner.optim_wrapper.param_groups[0]['lr'])


class Interrupt(Hook):
    """Ends the run at the start of an epoch, as a killed process does."""

    def __init__(self, epoch):
        self.epoch = epoch

    def before_train_epoch(self, runner):
        if runner.epoch == self.epoch:
            raise KeyboardInterrupt


def rates(folder, factor, interruptions=()):
    """Learning rate of each iteration of four epochs, in one piece or killed and resumed at the epochs given."""
    found = []
    for index, stop in enumerate((*interruptions, None)):
        recorder = Recorder()
        hooks = [dict(type='SlowStartHook', start_epoch=2, lr_factor=factor), recorder, Interrupt(stop)]
        runner = make_runner(folder, 4, hooks, param_scheduler=dict(COSINE), resume=index > 0)
        try:
            runner.train()
        except KeyboardInterrupt:
            pass
        found += recorder.rates
    return found


def test_learning_rate_is_multiplied_once_and_the_cosine_goes_on(tmp_path):
    plain = rates(tmp_path / 'plain', None)
    once = rates(tmp_path / 'once', 2.5)
    assert once == pytest.approx(plain[:4] + [2.5 * rate for rate in plain[4:]])
    # Resumed before, at and after the change: never twice, never forgotten.
    for stop in (1, 2, 3):
        assert rates(tmp_path / f'resumed{stop}', 2.5, [stop]) == pytest.approx(once)


def test_start_that_never_comes_is_warned_of(tmp_path):
    runner = make_runner(tmp_path, epochs=1, hooks=[dict(type='SlowStartHook', start_epoch=5)])
    warnings = []
    runner.logger.warning = warnings.append
    runner.train()
    assert sum('never train' in warning for warning in warnings) == 1


def test_reweighting_changes_its_scheme_at_an_epoch(tmp_path):
    hook = dict(type='LossReweightHook', scheme='full_plus_sum', switch_epoch=1, scheme_before='none')
    model = make_runner(tmp_path, epochs=2, hooks=[hook]).train()
    assert [scheme for *_, scheme in model.seen] == ['none'] * 2 + ['full_plus_sum'] * 2
