"""Frames one after the other, of files, folders, cameras and whatever else gives frames."""

import os
from pathlib import Path
from typing import Any, Iterable, Iterator, NamedTuple, Optional, Union

import cv2
import numpy as np
from mmengine.logging import print_log

from vlplugins.datasets.formats.images import read_image
from vlplugins.datasets.formats.video_files import FrameFolder
from vlplugins.utils.records import RecordError

Source = Union[str, Path, int, Iterable[np.ndarray]]


class FrameStream(NamedTuple):
    """Frames, of which only the present one is held.

    Attributes:
        frames: uint8 ``[H, W, 3]``, BGR.
        length: How many there are, where that is known.
        fps: Frames a second.
        name: What the source is called.
    """

    frames: Iterator[np.ndarray]
    length: Optional[int]
    fps: float
    name: str


def open_frames(source: Source, fps: float = 25.0) -> FrameStream:
    """Open a video file, a folder of frames, a camera by its number, or an iterable of frames (BGR).

    Args:
        source: The video.
        fps: Frames a second of what does not say it.

    Raises:
        RecordError: no such file, one that is no video, a folder without images, or no such camera.
    """
    if isinstance(source, (str, Path)) and os.path.isdir(source):
        paths = FrameFolder(str(source), fps).paths
        if not paths:
            raise RecordError(source, 'no image', 'frames of a video')
        return FrameStream((read_image(path) for path in paths), len(paths), fps, Path(source).name)
    if not isinstance(source, (str, Path, int)):
        return FrameStream(iter(source), getattr(source, '__len__', lambda: None)(), fps, 'frames')
    if not isinstance(source, int) and not os.path.isfile(source):
        raise RecordError(source, 'no such file', 'a video, or a folder of frames')
    capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
    if not capture.isOpened():
        what = ('no camera of that number', 'a camera') if isinstance(source, int) else ('no video stream', 'a video')
        raise RecordError(source, *what)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    length = count if count > 0 and not isinstance(source, int) else None
    name = f'camera{source}' if isinstance(source, int) else Path(source).stem
    return FrameStream(_captured(capture, source, length), length, capture.get(cv2.CAP_PROP_FPS) or fps, name)


def _captured(capture: Any, source: Source, length: Optional[int]) -> Iterator[np.ndarray]:
    count = 0
    try:
        while True:
            is_read, frame = capture.read()
            if not is_read:
                break
            count += 1
            yield frame
    finally:
        capture.release()
    if length is not None and count < length:
        print_log(f'{source} ends after {count} of {length} frames; is it damaged?', 'current', 30)
