"""Opening videos, choosing frames, and decoding the chosen ones alone."""

import math
import os
import re
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.datasets.image_folder import IMAGE_EXTENSIONS
from vlplugins.datasets.transforms.loading import LoadImage
from vlplugins.registry import TRANSFORMS
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError


def find_video(path: str) -> str:
    """Where a video is: at ``path``, else in the folder of frames of that name, else in a ``.mp4`` file of it.

    The annotations of some sets name files as they were downloaded; ``compress_videos.py`` writes ``.mp4``. A path that
    is found nowhere is returned as it is.
    """
    if os.path.exists(path):
        return path
    stem = os.path.splitext(path)[0]
    return next((each for each in (stem, f'{stem}.mp4') if os.path.exists(each)), path)


class FrameFolder:
    """Frames of a video as images in a folder, by the numbers in their names; read like a decord ``VideoReader``.

    Args:
        folder: The folder.
        fps: Frames per second at which they were written.
    """

    def __init__(self, folder: str, fps: float) -> None:
        names = [name for name in os.listdir(folder) if Path(name).suffix.lower() in IMAGE_EXTENSIONS]
        self.paths = [os.path.join(folder, name) for name in sorted(names, key=self._order)]
        self.fps, self._load = fps, LoadImage()

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
        return np.stack([self._load(dict(img_path=self.paths[index]))['img'][..., ::-1] for index in indices])


@TRANSFORMS.register_module()
class OpenVideo(BaseTransform):
    """Opens the file, or the folder of frames, at ``video_path``; like mmaction's ``DecordInit``, with clear errors.

    Where the file does not exist, :func:`find_video` looks for another form of it.

    Sets ``video_reader``, ``total_frames`` (frames that are in the file, whatever its header claims) and ``avg_fps``.

    Args:
        num_threads: Threads of the decoder.
        frame_fps: Frames per second of folders of frames.

    Raises:
        RecordError: (when called) a file that is missing, no video, cut off, or without frames; it names file and
            record.
    """

    def __init__(self, num_threads: int = 1, frame_fps: float = 3.0) -> None:
        self.num_threads, self.frame_fps = num_threads, frame_fps

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the reader."""
        path, record = results['video_path'], results.get('video_id')
        path = find_video(path)
        if not os.path.exists(path):
            raise RecordError(path, 'no such file', 'a video, or a folder of frames', record)
        reader = FrameFolder(path, self.frame_fps) if os.path.isdir(path) else self._open(path, record)
        if len(reader) == 0:
            raise RecordError(path, 'a video without frames', 'at least one frame', record)
        results.update(video_reader=reader, total_frames=len(reader), avg_fps=reader.get_avg_fps())
        return results

    def _open(self, path: str, record: Any) -> Any:
        decord = require('decord', 'OpenVideo')
        try:
            return decord.VideoReader(path, num_threads=self.num_threads)
        except (RuntimeError, decord.DECORDError):
            size = os.path.getsize(path)
            raise RecordError(
                path, f'{size} bytes that decord cannot open', 'a whole video file with a video stream', record
            ) from None


@TRANSFORMS.register_module()
class SegmentFrameSample(BaseTransform):
    """Chooses T frames: one from each of T equal parts of the video (CenterCLIP; after CLIP4Clip).

    In training, of n frames: with w = n // T > 0 the i-th is ``i * w`` plus a random number below w, so that frames
    beyond ``T * w`` are never seen. In tests, with ``tick = n / T``: ``int(tick / 2 + tick * i)``. A video with n <= T
    frames gives all of them, then its last one again. With ``start`` and ``end`` (seconds) among the results, n counts
    the frames of that part of the video.

    Sets ``frame_inds`` (int64 ``[T]``) and ``frame_mask`` (booleans ``[T]``, false for repeated frames).

    Args:
        num_frames: T.
        test_mode: Choose the middle of the parts instead of a random place.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: T below 1.
        RecordError: (when called) a video without frames, or a part of it that lies outside.
    """

    def __init__(self, num_frames: int = 12, test_mode: bool = False, rng: Any = np.random) -> None:
        if num_frames < 1:
            raise ValueError(f'num_frames {num_frames} must be at least 1')
        self.num_frames, self.test_mode, self.rng = num_frames, test_mode, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Choose frames."""
        begin, count = self._range(results)
        indices = np.arange(min(count, self.num_frames))
        if count > self.num_frames:
            indices = self._middle(count) if self.test_mode else self._random(count)
        valid = len(indices)
        indices = np.concatenate([indices, np.full(self.num_frames - valid, indices[-1])]) + begin
        results['frame_inds'] = indices.astype(np.int64)
        results['frame_mask'] = np.arange(self.num_frames) < valid
        return results

    def _middle(self, count: int) -> np.ndarray:
        tick = count / self.num_frames
        return (tick / 2 + tick * np.arange(self.num_frames)).astype(np.int64)

    def _random(self, count: int) -> np.ndarray:
        width = count // self.num_frames
        offsets = np.floor(self.rng.uniform(0, width, self.num_frames)).astype(np.int64)
        return np.arange(self.num_frames) * width + np.minimum(offsets, width - 1)

    def _range(self, results: Dict[str, Any]) -> Tuple[int, int]:
        total, path = int(results['total_frames']), results.get('video_path', 'video')
        if total < 1:
            raise RecordError(path, 'a video without frames', 'at least one frame', results.get('video_id'))
        begin, end, fps = 0, total, float(results.get('avg_fps') or 0)
        if results.get('start') is not None:
            begin = math.floor(results['start'] * fps)
        if results.get('end') is not None:
            end = min(total, math.ceil(results['end'] * fps))
        if not 0 <= begin < end:
            found = f'{total} frames at {fps:g} a second and the part {results.get("start")}..{results.get("end")} s'
            raise RecordError(path, found, 'a part that holds a frame', results.get('video_id'))
        return begin, end - begin


