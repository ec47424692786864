"""Skeleton sequences with an action label, from the pickles of mmaction2."""

import logging
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from vlplugins.datasets.formats.skeleton_record import check_keypoint
from vlplugins.registry import DATASETS
from vlplugins.structures.skeleton_layout import get_layout
from vlplugins.utils import safe_pickle
from vlplugins.utils.pipelines import list_steps
from vlplugins.utils.records import RecordError, SkipCounter


@DATASETS.register_module()
class SkeletonActionDataset(BaseDataset):
    """Reads what mmaction2's ``PoseDataset`` reads, without running the pickle, and checks every record.

    File: ``dict(split=dict(xsub_train=[names], ...), annotations=[dict(frame_dir, label, total_frames, keypoint)])``,
    ``keypoint [M, T, V, 3]``, or the list of annotations alone. Records go into the pipeline with ``ann_file``,
    ``modality`` and ``start_index`` added, so that the transforms of mmaction2 take them too.

    Args:
        ann_file: The pickle.
        split: Name of the split; all annotations without it.
        layout: Layout of the joints, a name or the arguments of a :class:`SkeletonLayout`.
        num_classes: Labels must be below it.
        classes: Names of the classes; their number stands in for ``num_classes``.
        max_drop: Share of the split's records that may be missing or empty; they are dropped and counted.
        pipeline: Transforms: a list, or named steps, of which a config that inherits changes one by its name and drops
            one by ``None``.
        kwargs: Further arguments of MMEngine's ``BaseDataset`` (``test_mode``, ``indices``, ``data_root``, ...).

    Raises:
        RecordError: an unknown split (the known ones are listed), a duplicated name, a label out of range, an array of
            another shape or layout, too many records dropped.
    """

    def __init__(
        self,
        ann_file: str,
        split: Optional[str] = None,
        layout: Any = 'nturgb+d',
        num_classes: Optional[int] = None,
        classes: Optional[Sequence[str]] = None,
        max_drop: float = 0.01,
        pipeline: Union[Sequence, Mapping[str, Any]] = (),
        **kwargs: Any,
    ) -> None:
        self.split, self.layout, self.max_drop = split, get_layout(layout), max_drop
        self.num_classes = num_classes or (len(classes) if classes else None)
        self.left_out = SkipCounter('skeleton records')
        metainfo = None if classes is None else dict(classes=tuple(classes))
        super().__init__(ann_file=ann_file, metainfo=metainfo, pipeline=list_steps(pipeline), **kwargs)

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read and check the annotations of the split."""
        try:
            content = safe_pickle.load(self.ann_file)
        except FileNotFoundError:
            raise RecordError(self.ann_file, 'no such file', 'a pickle of skeleton annotations') from None
        annotations, wanted = self._select(content)
        records, seen = [], set()
        for annotation in annotations:
            name = annotation.get('frame_dir', annotation.get('filename'))
            if name in seen:
                raise RecordError(self.ann_file, 'a second annotation of this name', 'one for each name', name)
            seen.add(name)
            keypoint = annotation.get('keypoint')
            if isinstance(keypoint, np.ndarray) and keypoint.ndim == 4 and not np.any(keypoint):
                self.left_out.add('without anybody')
                continue
            self._check(annotation, name)
            records.append(dict(annotation, frame_dir=name))
        for _ in range(len(wanted - seen)):
            self.left_out.add('named by the split, without annotation')
        self._check_dropped(len(records), sorted(wanted - seen))
        return records

    def _select(self, content: Any) -> Tuple[List[Dict[str, Any]], set]:
        """Annotations of the split, and the names that it wants."""
        expected = 'dict(split, annotations) or a list of annotations'
        if isinstance(content, list) and self.split is None:
            return content, set()
        if not isinstance(content, dict) or not {'split', 'annotations'} <= set(content):
            raise RecordError(self.ann_file, f'a {type(content).__name__}', expected)
        if self.split is None:
            return content['annotations'], set()
        if self.split not in content['split']:
            known = sorted(content['split'])
            shown = ', '.join(known[:12]) + (', ...' if len(known) > 12 else '')
            raise RecordError(self.ann_file, f'no split {self.split!r}', f'one of {len(known)}: {shown}')
        wanted = set(content['split'][self.split])
        annotations = content['annotations']
        return [each for each in annotations if each.get('frame_dir', each.get('filename')) in wanted], wanted

    def _check(self, annotation: Dict[str, Any], name: Any) -> None:
        keypoint = annotation.get('keypoint')
        check_keypoint(keypoint, self.ann_file, name)
        self.layout.check(keypoint, self.ann_file, name)
        label = annotation.get('label')
        if not isinstance(label, (int, np.integer)) or label < 0 or (self.num_classes or label + 1) <= label:
            expected = f'a whole number below {self.num_classes or "the number of classes"}'
            raise RecordError(self.ann_file, f'label {label!r}', expected, name)

    def _check_dropped(self, kept: int, missing: List[str]) -> None:
        dropped = self.left_out.total
        if not kept or dropped > self.max_drop * (kept + dropped):
            found = f'{kept} usable records, {self.left_out.summary()}' + (f', as {missing[0]}' if missing else '')
            raise RecordError(self.ann_file, found, f'at most {self.max_drop:.0%} dropped', f'split {self.split}')
        print_log(f'{self.ann_file}, split {self.split}: {kept} records', logger='current', level=logging.INFO)
        self.left_out.log()

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """One record, as the pipeline takes it."""
        return dict(super().get_data_info(idx), ann_file=self.ann_file, modality='Pose', start_index=0)
