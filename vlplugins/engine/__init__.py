"""Hooks, loops and optimizers; importing the package registers them all."""

from vlplugins.engine import hooks, loops, optimizers

__all__ = ['hooks', 'loops', 'optimizers']
