"""Samples of clips."""

from typing import Any, List


def make_track_sample(frames: List[Any], task: str) -> Any:
    """An ``mmdet.TrackDataSample`` of frames, with its task in the metainfo.

    Args:
        frames: ``mmdet.DetDataSample`` of each frame.
        task: ``'sot'``, ``'mot'`` or ``'unified'``.
    """
    from mmdet.structures import TrackDataSample

    sample = TrackDataSample(metainfo=dict(task=task))
    sample.video_data_samples = frames
    return sample
