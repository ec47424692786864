"""Necks; importing the package registers them."""

from vlplugins.models.necks.slimmable_mlp import SlimmableMLPNeck

__all__ = ['SlimmableMLPNeck']
