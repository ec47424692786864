"""TrackingNet: clips of YouTube videos, each with one target."""

from pathlib import Path
from typing import Any, List, Sequence, Union

from mmdet.datasets import BaseVideoDataset

from vlplugins.datasets.formats.tracking_files import read_boxes
from vlplugins.datasets.single_object_tracking import SequenceTruth, SingleObjectTrackingMixin
from vlplugins.datasets.video_frames import FramePaths
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError


@DATASETS.register_module()
class TrackingNetDataset(SingleObjectTrackingMixin, BaseVideoDataset):
    """TrackingNet (Mueller et al., ECCV 2018): ``{TRAIN_0..TRAIN_11,TEST}/{anno/<video>.txt, frames/<video>/<k>.jpg}``.

    Frames are numbered from 0; boxes of most frames are interpolated. The test has the first box alone, and is judged
    by a server.

    Args:
        parts: Folders to read: ``'TEST'``, or several of training.
        kwargs: See :class:`SingleObjectTrackingMixin`; there is no ``ann_file``.
    """

    def __init__(
        self, parts: Union[str, Sequence[str]] = tuple(f'TRAIN_{part}' for part in range(12)), **kwargs: Any
    ) -> None:
        self.parts = (parts,) if isinstance(parts, str) else tuple(parts)
        super().__init__(**kwargs)

    def list_sequences(self) -> List[str]:
        """Names with the folder of the part, ``TRAIN_0/<video>``."""
        names = []
        for part in self.parts:
            found = sorted(path.stem for path in Path(self.path_of(part, 'anno')).glob('*.txt'))
            if not found:
                raise RecordError(self.path_of(part, 'anno'), 'no file', 'boxes of a video in each')
            names += [f'{part}/{name}' for name in found]
        return names

    def frames_of(self, name: str, length: int = 0) -> FramePaths:
        """Frames, numbered from 0."""
        part, video = name.split('/', 1)
        return FramePaths(self.path_of(part, 'frames', video), '%d.jpg', 0, length)

    def truth_file(self, name: str) -> str:
        """``anno/<video>.txt``."""
        part, video = name.split('/', 1)
        return self.path_of(part, 'anno', f'{video}.txt')

    def read_truth(self, name: str, length: int) -> SequenceTruth:
        """Boxes; in the test the first one alone."""
        boxes = read_boxes(self.truth_file(name))
        if len(boxes) != length and not (name.startswith('TEST') and len(boxes) == 1):
            raise RecordError(self.truth_file(name), f'{len(boxes)} boxes', f'one for each of {length} frames')
        return SequenceTruth(boxes, (boxes[:, 2:] > 0).all(axis=1))
