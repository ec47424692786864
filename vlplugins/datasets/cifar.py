"""CIFAR-10 from its binary version."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.dataset import BaseDataset

from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError

_CLASSES = ('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck')
_FILES = dict(train=[f'data_batch_{index}.bin' for index in range(1, 6)], test=['test_batch.bin'])
# One byte of label, then 32 x 32 bytes of red, of green and of blue.
_RECORD = 1 + 3 * 32 * 32


@DATASETS.register_module()
class CIFAR10Dataset(BaseDataset):
    """CIFAR-10 (Krizhevsky, 2009): 50,000 and 10,000 images of 32 x 32 pixels in ten classes.

    Reads the binary version (``data_batch_1.bin`` ... ``test_batch.bin``), whose records are plain bytes; the version
    for Python is a pickle. A record holds ``img`` (uint8 ``[32, 32, 3]``, BGR), ``gt_label``, ``img_path`` (file and
    number) and the items of ``extra_info``.

    Args:
        data_root: Folder of the files.
        split: ``'train'`` or ``'test'``.
        extra_info: Items put into every record.
        pipeline: Transforms; ``LoadImage`` takes the array.
        kwargs: Further arguments of MMEngine's ``BaseDataset``.

    Raises:
        ValueError: an unknown split.
        RecordError: a missing file, one of a wrong size, or a label above 9.
    """

    METAINFO = dict(classes=_CLASSES)

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        extra_info: Optional[Dict[str, Any]] = None,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        if split not in _FILES:
            raise ValueError(f"split {split!r} is unknown; expected 'train' or 'test'")
        self.split, self.extra_info = split, dict(extra_info or {})
        # 150 MB of pixels stay in one array, shared by loader workers, and not in the serialised records.
        self._images = np.empty(0)
        super().__init__(data_root=data_root, pipeline=list(pipeline), **kwargs)

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read the files of the split."""
        images: List[np.ndarray] = []
        records: List[Dict[str, Any]] = []
        for name in _FILES[self.split]:
            path = Path(self.data_root, name)
            if not path.is_file():
                raise RecordError(path, 'no such file', 'a file of the binary version of CIFAR-10')
            data = np.fromfile(path, dtype=np.uint8)
            if len(data) == 0 or len(data) % _RECORD:
                raise RecordError(path, f'{len(data)} bytes', f'a multiple of {_RECORD}, the size of a record')
            data = data.reshape(-1, _RECORD)
            if data[:, 0].max() > 9:
                number = int((data[:, 0] > 9).argmax())
                raise RecordError(path, f'label {data[number, 0]}', 'a label of at most 9', number)
            first = len(records)
            # Planes of red, green and blue to pixels in BGR order.
            images.append(data[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)[..., ::-1])
            records += [
                dict(img_path=f'{path}#{number}', gt_label=int(label), image_index=first + number, **self.extra_info)
                for number, label in enumerate(data[:, 0])
            ]
        self._images = np.ascontiguousarray(np.concatenate(images))
        return records

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """The record with its image."""
        info = super().get_data_info(idx)
        info['img'] = self._images[info['image_index']]
        return info
