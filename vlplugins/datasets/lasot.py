"""LaSOT: long videos, each with one target."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmdet.datasets import BaseVideoDataset

from vlplugins.datasets.formats.tracking_files import read_boxes, read_flags
from vlplugins.datasets.single_object_tracking import SequenceTruth, SingleObjectTrackingMixin
from vlplugins.datasets.video_frames import FramePaths
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError


@DATASETS.register_module()
class LaSOTDataset(SingleObjectTrackingMixin, BaseVideoDataset):
    """LaSOT (Fan et al., CVPR 2019): ``<class>/<class>-<number>/{img/%08d.jpg, groundtruth.txt, full_occlusion.txt,
    out_of_view.txt}``.

    Its protocol II trains on the 1 120 sequences of ``training_set.txt`` and tests on the 280 of ``testing_set.txt``;
    protocol I tests on all 1 400, which an empty ``ann_file`` gives.

    Args:
        ann_file: List of the sequences, one a line; all folders by default.
        other_boxes: Pattern of files, in the folder of a sequence, with boxes of other objects, for ``SOTMetric``'s
            measure of discrimination: each frame gets ``distractors`` ``[K, 4]`` (xyxy). Synthetic sets have
            ``'distractor_*.txt'``.
        kwargs: See :class:`SingleObjectTrackingMixin`.
    """

    def __init__(self, ann_file: str = '', other_boxes: Optional[str] = None, **kwargs: Any) -> None:
        self.other_boxes = other_boxes
        super().__init__(ann_file=ann_file, **kwargs)

    def list_sequences(self) -> List[str]:
        """Names, ``<class>-<number>``."""
        if self.ann_file:
            try:
                names = Path(self.ann_file).read_text(encoding='utf-8').split()
            except OSError as error:
                raise RecordError(self.ann_file, error.strerror or 'unreadable', 'a sequence a line') from None
        else:
            names = sorted(path.parent.name for path in Path(self.data_root or '').glob('*/*/groundtruth.txt'))
        if not names:
            raise RecordError(self.ann_file or self.data_root, 'no sequence', '<class>-<number>')
        bad = [name for name in names if '-' not in name]
        if bad:
            raise RecordError(self.ann_file, f'{bad[0]!r}', '<class>-<number>')
        return names

    def folder_of(self, name: str) -> str:
        """Folder of a sequence."""
        return self.path_of(name.rsplit('-', 1)[0], name)

    def frames_of(self, name: str, length: int = 0) -> FramePaths:
        """Frames, numbered from 1."""
        return FramePaths(f'{self.folder_of(name)}/img', '%08d.jpg', 1, length)

    def truth_file(self, name: str) -> str:
        """``groundtruth.txt``."""
        return f'{self.folder_of(name)}/groundtruth.txt'

    def read_truth(self, name: str, length: int) -> SequenceTruth:
        """Boxes, and frames in which the target is neither occluded nor out of view."""
        folder = self.folder_of(name)
        boxes = read_boxes(self.truth_file(name), num_frames=length)
        hidden = [read_flags(f'{folder}/{flag}.txt', length) > 0 for flag in ('full_occlusion', 'out_of_view')]
        return SequenceTruth(boxes, ~(hidden[0] | hidden[1]) & (boxes[:, 2:] > 0).all(axis=1))

    def extras_of(self, name: str, length: int) -> Dict[str, Sequence[Any]]:
        """Boxes of other objects, if they are asked for."""
        if self.other_boxes is None:
            return {}
        files = sorted(Path(self.folder_of(name)).glob(self.other_boxes))
        boxes = [read_boxes(path, num_frames=length) for path in files]
        if not boxes:
            raise RecordError(self.folder_of(name), f'no {self.other_boxes}', 'boxes of other objects')
        joined = np.stack(boxes, axis=1)
        joined[..., 2:] += joined[..., :2]
        return dict(distractors=joined)
