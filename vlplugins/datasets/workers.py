"""Functions that loaders call by name."""

import random

import numpy as np
import torch

from vlplugins.registry import FUNCTIONS


@FUNCTIONS.register_module()
def seed_worker(worker_id: int) -> None:
    """Seed Python and NumPy in a loader worker from the seed that PyTorch has given it.

    That seed is drawn anew whenever workers are started, from the main process's generator. MMEngine's own function
    gives a worker the same seed at every start: with workers started anew each epoch (``persistent_workers=False``),
    every epoch would repeat the augmentations of the first.

    Args:
        worker_id: Number of the worker; PyTorch's seed already contains it.
    """
    seed = torch.initial_seed()
    random.seed(seed)
    np.random.seed(seed % 2**32)
