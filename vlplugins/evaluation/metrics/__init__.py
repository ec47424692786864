"""Metrics; importing the package registers them."""

from vlplugins.evaluation.metrics.feature_metrics import (
    FeatureMetric,
    KNNAccuracy,
    LinearProbeAccuracy,
    RidgeProbeAccuracy,
)
from vlplugins.evaluation.metrics.switchable_accuracy import SwitchableAccuracy

__all__ = ['FeatureMetric', 'KNNAccuracy', 'LinearProbeAccuracy', 'RidgeProbeAccuracy', 'SwitchableAccuracy']
