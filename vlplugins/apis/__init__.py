"""Inferencers, one per task; importing the package registers them."""

from vlplugins.apis.base import BaseInferencer
from vlplugins.apis.slimmable_inferencer import SlimmableInferencer

__all__ = ['BaseInferencer', 'SlimmableInferencer']
