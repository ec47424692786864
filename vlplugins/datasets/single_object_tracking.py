"""Sets for tracking a single object: what LaSOT, GOT-10k and TrackingNet have in common."""

import os.path as osp
from abc import abstractmethod
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np
from PIL import Image

from vlplugins.datasets.formats.sequence_index import SequenceEntry, index_sequences
from vlplugins.datasets.redraw import RedrawMixin
from vlplugins.datasets.video_frames import FramePaths, VideoFrames
from vlplugins.utils.records import RecordError, SkipCounter


class SequenceTruth(NamedTuple):
    """The target in the frames of a sequence.

    Attributes:
        boxes: ``[T, 4]`` (x, y, width, height in pixels); of a test whose truth is not public ``[1, 4]``.
        visible: Booleans ``[T]``, where something of the target is to be seen.
        cover: Eighths of the target that are to be seen, ``[T]``, where the set says so.
    """

    boxes: np.ndarray
    visible: np.ndarray
    cover: Optional[np.ndarray] = None


class SingleObjectTrackingMixin(RedrawMixin):
    """For a ``mmdet.BaseVideoDataset`` whose records are sequences, of which frames and annotation are read when asked.

    In training, ``dataset[i]`` gives the pipeline ``images`` (:class:`VideoFrames`) and ``visible`` (booleans ``[T]``)
    of a sequence, for ``SampleClipFrames``. In a test, ``dataset[i, t]`` gives it one frame, as
    ``mmdet.TrackImgSampler`` asks for them; the first one has ``init_bbox`` (x, y, width, height in pixels).

    Args:
        ann_file: List of the sequences, one a line.
        index_file: Where names, lengths and sizes are kept (see ``index_sequences``); by default all sequences are
            opened at each start.
        min_length: Training leaves out sequences with fewer frames,
        min_visible: or with fewer frames in which the target is to be seen.
        cached_sequences: Annotations that are kept in memory.
        max_refetch: Most samples of no use in a row.
        kwargs: Arguments of ``mmengine.dataset.BaseDataset``.

    Raises:
        RecordError: a missing or damaged file, another number of boxes than frames, or nothing left for training.
    """

    METAINFO = dict(classes=('object',))

    def __init__(
        self,
        ann_file: str = '',
        index_file: Optional[str] = None,
        min_length: int = 20,
        min_visible: int = 5,
        cached_sequences: int = 256,
        max_refetch: int = 100,
        **kwargs: Any,
    ) -> None:
        self.index_file, self.min_length, self.min_visible = index_file, min_length, min_visible
        self.cached_sequences = cached_sequences
        self.truth = lru_cache(maxsize=cached_sequences)(self._checked_truth)
        super().__init__(ann_file=ann_file, max_refetch=max_refetch, **kwargs)

    def __getstate__(self) -> Dict[str, Any]:
        # A cache does not travel to the workers of a loader.
        return {name: value for name, value in self.__dict__.items() if name != 'truth'}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.truth = lru_cache(maxsize=self.cached_sequences)(self._checked_truth)

    @abstractmethod
    def list_sequences(self) -> List[str]:
        """Names of the sequences."""

    @abstractmethod
    def frames_of(self, name: str, length: int = 0) -> FramePaths:
        """Paths of the frames of a sequence."""

    @abstractmethod
    def read_truth(self, name: str, length: int) -> SequenceTruth:
        """Annotation of a sequence with so many frames."""

    @abstractmethod
    def truth_file(self, name: str) -> str:
        """The file of its boxes, for messages."""

    def path_of(self, *parts: str) -> str:
        """A path below the root of the set."""
        return osp.join(self.data_root or '', *parts)

    def describe(self, name: str) -> SequenceEntry:
        """Open a sequence and check it: frames without a gap, as many boxes, a readable first frame.

        Raises:
            RecordError: it is not as it should be.
        """
        paths = self.frames_of(name)
        extension = osp.splitext(paths.pattern)[1]
        length = sum(path.suffix == extension for path in Path(paths.folder).glob('*'))
        if not length:
            raise RecordError(paths.folder, 'no frame', f'frames {paths.pattern}')
        last = paths._replace(length=length).path(length - 1)
        if not osp.isfile(last):
            raise RecordError(last, 'no such file', f'it, as the last of {length} frames')
        truth = self._checked_truth(name, length)
        try:
            with Image.open(paths.path(0)) as image:
                width, height = image.size
        except OSError as error:
            found = 'no such file' if isinstance(error, FileNotFoundError) else str(error)
            raise RecordError(paths.path(0), found, 'the first frame, an image') from None
        return SequenceEntry(name, length, width, height, int(truth.visible.sum()))

    def _checked_truth(self, name: str, length: int) -> SequenceTruth:
        truth = self.read_truth(name, length)
        if self.test_mode and not (np.isfinite(truth.boxes[0]).all() and (truth.boxes[0, 2:] > 0).all()):
            raise RecordError(self.truth_file(name), f'the first box {truth.boxes[0].tolist()}', 'a box with area')
        return truth

    def load_data_list(self) -> List[dict]:
        """A record for each sequence, without its annotation."""
        index = None if self.index_file is None else self.path_of(self.index_file)
        entries = index_sequences(self.list_sequences(), self.describe, index)
        first_ids = np.cumsum([0, *(entry.length for entry in entries)])
        return [
            dict(
                video_id=number,
                video_length=entry.length,
                name=entry.name,
                width=entry.width,
                height=entry.height,
                num_visible=entry.visible,
                first_id=int(first_ids[number]),
            )
            for number, entry in enumerate(entries)
        ]

    def filter_data(self) -> List[dict]:
        """In training, leave out and count what is too short, or hardly to be seen.

        Raises:
            RecordError: nothing is left.
        """
        if self.test_mode:
            return self.data_list
        skipped, kept = SkipCounter('sequences'), []
        for record in self.data_list:
            if record['num_visible'] == 0:
                skipped.add('in which the target is never visible')
            elif record['num_visible'] < self.min_visible:
                skipped.add(f'with fewer than {self.min_visible} visible frames')
            elif record['video_length'] < self.min_length:
                skipped.add(f'with fewer than {self.min_length} frames')
            else:
                kept.append(record)
        skipped.log()
        if not kept:
            where = self.ann_file or self.data_root or type(self).__name__
            raise RecordError(where, skipped.summary(), 'a sequence for training')
        return kept

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """A record with its ``images`` and ``visible``."""
        record = super().get_data_info(idx)
        length, name = record['video_length'], record['name']
        truth = self.truth(name, length)
        boxes = truth.boxes.copy()
        boxes[:, 2:] += boxes[:, :2]
        size = np.array([record['width'], record['height']])
        has_box = np.isfinite(boxes).all(axis=1) & (truth.boxes[:, 2:] > 0).all(axis=1)
        inside = has_box & (boxes[:, :2] < size).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
        if self.test_mode and not inside[0]:
            found = f'the first box {truth.boxes[0].tolist()} outside {size[0]} x {size[1]} pixels'
            raise RecordError(self.truth_file(name), found, 'a box of which something is to be seen')
        # Of a test whose truth is not public the other frames have no box.
        counts = np.zeros(length, dtype=np.int64)
        counts[: len(boxes)] = 1
        visible = np.zeros(length, dtype=bool)
        visible[: len(boxes)] = truth.visible & inside
        cover = [None] * length if truth.cover is None else truth.cover.tolist()
        extras = dict(
            name=[name] * length,
            visible=visible.tolist(),
            cover=cover,
            init_bbox=[truth.boxes[0].tolist(), *[None] * (length - 1)],
            **self.extras_of(name, length),
        )
        ones = np.ones(len(boxes), dtype=np.int64)
        paths = self.frames_of(name, length)
        images = VideoFrames(paths, boxes, counts, ones - 1, ones, record['first_id'], extras)
        return dict(record, images=images, visible=visible)

    def extras_of(self, name: str, length: int) -> Dict[str, Sequence[Any]]:
        """More values for each frame, by name."""
        return {}

    def get_len_per_video(self, idx: int) -> int:
        """Frames of a sequence; its annotation is not opened."""
        return super().get_data_info(idx)['video_length']

    @property
    def num_all_imgs(self) -> int:
        """Frames of all sequences."""
        return sum(self.get_len_per_video(index) for index in range(len(self)))

    def get_cat_ids(self, index: Union[int, tuple]) -> List[int]:
        """The one category of all targets."""
        return [0]
