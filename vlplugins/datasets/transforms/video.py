"""Opening videos, choosing frames, and decoding the chosen ones alone."""

import logging
import math
from typing import Any, Dict, List, Set, Tuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from vlplugins.datasets.formats.video_files import FrameFolder, open_video, read_until_damaged
from vlplugins.registry import TRANSFORMS
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError


@TRANSFORMS.register_module()
class OpenVideo(BaseTransform):
    """Opens the video at ``video_path`` (a file, a folder of frames, or a file in a database, see :func:`open_video`).

    Like mmaction's ``DecordInit``, with clear errors.

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
        reader = open_video(path, self.num_threads, self.frame_fps, record)
        if len(reader) == 0:
            raise RecordError(path, 'a video without frames', 'at least one frame', record)
        results.update(video_reader=reader, total_frames=len(reader), avg_fps=reader.get_avg_fps())
        return results


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
    becomes the number of frames that can be, and ``frame_mask`` false for the others. The log names each such file
    once, with the count of them.

    Raises:
        RecordError: (when called) a video of which no frame can be decoded, or a damaged image; it names file and
            record.
    """

    def __init__(self) -> None:
        self._damaged: Set[str] = set()

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

    def _salvage(self, results: Dict[str, Any], indices: np.ndarray) -> List[np.ndarray]:
        path, record, total = results.get('video_path', 'video'), results.get('video_id'), results.get('total_frames')
        found = read_until_damaged(path, int(indices.max()) + 1)
        if not found:
            raise RecordError(path, 'no frame that can be decoded', 'a whole video file', record)
        mask = np.asarray(results.get('frame_mask', np.ones(len(indices), dtype=bool)))
        # A mask never loses its first frame: a video of which nothing counts has no feature.
        results['frame_mask'] = mask & ((indices < len(found)) | (np.arange(len(indices)) == 0))
        if len(found) <= indices.max():
            results['total_frames'] = len(found)
        results['frame_inds'] = np.minimum(indices, len(found) - 1)
        if path not in self._damaged:
            self._damaged.add(path)
            text = f'{path}: damaged after frame {len(found)} of {total}; its last whole frame stands for the rest'
            print_log(f'{text} (damaged videos so far: {len(self._damaged)})', 'current', level=logging.WARNING)
        return [found[index] for index in results['frame_inds']]


def _decoding_errors() -> tuple:
    return (RuntimeError, IndexError, require('decord', 'LoadVideoFrames').DECORDError)
