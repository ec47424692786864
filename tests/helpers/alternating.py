"""Two sets of numbers, and a model that remembers what it was given, for training on sets by turns."""

import json
import os
import signal
from pathlib import Path
from typing import Any, Dict, Optional

import torch
from mmengine.model import BaseModel
from torch import nn
from torch.utils.data import Dataset

from vlplugins.registry import DATASETS, MODELS


@DATASETS.register_module()
class Numbers(Dataset):
    """Counts which records were loaded; each is its number and one of chance."""

    def __init__(self, first: int, size: int) -> None:
        self.first, self.size, self.loaded = first, size, []

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Dict[str, torch.Tensor]:
        self.loaded.append(index)
        return dict(numbers=torch.tensor(float(self.first + index)), noise=torch.rand(()))


@MODELS.register_module()
class Remembers(BaseModel):
    """Keeps the numbers of each step, and the chance that it had.

    Args:
        file: Where it also writes them, one step a line.
        killed_at: Step, counted from the start of the process, at which the process is killed.
    """

    def __init__(self, file: Optional[str] = None, killed_at: Optional[int] = None) -> None:
        super().__init__()
        self.weight, self.seen = nn.Parameter(torch.zeros(())), []
        self.file, self.killed_at = file, killed_at

    def forward(self, numbers: torch.Tensor, noise: torch.Tensor, mode: str = 'tensor') -> Any:
        """The loss of a step."""
        self.seen.append([numbers.tolist(), noise.tolist(), torch.rand(()).item()])
        if self.file is not None:
            with open(self.file, 'a') as file:
                file.write(json.dumps(self.seen[-1]) + '\n')
        if len(self.seen) - 1 == self.killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return dict(loss=(self.weight - noise).square().mean())


def loaders(sot: int = 10, mot: int = 6, **changes: Any) -> dict:
    """Configs of loaders of the numbers from 0, two at a time, and of those from 100, three at a time."""

    def loader(first: int, size: int, batch_size: int) -> dict:
        return dict(
            batch_size=batch_size,
            dataset=dict(type='Numbers', first=first, size=size),
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='default_collate'),
            **changes,
        )

    return dict(sot=loader(0, sot, 2), mot=loader(100, mot, 3))


def remembered(file: Path) -> list:
    """The steps that a model wrote."""
    return [json.loads(line) for line in file.read_text().splitlines()]
