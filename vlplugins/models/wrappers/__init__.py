"""Wrappers of models for several processes; importing the package registers them."""

from vlplugins.models.wrappers.staged_distributed import StagedDistributedDataParallel

__all__ = ['StagedDistributedDataParallel']
