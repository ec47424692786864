"""A model and a runner small enough to train in milliseconds, for tests of hooks, loops and checkpoints."""

from typing import Any, Dict, Optional

import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset


class LinearModel(BaseModel):
    """Least squares with a switch and a weight that hooks can set."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.subnets_enabled = True
        self.loss_module = nn.Module()
        self.loss_module.reweight = 'none'
        self.register_buffer('scale', torch.tensor(1.0))
        self.seen: list = []

    def forward(self, inputs: Tensor, targets: Tensor, mode: str = 'tensor') -> Any:
        """Squared error for ``mode='loss'``, else the prediction."""
        outputs = self.layer(inputs)
        if mode != 'loss':
            return outputs
        self.seen.append((self.subnets_enabled, float(self.scale), self.loss_module.reweight))
        return dict(loss=(outputs - targets).square().mean())


class Points(Dataset):
    """``size`` fixed points of a plane."""

    def __init__(self, size: int = 8) -> None:
        generator = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(size, 2, generator=generator)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Dict[str, Tensor]:
        point = self.inputs[index]
        return dict(inputs=point, targets=point.sum(dim=0, keepdim=True))


def make_runner(work_dir: Any, epochs: int = 4, hooks: Optional[list] = None, **kwargs: Any) -> Runner:
    """Runner over :class:`Points` in batches of 4 (two iterations an epoch), without console output."""
    settings = dict(
        model=LinearModel(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=4,
            dataset=Points(),
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        custom_hooks=hooks or [],
        default_scope='vlplugins',
        log_level='WARNING',
        randomness=dict(seed=0),
        experiment_name=f'{work_dir}_{torch.randint(1 << 30, ()).item()}',
    )
    settings.update(kwargs)
    return Runner(**settings)
