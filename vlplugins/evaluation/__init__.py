"""Evaluation; importing the package registers the metrics."""

from vlplugins.evaluation import metrics

__all__ = ['metrics']
