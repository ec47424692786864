"""Seeds of all generators of random numbers."""

import random
from typing import Any

import numpy as np
import torch


def seed_generators(*entropy: Any) -> None:
    """Seed Python's, NumPy's and PyTorch's generators from a tuple of non-negative integers."""
    state = np.random.SeedSequence(entropy).generate_state(3)
    random.seed(int(state[0]))
    np.random.seed(int(state[1]))
    torch.manual_seed(int(state[2]))
