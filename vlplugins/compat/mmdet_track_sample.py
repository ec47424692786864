"""mmdet 3.3.0: setting the frames of a ``TrackDataSample`` makes a text of the first frame, and throws it away.

The text was to be the message of an ``assert``, but stands behind it as a statement. It takes milliseconds for each
sample, when it is packed, moved and copied, and reads all tensors back from a GPU.
"""

from types import ModuleType
from typing import Any

from vlplugins.compat.import_hooks import after_import


def _set_frames(self: Any, value: Any) -> None:
    from mmdet.structures import DetDataSample

    frames = [value] if isinstance(value, DetDataSample) else value
    if not isinstance(frames, list) or not frames or not isinstance(frames[0], DetDataSample):
        raise TypeError(f'video_data_samples is {type(frames).__name__}; expected a list of DetDataSample, not empty')
    self.set_field(frames, '_video_data_samples', dtype=list)


def _replace_setter(module: ModuleType) -> None:
    sample = module.TrackDataSample
    sample.video_data_samples = sample.video_data_samples.setter(_set_frames)


def install() -> None:
    """Replace the setter once mmdet's class is imported."""
    after_import('mmdet.structures.track_data_sample', _replace_setter)
