"""Optimizers; importing the package registers them."""

from vlplugins.engine.optimizers.lars import LARS

__all__ = ['LARS']
