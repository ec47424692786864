import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from vlplugins.datasets.workers import seed_worker


class Draws(Dataset):
    """Each item is a random number drawn in the worker."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return np.random.uniform()


def epochs(seed):
    torch.manual_seed(seed)
    loader = DataLoader(Draws(), num_workers=2, worker_init_fn=seed_worker)
    return [tuple(loader_value.item() for loader_value in loader) for _ in range(2)]


def test_epochs_and_workers_differ_and_a_seed_repeats_them():
    first, second = epochs(0)
    assert len({*first, *second}) == 8
    assert epochs(0) == [first, second] and epochs(1) != [first, second]
