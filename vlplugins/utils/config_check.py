"""Checks a config before anything is built from it."""

import difflib
import inspect
import re
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from mmengine import registry as mmengine_registry
from mmengine.registry import Registry

from vlplugins.registry import UnknownTypeError
from vlplugins.utils.text_length_check import Part, text_length_problems

# Which registry the dict under a key is built from. The first pattern that fits the end of the path decides.
_REGISTRY_OF_KEY: Tuple[Tuple[str, str], ...] = (
    (r'(train|val|test)_dataloader\.(.+\.)?datasets?(\.\d+)?', 'DATASETS'),
    (r'.*(pipeline|transforms)(\.\d+)+', 'TRANSFORMS'),
    (r'(train|val|test)_dataloader\.(batch_)?sampler', 'DATA_SAMPLERS'),
    (r'(train|val|test)_evaluator(\.(metrics\.)?\d+)?', 'METRICS'),
    (r'(train|val|test)_cfg', 'LOOPS'),
    (r'(custom_hooks\.\d+|default_hooks\.\w+)', 'HOOKS'),
    (r'optim_wrapper', 'OPTIM_WRAPPERS'),
    (r'optim_wrapper\.(.+\.)?optimizer', 'OPTIMIZERS'),
    (r'param_scheduler(\.\w+)*', 'PARAM_SCHEDULERS'),
    (r'visualizer', 'VISUALIZERS'),
    (r'(.+\.)?vis_backends\.\d+', 'VISBACKENDS'),
    (r'log_processor', 'LOG_PROCESSORS'),
    (r'synthetic_data(\.\d+)?', 'TASK_UTILS'),
    (r'inferencer', 'INFERENCERS'),
    (r'model', 'MODELS'),
    (r'model\.(.+\.)?(backbone|neck|head|\w+_head|loss|loss_\w+|data_preprocessor|predictor|distill)', 'MODELS'),
)
# Registries whose constructors get no further arguments from the runner, so that missing ones can be told.
_COMPLETE = ('MODELS', 'TRANSFORMS', 'HOOKS', 'DATASETS', 'METRICS', 'TASK_UTILS')
_IGNORED_KEYS = {'type', '_scope_', '_delete_'}


class ConfigError(ValueError):
    """A config that cannot be built. The message lists every problem: key, value, and what was expected."""


def check_config(cfg: Any) -> None:
    """Check the types, and for classes of vlplugins the arguments, that a config names, and the length of texts.

    Types are looked up where the runner would: in the scope of the config (``default_scope``, ``_scope_``). Below
    classes of other packages only keys are checked whose meaning is the same in all of them (``backbone``, ``neck``,
    ``loss_*``, ...). Packages that the config does not name are not imported.

    Args:
        cfg: A config, or a dict of its top-level keys.

    Raises:
        ConfigError: one or more problems.
    """
    scope = cfg.get('default_scope') or 'mmengine'
    problems: List[str] = []
    parts: List[Part] = []
    for key, value in dict(cfg).items():
        problems += _check_node(value, key, scope, False, parts)
    problems += text_length_problems(parts)
    if problems:
        raise ConfigError('the config has problems:\n  ' + '\n  '.join(problems))


def _check_node(node: Any, path: str, scope: str, inside_own: bool, parts: List[Part]) -> Iterator[str]:
    """Yield the problems of ``node`` and of what is in it; adds those of our own classes to ``parts``."""
    if isinstance(node, (list, tuple)):
        # What a base config is asked for cannot be unpacked: it spreads the letters of a place holder.
        text = ''.join(item for item in node if isinstance(item, str)) if path.endswith('pipeline') else ''
        if text:
            yield f'{path} has {text[:40]!r} among its transforms; unpack _base_.NAME, not {{{{_base_.NAME}}}}'
        for index, item in enumerate(node):
            yield from _check_node(item, f'{path}.{index}', scope, inside_own, parts)
        return
    if not isinstance(node, dict):
        return
    scope = node.get('_scope_') or scope
    kind, own = node.get('type'), False
    if isinstance(kind, str):
        name = _registry_of(path, inside_own)
        found, problem = _look_up(kind, path, name, scope)
        if problem:
            yield problem
        elif inspect.isclass(found) and found.__module__.split('.')[0] == 'vlplugins':
            own = True
            parts.append(Part(path, found, node))
            yield from _check_arguments(found, node, path, name)
    for key, value in node.items():
        yield from _check_node(value, f'{path}.{key}', scope, own, parts)


