"""Samples of clips."""

from typing import Any, List


def make_track_sample(frames: List[Any], task: str) -> Any:
    """An ``mmdet.TrackDataSample`` of frames, with its task in the metainfo.

    mmdet's setter of the frames also makes a text of the first one, which takes longer than all else in a pipeline.

    Args:
        frames: ``mmdet.DetDataSample`` of each frame.
        task: ``'sot'``, ``'mot'`` or ``'unified'``.
    """
    from mmdet.structures import TrackDataSample

    sample = TrackDataSample(metainfo=dict(task=task))
    sample.set_field(frames, '_video_data_samples', dtype=list)
    # As the setter leaves it: without the public name the frames are missing in the dict of a sample.
    sample._data_fields.add('video_data_samples')
    return sample
