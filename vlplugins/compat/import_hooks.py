"""Hooks into the import of modules of other packages, which are not imported before the user does."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Callable, ContextManager, Dict, Iterator, Optional

AroundImport = Callable[[], ContextManager]


class _AroundFinder(importlib.abc.MetaPathFinder):
    """Finds a module as the other finders would, and wraps its execution."""

    def __init__(self) -> None:
        self.contexts: Dict[str, AroundImport] = {}
        self._searching = False

    def find_spec(self, fullname: str, path: Any = None, target: Optional[ModuleType] = None) -> Any:
        if fullname not in self.contexts or self._searching:
            return None
        self._searching = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._searching = False
        if spec is not None and spec.loader is not None:
            spec.loader = _AroundLoader(spec.loader, self.contexts[fullname])
        return spec


class _AroundLoader(importlib.abc.Loader):
    """Executes a module inside a context."""

    def __init__(self, loader: Any, context: AroundImport) -> None:
        self.loader, self.context = loader, context

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Optional[ModuleType]:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        with self.context():
            self.loader.exec_module(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


class _MissingFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes modules that nobody else finds. It is the last finder, so a real module always wins."""

    def __init__(self) -> None:
        self.fillers: Dict[str, Callable[[ModuleType], None]] = {}

    def find_spec(self, fullname: str, path: Any = None, target: Optional[ModuleType] = None) -> Any:
        if fullname not in self.fillers:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        self.fillers[module.__name__](module)


_around, _missing = _AroundFinder(), _MissingFinder()


def around_import(name: str, context: AroundImport) -> None:
    """Run the first import of module ``name`` inside ``context()``."""
    _around.contexts[name] = context
    if _around not in sys.meta_path:
        sys.meta_path.insert(0, _around)


def after_import(name: str, function: Callable[[ModuleType], None]) -> None:
    """Call ``function(module)`` after the import of module ``name``; at once if it is imported already."""
    if name in sys.modules:
        function(sys.modules[name])
        return

    @contextmanager
    def context() -> Iterator[None]:
        yield
        function(sys.modules[name])

    around_import(name, context)


def provide_missing(name: str, fill: Callable[[ModuleType], None]) -> None:
    """Where no package has a module ``name``, make an empty one and let ``fill`` complete it."""
    _missing.fillers[name] = fill
    if _missing not in sys.meta_path:
        sys.meta_path.append(_missing)
