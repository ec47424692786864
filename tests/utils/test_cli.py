from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tests.helpers.processes import run_distributed
from vlplugins.utils.cli import leave_process_group

THREADS = Path('/proc/self/task')


def threads_of_gloo():
    return [path for path in THREADS.glob('*/comm') if 'gloo' in path.read_text()]


def train_one_step():
    model = DistributedDataParallel(nn.Linear(2, 2))
    model(torch.ones(1, 2)).sum().backward()


def leave_after_training(rank, world_size):
    train_one_step()
    before = len(threads_of_gloo())
    leave_process_group()
    return before, len(threads_of_gloo())


@pytest.mark.skipif(not THREADS.exists(), reason='counts the threads of Linux')
def test_no_thread_of_gloo_outlives_the_process_group():
    """One that still holds a tensor when the interpreter ends would abort the process."""
    for before, after in run_distributed(leave_after_training):
        assert before > 0 and after == 0


def test_a_process_of_its_own_has_nothing_to_leave():
    leave_process_group()
