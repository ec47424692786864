"""How much of the gradient the shared leading weights receive (SlimCLR, IJCV 2024, sec. 3 and fig. 3)."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from vlplugins.models.layers.slimmable import SlimmableConv2d, SlimmableLinear
from vlplugins.registry import HOOKS


def gradient_norms(model: nn.Module, widths: Sequence[float]) -> Dict[str, Tensor]:
    """L2 norm of the gradient of each shared weight, restricted to the part that each width uses.

    Args:
        model: A model with slimmable convolutions or linear layers, after a backward pass.
        widths: The widths to restrict to.

    Returns:
        For each weight with a gradient its norms ``[len(widths)]``; normalisation and biases are left out.
    """
    norms = {}
    for name, module in model.named_modules():
        if isinstance(module, (SlimmableConv2d, SlimmableLinear)) and module.weight.grad is not None:
            indices = [module.width_index(width) for width in widths]
            parts = [module.weight.grad[module.out_ranges[i], module.in_ranges[i]] for i in indices]
            norms[f'{name}.weight'] = torch.stack([part.float().norm() for part in parts])
    return norms


def imbalance(norms: Tensor, limit: float = 1000.0) -> Tuple[Optional[Tensor], Tensor, int]:
    """Average the norms over layers, and compare the part of each width with the rest of the network.

    Args:
        norms: ``[layers, widths]``, the full width first.
        limit: A layer with a norm from this on, or one that is not finite (overflow of half precision), is left out.

    Returns:
        Mean norms ``[widths]`` (``None`` where no layer is left); the mean over layers of the norm of the gradient
        outside the part of each width, ``[widths]`` (0 for the full one); the number of layers left out.
    """
    usable = (norms < limit).all(dim=1) & norms.isfinite().all(dim=1)
    kept = norms[usable]
    if not len(kept):
        return None, norms.new_zeros(norms.size(1)), len(norms)
    rest = (kept[:, :1].square() - kept.square()).clamp(min=0).sqrt()
    return kept.mean(dim=0), rest.mean(dim=0), len(norms) - len(kept)


def leading_singular_values(model: nn.Module, count: int = 2) -> List[float]:
    """Largest singular values of the gradient of the last slimmable linear layer; empty where it has none."""
    layers = [m for m in model.modules() if isinstance(m, SlimmableLinear) and m.weight.grad is not None]
    return torch.linalg.svdvals(layers[-1].weight.grad.float())[:count].tolist() if layers else []


@HOOKS.register_module()
class GradientImbalanceHook(Hook):
    """Records the gradient norms of a slimmable model while it trains.

    The norms are read when the optimizer steps, that is after unscaling and clipping and before the gradients are
    cleared. Every record is a line of JSON in ``<work_dir>/<timestamp>/vis_data/gradient_imbalance.jsonl``:
    ``step``, ``widths``, ``norm`` (mean over layers), ``rest`` (norm outside the part of the width, per layer, then
    mean), ``rest_of_means`` (the same on the averaged norms, as the original code has it), ``singular_values`` (the
    first two, of the gradient of the last linear layer: erratic ones tell of diverging directions),
    ``skipped_layers`` and ``layers``. ``tools/analysis/gradient_imbalance.py`` plots them.

    Args:
        interval: Iterations between records.
        widths: The widths to record, the full one first.
        prefix: Part of the model to record; all of it by default.
        limit: As in :func:`imbalance`.
    """

    def __init__(
        self,
        interval: int = 50,
        widths: Sequence[float] = (1.0, 0.25),
        prefix: str = '',
        limit: float = 1000.0,
    ) -> None:
        self.interval, self.widths, self.prefix, self.limit = interval, tuple(widths), prefix, limit
        self._handle: Any = None

    def before_train(self, runner: Runner) -> None:
        """Attach to the optimizer."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        part = model.get_submodule(self.prefix)
        if not any(isinstance(m, (SlimmableConv2d, SlimmableLinear)) for m in part.modules()):
            raise ValueError(f'GradientImbalanceHook: {self.prefix or "the model"} has no slimmable layer')
        folder = Path(runner.log_dir) / 'vis_data'
        folder.mkdir(parents=True, exist_ok=True)

        def record(*_: Any) -> None:
            if runner.iter % self.interval == 0:
                self._record(runner, part, folder / 'gradient_imbalance.jsonl')

        self._handle = runner.optim_wrapper.optimizer.register_step_pre_hook(record)

    def after_train(self, runner: Runner) -> None:
        """Detach from the optimizer."""
        self._handle.remove()

    def _record(self, runner: Runner, model: nn.Module, path: Path) -> None:
        per_layer = gradient_norms(model, self.widths)
        if not per_layer or not is_main_process():
            return
        norms = torch.stack(list(per_layer.values())).cpu()
        means, rest, skipped = imbalance(norms, self.limit)
        if means is None:
            return
        values: List[float] = means.tolist()
        line = dict(
            step=runner.iter,
            widths=list(self.widths),
            norm=values,
            rest=rest.tolist(),
            rest_of_means=[max(values[0] ** 2 - value**2, 0.0) ** 0.5 for value in values],
            singular_values=leading_singular_values(model),
            skipped_layers=skipped,
            layers={name: row.tolist() for name, row in zip(per_layer, norms)},
        )
        with open(path, 'a', encoding='utf-8') as file:
            file.write(json.dumps(line) + '\n')
        for width, value, other in zip(self.widths[1:], values[1:], line['rest'][1:]):
            runner.message_hub.update_scalar(f'train/gradient_ratio_w{width:g}', other / max(value, 1e-12))
