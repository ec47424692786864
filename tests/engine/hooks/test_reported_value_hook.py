import pytest
import torch

from tests.helpers.tiny_training import LinearModel, make_runner
from vlplugins.registry import HOOKS


def test_a_number_of_the_model_is_among_the_metrics(tmp_path):
    model = LinearModel()
    model.register_buffer('ratio', torch.tensor(0.25))
    runner = make_runner(tmp_path, epochs=1, hooks=[], model=model)
    hook = HOOKS.build(dict(type='ReportedValueHook', path='ratio', name='unsil/ratio'))
    metrics = {'acc': 1.0}
    hook.before_train(runner)
    hook.after_val_epoch(runner, metrics)
    assert metrics == {'acc': 1.0, 'unsil/ratio': 0.25}
    with pytest.raises(AttributeError, match="'share' does not exist"):
        HOOKS.build(dict(type='ReportedValueHook', path='share')).before_train(runner)
