"""Models and their parts; importing the package registers them all."""

from vlplugins.models import (
    algorithms,
    backbones,
    data_preprocessors,
    heads,
    layers,
    losses,
    necks,
    task_modules,
    wrappers,
)

__all__ = [
    'algorithms',
    'backbones',
    'data_preprocessors',
    'heads',
    'layers',
    'losses',
    'necks',
    'task_modules',
    'wrappers',
]
