"""What a record of skeletons must be, and what a message calls it."""

from typing import Any, Dict, Tuple

import numpy as np

from vlplugins.utils.records import RecordError


def check_keypoint(keypoint: Any, file: str = 'skeleton', record: Any = None) -> None:
    """Check that an array is ``[M, T, V, 3]`` of numbers, with a frame and a person.

    Raises:
        RecordError: it is not.
    """
    expected = 'keypoint [persons, frames, joints, 3] in metres, (M, T, V, 3)'
    if not isinstance(keypoint, np.ndarray) or not np.issubdtype(keypoint.dtype, np.number):
        raise RecordError(file, f'keypoint of type {type(keypoint).__name__}', expected, record)
    if keypoint.ndim != 4:
        hint = '; add the axis of persons: keypoint[None]' if keypoint.ndim == 3 else ''
        raise RecordError(file, f'keypoint of shape {keypoint.shape}', f'{expected}{hint}', record)
    if keypoint.shape[3] != 3:
        found = f'keypoint of shape {keypoint.shape} with {keypoint.shape[3]} coordinates'
        raise RecordError(file, found, f'{expected}; points of an image cannot be used here', record)
    if 0 in keypoint.shape:
        raise RecordError(file, f'keypoint of shape {keypoint.shape}', f'{expected}, a person and a frame', record)


def record_name(results: Dict[str, Any]) -> Tuple[str, Any]:
    """File and record of a sample, for messages."""
    return str(results.get('ann_file', 'skeleton')), results.get('frame_dir', results.get('filename'))
