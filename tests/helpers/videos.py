"""Small video files for tests."""

from pathlib import Path

import cv2
import numpy as np


def write_video(path: Path, num_frames: int, size: int = 64, fps: float = 3.0) -> Path:
    """Write a video (``.mp4`` or ``.avi``) or, without ending, a folder of frames, whose frame i has the grey 6 i."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [np.full((size, size, 3), 6 * index, dtype=np.uint8) for index in range(num_frames)]
    if not path.suffix:
        path.mkdir()
        for index, frame in enumerate(frames):
            # Without leading zeros: frame_10 comes after frame_9.
            cv2.imwrite(str(path / f'frame_{index}.png'), frame)
        return path
    codec = cv2.VideoWriter_fourcc(*('mp4v' if path.suffix == '.mp4' else 'MJPG'))
    writer = cv2.VideoWriter(str(path), codec, fps, (size, size))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def frame_numbers(frames) -> list:
    """Numbers of frames ``[H, W, 3]`` of :func:`write_video`, by their grey."""
    # mp4v darkens grey by up to 3.
    return [round((float(np.asarray(frame).mean()) + 1) / 6) for frame in frames]
