"""Images in folders: one folder per class, or a list of paths."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS
from vlplugins.datasets.skip_bad import SkipBadDataset
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError


@DATASETS.register_module()
class ImageFolderDataset(SkipBadDataset):
    """Images of a folder tree, as ImageNet is laid out.

    Without ``ann_file``, each folder below ``data_root/data_prefix`` is a class, numbered in sorted order; without
    labels all images below it are taken. With ``ann_file``, each of its lines is ``relative/path.jpg 17`` (without
    labels the number may be left out); the path is relative to ``data_root/data_prefix``.

    A record holds ``img_path``, ``gt_label`` (with labels), ``sample_idx``, and the items of ``extra_info``.

    Args:
        data_root: Root folder.
        data_prefix: Folder of the images below it.
        ann_file: Annotation file, relative to ``data_root`` or absolute.
        with_label: Whether records have labels.
        classes: Class names. By default the folder names, or unknown with an annotation file.
        extra_info: Items put into every record, e.g. ``dict(role='bank')``.
        skip_bad: As in :class:`SkipBadDataset`.
        extensions: Lower-case endings of image files.
        pipeline: Transforms.
        kwargs: Further arguments of MMEngine's ``BaseDataset`` (``test_mode``, ``indices``, ``lazy_init``, ...).

    Raises:
        RecordError: (while loading) a missing folder or file, an empty class folder, a malformed line, a label
            outside the classes; (while reading) an unreadable image.
    """

    def __init__(
        self,
        data_root: str,
        data_prefix: str = '',
        ann_file: str = '',
        with_label: bool = True,
        classes: Optional[Sequence[str]] = None,
        extra_info: Optional[Dict[str, Any]] = None,
        skip_bad: bool = False,
        extensions: Sequence[str] = IMAGE_EXTENSIONS,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        self.with_label = with_label
        self.extra_info, self.extensions = dict(extra_info or {}), tuple(extensions)
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix=dict(img_path=data_prefix),
            metainfo=None if classes is None else dict(classes=tuple(classes)),
            skip_bad=skip_bad,
            pipeline=list(pipeline),
            **kwargs,
        )

    @property
    def image_root(self) -> Path:
        """Folder that the paths of images are relative to."""
        return Path(self.data_prefix['img_path'] or self.data_root)

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read the annotation file, or scan the folders."""
        if not self.image_root.is_dir():
            raise RecordError(self.image_root, 'no such folder', 'the folder of the images')
        if self.ann_file:
            records = self._read_annotations(Path(self.ann_file))
        elif self.with_label:
            records = self._scan_classes()
        else:
            records = [dict(img_path=str(path)) for path in self._images_below(self.image_root)]
        if not records:
            raise RecordError(self.ann_file or self.image_root, 'no image', f'files ending in {self.extensions}')
        return [{**record, **self.extra_info} for record in records]

    def _images_below(self, folder: Path) -> List[Path]:
        return sorted(path for path in folder.rglob('*') if path.suffix.lower() in self.extensions)

    def _scan_classes(self) -> List[Dict[str, Any]]:
        folders = sorted(path for path in self.image_root.iterdir() if path.is_dir())
        if not folders:
            raise RecordError(self.image_root, 'no folder', 'one folder per class')
        names = tuple(folder.name for folder in folders)
        known = self._metainfo.setdefault('classes', names)
        if sorted(known) != list(names):
            raise RecordError(self.image_root, f'class folders {names}', f'the folders of classes {tuple(known)}')
        records = []
        for folder in folders:
            images = self._images_below(folder)
            if not images:
                raise RecordError(folder, 'a class folder without images', f'files ending in {self.extensions}')
            label = known.index(folder.name)
            records += [dict(img_path=str(path), gt_label=label) for path in images]
        return records

    def _read_annotations(self, path: Path) -> List[Dict[str, Any]]:
        try:
            lines = path.read_text(encoding='utf-8').splitlines()
        except FileNotFoundError:
            raise RecordError(path, 'no such file', 'an annotation file of lines "path label"') from None
        except UnicodeDecodeError:
            raise RecordError(path, 'a file that is not UTF-8 text', 'lines "path label"') from None
        return [self._parse_line(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]

    def _parse_line(self, path: Path, number: int, line: str) -> Dict[str, Any]:
        if not self.with_label:
            name, _, last = line.strip().rpartition(' ')
            return dict(img_path=str(self.image_root / (name if name and last.isdigit() else line.strip())))
        name, _, label = line.strip().rpartition(' ')
        if not name or not label.isdigit():
            raise RecordError(path, repr(line), '"relative/path label" with a label of at least 0', f'line {number}')
        classes = self._metainfo.get('classes')
        if classes is not None and int(label) >= len(classes):
            raise RecordError(path, f'label {label}', f'a label below {len(classes)}, the classes', f'line {number}')
        return dict(img_path=str(self.image_root / name.strip()), gt_label=int(label))
