"""The forms in which a video lies on disk: a file, a folder of frames, a file among others in an LMDB database."""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Iterator, List, Sequence, Tuple

import cv2
import numpy as np

from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS, read_image
from vlplugins.utils.lmdb_files import read_value, split_database_path
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError


def _forms(path: str) -> Tuple[str, str, str]:
    stem = os.path.splitext(path)[0]
    return path, stem, f'{stem}.mp4'


def find_video(path: str) -> str:
    """Where a video is: at ``path``, else in the folder of frames of that name, else in a ``.mp4`` file of it.

    The annotations of some sets name files as they were downloaded; ``compress_videos.py`` writes ``.mp4``. A path that
    is found nowhere is returned as it is.
    """
    return next((each for each in _forms(path) if os.path.exists(each)), path)


def _in_database(path: str) -> Any:
    """The video as bytes, of a path inside a database; ``None`` for other paths and for missing keys."""
    if split_database_path(path) is None:
        return None
    return next(filter(None, (read_value(*split_database_path(each)) for each in _forms(path))), None)


def video_exists(path: str) -> bool:
    """Whether there is a video at ``path`` in one of the forms."""
    return os.path.exists(find_video(path)) or _in_database(path) is not None


class FrameFolder:
    """Frames of a video as images in a folder, by the numbers in their names; read like a decord ``VideoReader``.

    Args:
        folder: The folder.
        fps: Frames per second at which they were written.
    """

    def __init__(self, folder: str, fps: float) -> None:
        names = [name for name in os.listdir(folder) if Path(name).suffix.lower() in IMAGE_EXTENSIONS]
        self.paths = [os.path.join(folder, name) for name in sorted(names, key=self._order)]
        self.fps = fps

    @staticmethod
    def _order(name: str) -> Tuple[int, str]:
        numbers = re.findall(r'\d+', name)
        return (int(numbers[-1]) if numbers else -1, name)

    def __len__(self) -> int:
        return len(self.paths)

    def get_avg_fps(self) -> float:
        """Frames per second."""
        return self.fps

    def read(self, indices: Sequence[int]) -> np.ndarray:
        """Frames ``[n, H, W, 3]``, RGB."""
        return np.stack([read_image(self.paths[index])[..., ::-1] for index in indices])


def open_video(path: str, num_threads: int = 1, frame_fps: float = 3.0, record: Any = None) -> Any:
    """A reader of the video at ``path``: decord's ``VideoReader``, or :class:`FrameFolder`.

    Args:
        path: The video. Where there is no such file, :func:`find_video` looks for another form of it. Of
            ``videos.lmdb/clip.mp4`` the reader opens the value of the key ``clip.mp4`` (``videos_to_lmdb.py``).
        num_threads: Threads of the decoder.
        frame_fps: Frames per second of folders of frames.
        record: Id of the video, for errors.

    Raises:
        RecordError: no such file, or one that is no whole video.
    """
    found = find_video(path)
    if os.path.isdir(found):
        return FrameFolder(found, frame_fps)
    stored = None if os.path.exists(found) else _in_database(path)
    if stored is None and not os.path.exists(found):
        raise RecordError(path, 'no such file', 'a video, or a folder of frames', record)
    decord = require('decord', 'a video file')
    try:
        return decord.VideoReader(found if stored is None else io.BytesIO(stored), num_threads=num_threads)
    except (RuntimeError, decord.DECORDError):
        size = os.path.getsize(found) if stored is None else len(stored)
        raise RecordError(
            found, f'{size} bytes that decord cannot open', 'a whole video file with a video stream', record
        ) from None


def read_until_damaged(path: str, count: int) -> List[np.ndarray]:
    """The first ``count`` frames ``[H, W, 3]``, RGB, or those before the first that cannot be decoded.

    decord reads ahead and gives nothing once a packet is damaged; OpenCV goes frame by frame up to it.
    """
    frames: List[np.ndarray] = []
    with _as_file(path) as file:
        capture = cv2.VideoCapture(file)
        while len(frames) < count:
            is_read, frame = capture.read()
            if not is_read:
                break
            frames.append(frame[..., ::-1])
        capture.release()
    return frames


@contextlib.contextmanager
def _as_file(path: str) -> Iterator[str]:
    stored = None if os.path.exists(find_video(path)) else _in_database(path)
    if stored is None:
        yield find_video(path)
        return
    with tempfile.NamedTemporaryFile(suffix=os.path.splitext(path)[1]) as file:
        file.write(stored)
        file.flush()
        yield file.name
