"""One group of parameters for each set of options, instead of one for each parameter."""

from typing import Any, Dict, List, Tuple

from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from vlplugins.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MergedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's rules for single parameters, in as few groups as there are different options.

    MMEngine's own constructor makes a group of each parameter as soon as there is a rule. Optimizers work group by
    group: ``foreach`` and ``fused`` then have one tensor at a time, and a step is mostly overhead. The update of each
    parameter is the same::

        optim_wrapper = dict(
            constructor='MergedOptimWrapperConstructor',
            optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2, fused=True),
            paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
        )

    The state of an optimizer with groups of another number, from a checkpoint of MMEngine's constructor, cannot be
    resumed; PyTorch says so.

    Args:
        optim_wrapper_cfg: As in ``DefaultOptimWrapperConstructor``.
        paramwise_cfg: Its rules.

    Raises:
        ValueError: (when called) modules that share a parameter, without ``bypass_duplicate=True`` among the rules.
    """

    def add_params(self, params: List[dict], module: nn.Module, prefix: str = '', **kwargs: Any) -> None:
        """Append to ``params`` the groups of a module.

        Args:
            params: Groups of parameters with their options, as an optimizer takes them; changed in place.
            module: The module; its children are visited too.
            prefix: Its name; empty for a whole model, with which groups of the same options are merged.
            kwargs: As in ``DefaultOptimWrapperConstructor``.
        """
        super().add_params(params, module, prefix=prefix, **kwargs)
        if not prefix:
            params[:] = merge_groups(params)


def merge_groups(groups: List[dict]) -> List[dict]:
    """Groups of parameters with the same options as one, in the order of their first ones.

    Args:
        groups: Dicts with ``params``, a list, and options.

    Raises:
        ValueError: a parameter that comes twice, which one group would update twice in a step.
    """
    known = [id(parameter) for group in groups for parameter in group['params']]
    if len(set(known)) < len(known):
        twice = next(parameter for group in groups for parameter in group['params'] if known.count(id(parameter)) > 1)
        raise ValueError(
            f'a parameter {tuple(twice.shape)} belongs to several modules; expected each once, or '
            'paramwise_cfg=dict(bypass_duplicate=True)'
        )
    merged: Dict[Tuple, dict] = {}
    for group in groups:
        options = {name: value for name, value in group.items() if name != 'params'}
        key = tuple(sorted((name, repr(value)) for name, value in options.items()))
        merged.setdefault(key, dict(params=[], **options))['params'].extend(group['params'])
    return list(merged.values())
