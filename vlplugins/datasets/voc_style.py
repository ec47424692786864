"""Detection sets in the layout of Pascal VOC, with or without their annotations."""

import math
import os.path as osp
import xml.etree.ElementTree as ElementTree
from typing import Any, Dict, List, Optional

from mmdet.datasets import XMLDataset
from mmengine.fileio import exists, get_text, list_from_file

from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError, SkipCounter

_CHOICES = ('error', 'skip')


@DATASETS.register_module()
class VOCStyleDataset(XMLDataset):
    """``JPEGImages/ID.jpg``, ``Annotations/ID.xml`` and a file of ids, one a line.

    mmdet's ``XMLDataset`` that says what is wrong with a record, keeps fractions of pixels, and can leave annotations
    unopened. Names are compared in lower case, without blanks around them. Coordinates in the files count from 1; here
    from 0, clipped to the image (a right edge at the width is legal).

    Args:
        unknown_class: For objects of other classes ``'error'``, or ``'skip'`` and count.
        invalid_box: For boxes without area inside the image, or that are no numbers, likewise.
        with_labels: Open the annotations; without, the set has images alone, none is dropped, and a record has no
            objects, whatever the files hold.
        train_on_difficult: Train on objects marked as difficult; a test ignores them in any case.
        subset: Name of the domain, kept in the record under ``subset`` for evaluation.
        suffix: Ending of the images.
        kwargs: Arguments of mmdet's ``XMLDataset``.

    Raises:
        ValueError: another choice than ``'error'`` or ``'skip'``.
        RecordError: a missing or damaged file, an unknown class, a bad box, or a set without a record.
    """

    def __init__(
        self,
        unknown_class: str = 'error',
        invalid_box: str = 'skip',
        with_labels: bool = True,
        train_on_difficult: bool = True,
        subset: Optional[str] = None,
        suffix: str = '.jpg',
        **kwargs: Any,
    ) -> None:
        for name, value in (('unknown_class', unknown_class), ('invalid_box', invalid_box)):
            if value not in _CHOICES:
                raise ValueError(f'{name} {value!r} is unknown; expected one of {_CHOICES}')
        self.unknown_class, self.invalid_box, self.with_labels = unknown_class, invalid_box, with_labels
        self.train_on_difficult, self.subset, self.suffix = train_on_difficult, subset, suffix
        self.skipped = SkipCounter('objects')
        super().__init__(**kwargs)

    def load_data_list(self) -> List[dict]:
        """Records of all ids of ``ann_file``."""
        if self._metainfo.get('classes') is None:
            raise ValueError(f"{type(self).__name__} needs metainfo=dict(classes=('car', ...))")
        self.cat2label = {name.strip().lower(): index for index, name in enumerate(self._metainfo['classes'])}
        ids = [line.strip() for line in list_from_file(self.ann_file, backend_args=self.backend_args)]
        records = [self._record(image_id) for image_id in ids if image_id]
        if not records:
            raise RecordError(self.ann_file, 'no id', f'one id a line of the images of {type(self).__name__}')
        self.skipped.log()
        return records

    def _record(self, image_id: str) -> Dict[str, Any]:
        root = self.sub_data_root
        record = dict(img_id=image_id, img_path=osp.join(root, self.img_subdir, image_id + self.suffix), instances=[])
        if self.subset is not None:
            record['subset'] = self.subset
        if self.with_labels:
            path = osp.join(root, self.ann_subdir, f'{image_id}.xml')
            tree = self._tree(path, image_id)
            size = [self._number(tree, f'size/{side}', path, image_id) for side in ('width', 'height')]
            record.update(xml_path=path, width=int(size[0]), height=int(size[1]))
            found = (self._instance(each, size, path, image_id) for each in tree.findall('object'))
            record['instances'] = [instance for instance in found if instance is not None]
        return record

    def _tree(self, path: str, image_id: str) -> ElementTree.Element:
        if not exists(path, backend_args=self.backend_args):
            raise RecordError(path, 'no such file', 'annotations in XML', image_id)
        try:
            return ElementTree.fromstring(get_text(path, backend_args=self.backend_args))
        except ElementTree.ParseError as error:
            raise RecordError(path, f'damaged XML ({error})', 'annotations in XML', image_id) from None

    @staticmethod
    def _number(node: ElementTree.Element, name: str, path: str, image_id: str) -> float:
        text = node.findtext(name)
        try:
            return float(text)
        except (TypeError, ValueError):
            raise RecordError(path, f'{name} {text!r}', 'a number', image_id) from None

    def _instance(
        self, node: ElementTree.Element, size: List[float], path: str, image_id: str
    ) -> Optional[Dict[str, Any]]:
        """One object; ``None`` for one that is skipped."""
        name = (node.findtext('name') or '').strip().lower()
        if name not in self.cat2label:
            if self.unknown_class == 'error':
                raise RecordError(path, f'class {name!r}', f'one of {list(self.cat2label)}', image_id)
            self.skipped.add(f'of class {name!r}')
            return None
        corners = [self._number(node, f'bndbox/{key}', path, image_id) - 1 for key in ('xmin', 'ymin', 'xmax', 'ymax')]
        limits = [size[0], size[1], size[0], size[1]]
        box = [value if math.isnan(value) else min(max(value, 0.0), limit) for value, limit in zip(corners, limits)]
        # A comparison with NaN is false.
        if not (box[2] > box[0] and box[3] > box[1]):
            if self.invalid_box == 'error':
                raise RecordError(path, f'box {corners}', f'a box with area inside {size[0]:g}x{size[1]:g}', image_id)
            self.skipped.add(f'without area (first in {image_id})' if not self.skipped.total else 'without area')
            return None
        difficult = (node.findtext('difficult') or '0').strip() not in ('0', '')
        ignore = difficult and (self.test_mode or not self.train_on_difficult)
        return dict(bbox=box, bbox_label=self.cat2label[name], ignore_flag=int(ignore))

    def filter_data(self) -> List[dict]:
        """In training, drop what ``filter_cfg`` says, and log how much; nothing of a set without labels.

        Raises:
            RecordError: no record is left.
        """
        if not self.with_labels:
            return self.data_list
        kept = super().filter_data()
        dropped = SkipCounter('images')
        dropped.reasons['without objects, or too small'] = len(self.data_list) - len(kept)
        if dropped.total:
            dropped.log()
        if not kept:
            raise RecordError(self.ann_file, f'{len(self.data_list)} images without objects', 'one with an object')
        return kept

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on a record.

        Raises:
            RecordError: a missing or damaged image.
        """
        try:
            return super().prepare_data(idx)
        except (FileNotFoundError, AssertionError) as error:
            record = self.get_data_info(idx)
            if isinstance(error, AssertionError) and 'load image' not in str(error):
                raise
            found = 'no such file' if isinstance(error, FileNotFoundError) else 'a file that cannot be decoded'
            raise RecordError(record['img_path'], found, 'an image', record['img_id']) from error


@DATASETS.register_module()
class WeatherVOCDataset(VOCStyleDataset):
    """Images of BDD100K in one weather: Daytime-sunny, Dusk-rainy, Night-rainy, ... (Wu et al., ICCV 2021)."""

    METAINFO = dict(classes=('bus', 'bike', 'car', 'motor', 'person', 'rider', 'truck'))


@DATASETS.register_module()
class CityscapesVOCDataset(VOCStyleDataset):
    """Cityscapes or Foggy Cityscapes as ``tools/dataset_converters/cityscapes_to_voc.py`` writes them."""

    METAINFO = dict(classes=('bus', 'bicycle', 'car', 'motorcycle', 'person', 'rider', 'train', 'truck'))


@DATASETS.register_module()
class WatercolorDataset(VOCStyleDataset):
    """Watercolor2k or Comic2k (Inoue et al., CVPR 2018), or VOC itself, of whose classes these six are kept."""

    METAINFO = dict(classes=('bicycle', 'bird', 'car', 'cat', 'dog', 'person'))
