"""GOT-10k: many short videos, each with one target."""

from pathlib import Path
from typing import Any, List, Optional

from mmdet.datasets import BaseVideoDataset

from vlplugins.datasets.formats.tracking_files import read_boxes, read_flags
from vlplugins.datasets.single_object_tracking import SequenceTruth, SingleObjectTrackingMixin
from vlplugins.datasets.video_frames import FramePaths
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError


@DATASETS.register_module()
class GOT10kDataset(SingleObjectTrackingMixin, BaseVideoDataset):
    """GOT-10k (Huang et al., TPAMI 2021): ``{train,val,test}/<sequence>/{%08d.jpg, groundtruth.txt, absence.label,
    cover.label}`` and ``list.txt``.

    The test has the first box of each sequence alone; its server wants trackers that saw no other set in training.

    Args:
        ann_file: List of the sequences, below ``data_root``: ``'train/list.txt'``. The sequences lie beside it.
        subset_file: Numbers of the sequences to keep, one a line, counted from 0 in the list: the usual splits of the
            training set in 7 934 and 1 401, or without videos that VOT has, 7 086 and 1 249.
        kwargs: See :class:`SingleObjectTrackingMixin`.
    """

    def __init__(self, ann_file: str = 'train/list.txt', subset_file: Optional[str] = None, **kwargs: Any) -> None:
        self.subset_file = subset_file
        super().__init__(ann_file=ann_file, **kwargs)

    def list_sequences(self) -> List[str]:
        """Names with the folder of the split, ``train/GOT-10k_Train_000001``."""
        names = self._lines(self.ann_file, 'a sequence a line')
        if self.subset_file is not None:
            path = self.path_of(self.subset_file)
            numbers = self._lines(path, 'a number a line')
            for line, number in enumerate(numbers, start=1):
                if not number.isdigit() or int(number) >= len(names):
                    raise RecordError(path, f'{number!r}', f'a number below {len(names)}', f'line {line}')
            names = [names[int(number)] for number in numbers]
        split = Path(self.ann_file).parent.name
        return [f'{split}/{name}' for name in names]

    @staticmethod
    def _lines(path: str, expected: str) -> List[str]:
        try:
            lines = Path(path).read_text(encoding='utf-8').split()
        except OSError as error:
            raise RecordError(path, error.strerror or 'unreadable', expected) from None
        if not lines:
            raise RecordError(path, 'nothing', expected)
        return lines

    def frames_of(self, name: str, length: int = 0) -> FramePaths:
        """Frames, numbered from 1."""
        return FramePaths(self.path_of(name), '%08d.jpg', 1, length)

    def truth_file(self, name: str) -> str:
        """``groundtruth.txt``."""
        return self.path_of(name, 'groundtruth.txt')

    def read_truth(self, name: str, length: int) -> SequenceTruth:
        """Boxes and what is to be seen of the target; in the test the first box alone."""
        boxes = read_boxes(self.truth_file(name))
        if name.startswith('test/') and len(boxes) == 1:
            return SequenceTruth(boxes, boxes[:, 2] > 0)
        if len(boxes) != length:
            raise RecordError(self.truth_file(name), f'{len(boxes)} boxes', f'one for each of {length} frames')
        absent = read_flags(self.path_of(name, 'absence.label'), length) > 0
        cover = read_flags(self.path_of(name, 'cover.label'), length)
        return SequenceTruth(boxes, ~absent & (cover > 0) & (boxes[:, 2:] > 0).all(axis=1), cover)
