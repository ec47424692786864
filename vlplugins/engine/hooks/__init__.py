"""Hooks; importing the package registers them."""

from vlplugins.engine.hooks.clamp_logit_scale_hook import ClampLogitScaleHook
from vlplugins.engine.hooks.epoch_seed_hook import EpochSeedHook
from vlplugins.engine.hooks.frozen_backbone_check_hook import FrozenBackboneCheckHook
from vlplugins.engine.hooks.gradient_imbalance_hook import GradientImbalanceHook
from vlplugins.engine.hooks.granularity_log_hook import GranularityLogHook
from vlplugins.engine.hooks.loss_reweight_hook import LossReweightHook
from vlplugins.engine.hooks.pose_generation_hooks import (
    AlternateBatchHook,
    GenerationMonitorHook,
    PoseRegenerationHook,
    SeedBankHook,
)
from vlplugins.engine.hooks.prediction_visualization_hook import PredictionVisualizationHook
from vlplugins.engine.hooks.reported_value_hook import ReportedValueHook
from vlplugins.engine.hooks.scheduled_value_hook import ScheduledValueHook
from vlplugins.engine.hooks.slow_start_hook import SlowStartHook

__all__ = [
    'AlternateBatchHook',
    'ClampLogitScaleHook',
    'EpochSeedHook',
    'FrozenBackboneCheckHook',
    'GenerationMonitorHook',
    'GradientImbalanceHook',
    'GranularityLogHook',
    'LossReweightHook',
    'PoseRegenerationHook',
    'PredictionVisualizationHook',
    'ReportedValueHook',
    'ScheduledValueHook',
    'SeedBankHook',
    'SlowStartHook',
]
