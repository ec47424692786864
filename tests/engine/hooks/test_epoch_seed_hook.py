import random

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook

from tests.helpers.tiny_training import make_runner
from vlplugins.utils.seeds import seed_generators


class Draw(Hook):
    """Draws random numbers each iteration, as augmentation does."""

    def __init__(self):
        self.drawn = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.drawn.append((random.random(), np.random.uniform(), torch.rand(()).item()))


def draw(folder, epochs, resume=False):
    hook = Draw()
    make_runner(folder, epochs, [dict(type='EpochSeedHook'), hook], resume=resume).train()
    return hook.drawn


def test_resumed_run_draws_the_numbers_of_the_uninterrupted_one(tmp_path):
    whole = draw(tmp_path / 'whole', 3)
    assert draw(tmp_path / 'parts', 1) + draw(tmp_path / 'parts', 3, resume=True) == whole
    assert len(set(whole)) == len(whole)


def test_numbers_depend_on_every_part_of_the_seed():
    drawn = set()
    for entropy in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]:
        seed_generators(*entropy)
        drawn.add((random.random(), np.random.uniform(), torch.rand(()).item()))
    assert len(drawn) == 4
    seed_generators(0, 0, 0)
    assert (random.random(), np.random.uniform(), torch.rand(()).item()) in drawn


@pytest.mark.parametrize('entropy', [(-1,), (0.5,)])
def test_seed_must_be_non_negative_integers(entropy):
    with pytest.raises((ValueError, TypeError)):
        seed_generators(*entropy)
