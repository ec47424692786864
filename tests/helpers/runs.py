"""What runners leave behind in a process."""

from typing import Iterator, Type

from mmengine.registry import init_default_scope
from mmengine.utils import ManagerMixin


def _managers(kind: Type[ManagerMixin] = ManagerMixin) -> Iterator[Type[ManagerMixin]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _managers(child)


def forget_runs() -> None:
    """Forget loggers, message hubs and visualizers of the runs so far, and the scope of their configs.

    They are kept by the name of the run, which is the config's and the second of its start: a run that starts within
    the same second would write into the folder of the one before.
    """
    for manager in _managers():
        manager._instance_dict.clear()
    init_default_scope('vlplugins')
