import pytest
import torch
from mmengine.hooks import Hook

from tests.helpers.tiny_training import LinearModel, make_runner


class Touch(Hook):
    """Changes one frozen number in the middle of an epoch."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        with torch.no_grad():
            runner.model.frozen.weight[0, 0] += 1e-6


def model():
    model = LinearModel()
    model.frozen = torch.nn.Linear(2, 2).requires_grad_(False)
    return model


CHECK = dict(type='FrozenBackboneCheckHook', prefix='frozen')


def test_untouched_part_passes(tmp_path):
    make_runner(tmp_path, epochs=2, hooks=[CHECK], model=model()).train()


def test_smallest_change_is_named(tmp_path):
    with pytest.raises(RuntimeError, match=r"1 tensors of the frozen frozen changed in training: \['weight'\]"):
        make_runner(tmp_path, epochs=1, hooks=[CHECK, Touch()], model=model()).train()


def test_part_that_trains_is_found(tmp_path):
    with pytest.raises(RuntimeError, match='layer'):
        make_runner(tmp_path, epochs=1, hooks=[dict(CHECK, prefix='layer')], model=model()).train()
