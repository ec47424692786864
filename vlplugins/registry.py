"""The registries of vlplugins: one child of every MMEngine root registry, in the scope ``vlplugins``.

``default_scope = 'vlplugins'`` in a config is enough to find every part by its bare name, and
``type='vlplugins.Name'`` finds it from the config of any other OpenMMLab package: the modules that hold the parts
are imported on the first look-up, so no ``custom_imports`` is needed.
"""

import difflib
import importlib
import importlib.util
from typing import Any, Dict, List, Optional, Type

from mmengine import registry as mmengine_registry
from mmengine.registry import Registry as MMEngineRegistry

# How to get a package whose parts a config names by scope, for the error message.
_PACKAGE_OF_SCOPE = dict(mmdet='mmdet', mmaction='mmaction2', mmpose='mmpose')


class UnknownTypeError(KeyError):
    """A config names a type that is not registered; the message says where it was looked up and what is near."""

    def __str__(self) -> str:
        return str(self.args[0])


class Registry(MMEngineRegistry):
    """MMEngine's registry with an error that helps: it names the nearest registered names or the missing package."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._modules_of_names: Dict[str, str] = {}

    def register_lazily(self, module: str, *names: str) -> None:
        """Say which module registers ``names``; it is imported when one of them is looked up.

        For parts over another package (mmdet, ...), which importing vlplugins must not need, nor wait for.
        """
        self._modules_of_names.update(dict.fromkeys(names, module))

    def get(self, key: str) -> Type:
        """Return the class or function registered as ``key`` (optionally ``scope.key``).

        Raises:
            UnknownTypeError: ``key`` is registered neither here, nor in a parent, nor in the scope that it names.
            ImportError: it is over a package that is not installed.
        """
        found = self._find(key)
        if found is None:
            raise UnknownTypeError(self.explain_missing(key))
        return found

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def _find(self, key: str) -> Optional[Type]:
        found = super().get(key)
        scope, name = self.split_scope_key(key)
        if found is None and scope in (None, self.scope) and name in self._modules_of_names:
            self._import(name)
            found = super().get(key)
        return found

    def _import(self, name: str) -> None:
        try:
            importlib.import_module(self._modules_of_names[name])
        except ModuleNotFoundError as error:
            package = _PACKAGE_OF_SCOPE.get(error.name)
            if package is None:
                raise
            raise ImportError(
                f"'{name}' needs the package {package}, which is not installed: pip install --no-deps {package}"
            ) from error

    def nearest_names(self, key: str, count: int = 3) -> List[str]:
        """Up to ``count`` names reachable from here that are spelt most like ``key``."""
        scope, name = self.split_scope_key(key)
        registry: Optional[MMEngineRegistry] = self
        if scope not in (None, self.scope):
            registry = self.root.children.get(scope)
        names: List[str] = []
        while registry is not None:
            names.extend(registry.module_dict)
            names.extend(getattr(registry, '_modules_of_names', ()))
            registry = registry.parent
        lower = {known.lower(): known for known in names}
        matches = difflib.get_close_matches(name.lower(), lower, n=count, cutoff=0.6)
        return [lower[match] for match in matches]

    def explain_missing(self, key: str) -> str:
        """Say why ``key`` is not found: a package that is missing, or a name that may be meant."""
        scope, _ = self.split_scope_key(key)
        package = _PACKAGE_OF_SCOPE.get(scope)
        if package is not None and importlib.util.find_spec(scope) is None:
            return f"'{key}' needs the package {package}, which is not installed: pip install --no-deps {package}"
        nearest = self.nearest_names(key)
        hint = f'Did you mean {" or ".join(map(repr, nearest))}?' if nearest else 'No registered name is near to it.'
        return f"type '{key}' is not registered in {self.scope}::{self.name}. {hint}"


def _child(root: str, *locations: str) -> Registry:
    parent = getattr(mmengine_registry, root)
    return Registry(
        parent.name, parent=parent, scope='vlplugins', locations=[f'vlplugins.{name}' for name in locations]
    )


RUNNERS = _child('RUNNERS', 'engine')
RUNNER_CONSTRUCTORS = _child('RUNNER_CONSTRUCTORS', 'engine')
LOOPS = _child('LOOPS', 'engine')
HOOKS = _child('HOOKS', 'engine')
STRATEGIES = _child('STRATEGIES', 'engine')
LOG_PROCESSORS = _child('LOG_PROCESSORS', 'engine')
OPTIMIZERS = _child('OPTIMIZERS', 'engine')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS', 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS', 'engine')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS', 'engine')

DATASETS = _child('DATASETS', 'datasets')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'datasets')
TRANSFORMS = _child('TRANSFORMS', 'datasets')
FUNCTIONS = _child('FUNCTIONS', 'datasets')

MODELS = _child('MODELS', 'models')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS', 'models')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS', 'models')
TASK_UTILS = _child('TASK_UTILS', 'models', 'datasets')

METRICS = _child('METRICS', 'evaluation')
EVALUATOR = _child('EVALUATOR', 'evaluation')
VISUALIZERS = _child('VISUALIZERS', 'visualization')
VISBACKENDS = _child('VISBACKENDS', 'visualization')
INFERENCERS = _child('INFERENCERS', 'apis')
