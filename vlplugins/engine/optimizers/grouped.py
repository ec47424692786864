"""One optimizer for each named part of a model, for objectives that take turns."""

from typing import Any, Dict, List, Optional, Sequence, Set, Union

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper, OptimWrapperDict
from torch import nn

from vlplugins.registry import OPTIM_WRAPPER_CONSTRUCTORS

REST = 'rest'
Members = Union[str, Sequence[str]]


class ParameterGroupError(ValueError):
    """Named groups that do not divide the trainable parameters of a model; the message names what is wrong."""


class _OneGroupConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's constructor, for the parameters in ``members`` (their ids) alone."""

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict, members: Set[int]) -> None:
        super().__init__(optim_wrapper_cfg, paramwise_cfg)
        self.members = members

    def add_params(self, params: List[dict], module: nn.Module, **kwargs: Any) -> None:
        """Append to ``params`` the parameters of a module, of those that are members of the group.

        Args:
            params: Groups of parameters with their options, as an optimizer takes them; changed in place.
            module: The module; its children are visited too.
            kwargs: As in MMEngine's ``DefaultOptimWrapperConstructor``.
        """
        if not any(id(parameter) in self.members for parameter in module.parameters()):
            return
        super().add_params(params, module, **kwargs)
        params[:] = [each for each in params if id(each['params'][0]) in self.members]


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GroupedOptimWrapperConstructor:
    """Builds an ``OptimWrapperDict`` with one wrapper for each of the disjoint groups of a model's parameters.

    Every trainable parameter belongs to exactly one group; frozen ones belong to none. A parameter has so one set of
    optimizer state, however many objectives update it, and an objective names the groups that it updates::

        optim_wrapper = dict(
            constructor='GroupedOptimWrapperConstructor',
            optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1e-4),
            paramwise_cfg=dict(
                bias_decay_mult=0.0,
                groups=dict(
                    generator=dict(parameters=['generator'], optimizer=dict(type='Adam', lr=1e-4)),
                    critic=['critic', 'head.critic'],
                    others='rest',
                ),
            ),
        )

    Args:
        optim_wrapper_cfg: What all groups share: ``optimizer``, ``type`` of the wrapper (``'AmpOptimWrapper'``),
            ``clip_grad``, ...
        paramwise_cfg: ``groups``, and the rules of MMEngine's default constructor for all groups. A group is a list
            of dotted names of modules or parameters, or ``'rest'`` (everything that no other group names; one group
            at most), or a dict with that under ``parameters`` and keys of its own that go before the shared ones:
            ``optimizer`` (whole), ``type``, ``clip_grad``, ``paramwise_cfg`` (whole), ...

    Raises:
        ParameterGroupError: no group; a name that the model lacks; a parameter in two groups, or a trainable one in
            none; a group without a trainable parameter or without an optimizer.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: Optional[dict] = None) -> None:
        self.shared_cfg = dict(optim_wrapper_cfg)
        self.rules = dict(paramwise_cfg or {})
        groups = self.rules.pop('groups', None)
        if not groups:
            raise ParameterGroupError("paramwise_cfg has no groups; expected groups=dict(name=['module', ...], ...)")
        self.group_cfgs: Dict[str, dict] = {
            name: dict(group) if isinstance(group, dict) else dict(parameters=group) for name, group in groups.items()
        }
        for name, group in self.group_cfgs.items():
            if not group.get('parameters'):
                raise ParameterGroupError(f"group {name!r} names no parameters; expected a list of names or '{REST}'")
            if 'optimizer' not in {**self.shared_cfg, **group}:
                raise ParameterGroupError(f'group {name!r} has no optimizer, and there is none for all groups')

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build the wrappers of ``model``, or of what a distributed wrapper holds."""
        model = getattr(model, 'module', model)
        members = assign_parameters(model, {name: group['parameters'] for name, group in self.group_cfgs.items()})
        return OptimWrapperDict(**{name: self._build(name, model, ids) for name, ids in members.items()})

    def _build(self, name: str, model: nn.Module, members: Set[int]) -> OptimWrapper:
        cfg = {**self.shared_cfg, **self.group_cfgs[name]}
        cfg.pop('parameters')
        # Without any rule MMEngine takes all parameters of the model, unseen; an empty custom rule makes it look.
        rules = {'custom_keys': {}, **cfg.pop('paramwise_cfg', self.rules)}
        return _OneGroupConstructor(cfg, rules, members)(model)


def assign_parameters(model: nn.Module, groups: Dict[str, Members]) -> Dict[str, Set[int]]:
    """Ids of the trainable parameters of each group.

    Args:
        model: The model.
        groups: For each group a list of dotted names of modules or parameters, or ``'rest'``.

    Raises:
        ParameterGroupError: the groups do not divide the trainable parameters.
    """
    # A parameter that two modules share has several names.
    names: Dict[int, List[str]] = {}
    for full_name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter.requires_grad:
            names.setdefault(id(parameter), []).append(full_name)
    known = set(dict(model.named_modules())) | set(dict(model.named_parameters(remove_duplicate=False)))
    rest = [group for group, listed in groups.items() if listed == REST]
    if len(rest) > 1:
        raise ParameterGroupError(f"the groups {rest} are all '{REST}'; expected one at most")
    owners: Dict[int, str] = {}
    for group, listed in groups.items():
        for prefix in [] if listed == REST else _checked_names(group, listed, known):
            for key, aliases in names.items():
                if any(alias == prefix or alias.startswith(f'{prefix}.') for alias in aliases):
                    if owners.setdefault(key, group) != group:
                        raise ParameterGroupError(
                            f'parameter {aliases[0]!r} is in the groups {owners[key]!r} and {group!r}; expected one'
                        )
    return _collect(names, owners, list(groups), rest)


def _checked_names(group: str, listed: Members, known: Set[str]) -> Sequence[str]:
    listed = [listed] if isinstance(listed, str) else listed
    for name in listed:
        if name not in known:
            top = sorted({each.split('.')[0] for each in known if each})
            raise ParameterGroupError(
                f'group {group!r} names {name!r}, which the model lacks; at its top level it has {top}'
            )
    return listed


def _collect(
    names: Dict[int, List[str]], owners: Dict[int, str], groups: List[str], rest: List[str]
) -> Dict[str, Set[int]]:
    left = [key for key in names if key not in owners]
    if left and not rest:
        listed = ', '.join(repr(names[key][0]) for key in left[:5])
        raise ParameterGroupError(
            f'{len(left)} trainable parameters are in no group: {listed}{", ..." if len(left) > 5 else ""}; '
            f"name them, or add a group '{REST}'"
        )
    owners.update(dict.fromkeys(left, *rest))
    members: Dict[str, Set[int]] = {group: set() for group in groups}
    for key, group in owners.items():
        members[group].add(key)
    for group, ids in members.items():
        if not ids:
            raise ParameterGroupError(f'group {group!r} has no trainable parameter; leave it out, or name others')
    return members
