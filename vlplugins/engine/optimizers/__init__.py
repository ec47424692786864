"""Optimizers; importing the package registers them."""

from vlplugins.engine.optimizers.grouped import (
    GroupedOptimWrapperConstructor,
    ParameterGroupError,
    assign_parameters,
)
from vlplugins.engine.optimizers.joint_step import update_jointly
from vlplugins.engine.optimizers.lars import LARS
from vlplugins.engine.optimizers.merged import MergedOptimWrapperConstructor

__all__ = [
    'GroupedOptimWrapperConstructor',
    'LARS',
    'MergedOptimWrapperConstructor',
    'ParameterGroupError',
    'assign_parameters',
    'update_jointly',
]