@TRANSFORMS.register_module()
class LoadVideoFrames(BaseTransform):
    """Decodes the frames ``frame_inds`` of ``video_reader``, each distinct one once, and no others.

    Sets ``imgs`` (a list of arrays ``[H, W, 3]``, uint8, RGB), ``original_shape``, ``img_shape`` and ``modality``, as
    mmaction's ``DecordDecode`` does, and removes the reader.

    Where the end of a file is damaged, the last frame that can be decoded stands for those after it, ``total_frames``
    becomes the number of frames that can be, and ``frame_mask`` false for the others.

    Raises:
        RecordError: (when called) a video of which no frame can be decoded, or a damaged image; it names file and
            record.
    """

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Decode."""
        reader = results.pop('video_reader')
        indices = np.asarray(results['frame_inds']).reshape(-1)
        try:
            frames = self._read(reader, indices)
        except _decoding_errors():
            frames = self._salvage(results, indices)
        except ValueError as error:
            if isinstance(error, RecordError):
                raise
            path, record = results.get('video_path', 'video'), results.get('video_id')
            raise RecordError(path, 'frames of several sizes', 'frames of one size', record) from None
        results['imgs'] = frames
        results['original_shape'] = results['img_shape'] = frames[0].shape[:2]
        results['modality'] = 'RGB'
        return results

    @staticmethod
    def _read(reader: Any, indices: np.ndarray) -> List[np.ndarray]:
        distinct, places = np.unique(indices, return_inverse=True)
        wanted = distinct.tolist()
        frames = reader.read(wanted) if isinstance(reader, FrameFolder) else reader.get_batch(wanted).asnumpy()
        return [frames[place] for place in places]

    @staticmethod
    def _salvage(results: Dict[str, Any], indices: np.ndarray) -> List[np.ndarray]:
        # decord reads ahead and gives nothing once a packet is damaged; OpenCV goes frame by frame up to it.
        capture, found = cv2.VideoCapture(find_video(results.get('video_path', ''))), []
        while len(found) <= indices.max():
            is_read, frame = capture.read()
            if not is_read:
                break
            found.append(frame)
        capture.release()
        if not found:
            path, record = results.get('video_path', 'video'), results.get('video_id')
            raise RecordError(path, 'no frame that can be decoded', 'a whole video file', record)
        mask = np.asarray(results.get('frame_mask', np.ones(len(indices), dtype=bool)))
        # A mask never loses its first frame: a video of which nothing counts has no feature.
        results['frame_mask'] = mask & ((indices < len(found)) | (np.arange(len(indices)) == 0))
        if len(found) <= indices.max():
            results['total_frames'] = len(found)
        results['frame_inds'] = np.minimum(indices, len(found) - 1)
        return [found[index][..., ::-1] for index in results['frame_inds']]


def _decoding_errors() -> tuple:
    return (RuntimeError, IndexError, require('decord', 'LoadVideoFrames').DECORDError)
