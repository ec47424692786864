"""Encoded images in an LMDB database."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from vlplugins.datasets.skip_bad import SkipBadDataset
from vlplugins.registry import DATASETS
from vlplugins.utils.lmdb_files import read_value
from vlplugins.utils.records import RecordError


@DATASETS.register_module()
class LMDBImageDataset(SkipBadDataset):
    """Images of an LMDB database, as the code of SlimCLR keeps ImageNet (and ``folder_to_lmdb.py`` writes it).

    ``<data_root>/<split>_lmdb/<split>.lmdb`` maps names (``nXXXXXXXX/name.JPEG``, UTF-8) to encoded images, and
    ``<data_root>/<split>_lmdb/<split>_list.json`` names to labels. A record holds ``img_bytes``, ``img_path`` (database
    and name), ``gt_label`` (with labels) and the items of ``extra_info``.

    Args:
        data_root: Folder of the databases.
        split: ``'train'``, ``'val'``, ...
        with_label: Whether records have labels.
        extra_info: Items put into every record.
        skip_bad: As in :class:`SkipBadDataset`.
        pipeline: Transforms, beginning with ``LoadImage``.
        kwargs: Further arguments of MMEngine's ``BaseDataset``.

    Raises:
        RecordError: a missing database or list, or a list that is not an object of names and labels; (while reading)
            a name that the database does not hold, or an unreadable image.
    """

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        with_label: bool = True,
        extra_info: Optional[Dict[str, Any]] = None,
        skip_bad: bool = False,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        self.folder, self.split = Path(data_root, f'{split}_lmdb'), split
        self.with_label, self.extra_info = with_label, dict(extra_info or {})
        super().__init__(data_root=data_root, skip_bad=skip_bad, pipeline=list(pipeline), **kwargs)

    @property
    def database(self) -> Path:
        """The database."""
        return self.folder / f'{self.split}.lmdb'

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read the list of names; the database is opened by the process that reads from it."""
        path = self.folder / f'{self.split}_list.json'
        for needed in (path, self.database):
            if not needed.exists():
                raise RecordError(needed, 'no such file', f'the database and the list of the split {self.split!r}')
        try:
            labels = json.loads(path.read_text(encoding='utf-8'))
        except ValueError as error:
            raise RecordError(path, f'no JSON ({error})', 'an object {name: label}') from None
        if not isinstance(labels, dict) or not labels:
            raise RecordError(path, f'a {type(labels).__name__} of {len(labels)}', 'an object {name: label}')
        records = []
        for name, label in labels.items():
            if self.with_label and (not isinstance(label, int) or label < 0):
                raise RecordError(path, f'label {label!r}', 'an integer of at least 0', name)
            record = dict(name=name, img_path=f'{self.database}#{name}', **self.extra_info)
            records.append({**record, 'gt_label': label} if self.with_label else record)
        return records

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """The record with its encoded image."""
        info = super().get_data_info(idx)
        data = read_value(self.database, info['name'])
        if data is None:
            raise RecordError(self.database, 'no such key', 'an image under each name of the list', info['name'])
        info['img_bytes'] = data
        return info
