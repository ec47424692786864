"""Proof that what is frozen does not change."""

from typing import Dict

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from vlplugins.models.layers.switchable import untrained_widths
from vlplugins.registry import HOOKS
from vlplugins.utils.widths import width_name


@HOOKS.register_module()
class FrozenBackboneCheckHook(Hook):
    """After the first epoch compares every tensor of a frozen part with its value before training, bit by bit.

    It catches normalisation layers left in train mode and parameters that slipped into the optimizer, which a linear
    probe would silently profit from.

    Args:
        prefix: Name of the part below the model.
    """

    def __init__(self, prefix: str = 'backbone') -> None:
        self.prefix = prefix
        self._before: Dict[str, Tensor] = {}

    def _part(self, runner: Runner) -> nn.Module:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        return model.get_submodule(self.prefix)

    def _tensors(self, runner: Runner) -> Dict[str, Tensor]:
        return self._part(runner).state_dict()

    def before_train(self, runner: Runner) -> None:
        """Keep a copy of the tensors on the CPU; warn of widths that the loaded weights were never trained at."""
        idle = untrained_widths(self._part(runner))
        if idle:
            names = ', '.join(map(width_name, idle))
            runner.logger.warning(f'the loaded {self.prefix} was never trained at the widths {names}')
        self._before = {name: tensor.detach().cpu().clone() for name, tensor in self._tensors(runner).items()}

    def after_train_epoch(self, runner: Runner) -> None:
        """Compare once.

        Raises:
            RuntimeError: tensors have changed; their names are listed.
        """
        if not self._before:
            return
        changed = [
            name for name, now in self._tensors(runner).items() if not torch.equal(now.cpu(), self._before[name])
        ]
        self._before = {}
        if changed:
            raise RuntimeError(f'{len(changed)} tensors of the frozen {self.prefix} changed in training: {changed[:5]}')
        runner.logger.info(f'FrozenBackboneCheckHook: {self.prefix} is unchanged after one epoch')