def _registry_of(path: str, inside_own: bool) -> Optional[str]:
    for pattern, name in _REGISTRY_OF_KEY:
        if re.fullmatch(pattern, path):
            return name
    # What our own classes take as a dict with a type, they build.
    return 'any' if inside_own and not re.search(r'(init_cfg|norm_cfg|act_cfg|conv_cfg)$', path) else None


def _look_up(kind: str, path: str, name: Optional[str], scope: str) -> Tuple[Any, Optional[str]]:
    """The class, or the problem; neither where nothing can be said."""
    if name is None:
        return None, None
    names = _all_registries() if name == 'any' else [name] + (['EVALUATOR'] if name == 'METRICS' else [])
    suggestions: List[str] = []
    for each in names:
        root: Registry = getattr(mmengine_registry, each)
        with root.switch_scope_and_registry(scope) as registry:
            try:
                is_there = kind in registry
            except UnknownTypeError as error:
                # The registry of another package asked ours for a name in our scope.
                is_there = False
                if 'Did you mean' in str(error):
                    suggestions.append(str(error))
            if is_there:
                try:
                    return registry.get(kind), None
                except Exception as error:
                    return None, f'{path}.type = {kind!r}: {error}'
            if hasattr(registry, 'explain_missing') and (name != 'any' or registry.nearest_names(kind)):
                suggestions.append(registry.explain_missing(kind))
            elif name != 'any':
                suggestions.append(f'not registered in {registry.scope}::{registry.name}.{_near(kind, registry)}')
    reason = suggestions[0] if suggestions else 'it is registered nowhere'
    return None, f'{path}.type = {kind!r}: {reason}'


def _all_registries() -> List[str]:
    return [name for name in dir(mmengine_registry) if isinstance(getattr(mmengine_registry, name), Registry)]


def _near(name: str, registry: Registry) -> str:
    close = difflib.get_close_matches(name.split('.')[-1], list(registry.module_dict), n=3)
    return f' Did you mean {" or ".join(map(repr, close))}?' if close else ''


def accepted_arguments(cls: type) -> Tuple[Optional[Set[str]], Set[str]]:
    """Arguments of a constructor, ``**kwargs`` followed to the base classes.

    Returns:
        All names, or ``None`` where any is accepted; and those without a default.
    """
    names: Set[str] = set()
    required: Set[str] = set()
    for base in cls.__mro__:
        if '__init__' not in vars(base):
            continue
        parameters: Dict[str, inspect.Parameter] = dict(inspect.signature(base.__init__).parameters)
        parameters.pop('self', None)
        for name, parameter in parameters.items():
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                if parameter.default is parameter.empty and name not in names and base is cls:
                    required.add(name)
                names.add(name)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            return names, required
    return None, required


def _check_arguments(cls: type, node: dict, path: str, name: Optional[str]) -> Iterator[str]:
    accepted, required = accepted_arguments(cls)
    # A part may stand in a dict with keys for the part that holds it, such as the place where it is put.
    given = set(node) - _IGNORED_KEYS - set(getattr(cls, 'keys_for_owner', ()))
    if accepted is not None:
        for key in sorted(given - accepted):
            close = difflib.get_close_matches(key, accepted, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f'it takes {sorted(accepted)}'
            yield f'{path}.{key} = {node[key]!r}: {cls.__name__} has no argument {key!r}; {hint}'
    if name in _COMPLETE:
        for key in sorted(required - given):
            yield f'{path}: {cls.__name__} needs the argument {key!r}'
