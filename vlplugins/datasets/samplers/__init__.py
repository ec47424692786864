"""Samplers; importing the package registers them."""

from vlplugins.datasets.samplers.class_balanced_clip_sampler import ClassBalancedClipSampler
from vlplugins.datasets.samplers.ratio_sequence_sampler import RatioSequenceSampler
from vlplugins.datasets.samplers.source_target_sampler import SourceTargetSampler
from vlplugins.datasets.samplers.unique_video_batch_sampler import UniqueVideoBatchSampler

__all__ = ['ClassBalancedClipSampler', 'RatioSequenceSampler', 'SourceTargetSampler', 'UniqueVideoBatchSampler']
