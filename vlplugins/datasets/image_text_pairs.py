"""Images with captions: pairs to train on, and galleries with several captions an image."""

import os
from typing import Any, Dict, List, Optional, Sequence

from vlplugins.datasets.formats.image_text_annotations import SPLITS, read_coco_captions, read_karpathy, read_manifest
from vlplugins.datasets.formats.refer_files import read_refer
from vlplugins.datasets.formats.tar_shards import TarShards, split_shard
from vlplugins.datasets.skip_bad import SkipBadDataset
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError, SkipCounter


class _ImageTextDataset(SkipBadDataset):
    """Images in files or in tar archives (``shard.tar/name.jpg``), relative to ``data_prefix['img']``.

    Args:
        skip_missing: Leave out, and count, records whose image does not exist. Otherwise reading one is an error.
        skip_bad: As in :class:`SkipBadDataset`.
    """

    def __init__(
        self,
        ann_file: str = '',
        data_root: str = '',
        data_prefix: Optional[dict] = None,
        skip_missing: bool = False,
        skip_bad: bool = False,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        self.skip_missing, self.shards, self.left_out = skip_missing, TarShards(), SkipCounter('records')
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix={'img': '', **(data_prefix or {})},
            skip_bad=skip_bad,
            pipeline=list(pipeline),
            **kwargs,
        )

    def _usable(self, records: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        """The records whose image is there, if that is asked for; logs what was left out.

        Raises:
            RecordError: none is left.
        """
        if self.skip_missing:
            kept = [record for record in records if self._exists(record['img_path'])]
            self.left_out.reasons['without an image'] += len(records) - len(kept)
            self.left_out.reasons += type(self.left_out.reasons)()
            records = kept
        self.left_out.log()
        if not records:
            raise RecordError(self.ann_file, f'no usable record ({self.left_out.summary()})', 'at least one')
        return records

    def _exists(self, path: str) -> bool:
        shard = split_shard(path)
        return os.path.isfile(path) if shard is None else self.shards.has(*shard)

    def image_path(self, name: str) -> str:
        """Path of an image, relative in the annotations."""
        return os.path.join(self.data_prefix['img'], name)

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """The record ``idx``, with the bytes of its image where that lies in an archive."""
        info = super().get_data_info(idx)
        shard = split_shard(info['img_path'])
        if shard is not None:
            info['img_bytes'] = self.shards.read(*shard)
        return info

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on a record.

        Raises:
            RecordError: an image that cannot be read; names the record of the annotations, too.
        """
        try:
            return super().prepare_data(idx)
        except RecordError as error:
            record = super().get_data_info(idx)['record']
            where = f'{record} of {self.ann_file}'
            raise RecordError(error.file, error.found, error.expected, where) from None


@DATASETS.register_module()
class ImageTextPairDataset(_ImageTextDataset):
    """Pairs of an image and a caption, of a manifest of JSON lines or of COCO's captions (``.json``).

    A line of a manifest is ``{"image": path, "caption": text, "phrases": [[start, end], ...]}``, with ``phrases`` in
    characters, end exclusive, or absent. An image may lie in an uncompressed tar archive: ``00012/a.jpg`` or
    ``00012.tar/a.jpg``.

    A record holds ``img_path``, ``text``, ``phrases`` where they are annotated, and ``record``, its place in the file.
    Blank captions are left out and counted.

    Args:
        ann_file: Annotation file, relative to ``data_root`` or absolute.
        data_root: Root folder.
        data_prefix: ``dict(img=...)``: folder of the images and archives.
        kwargs: ``skip_missing`` (leave out, and count, records without an image), ``skip_bad`` (replace, and count,
            images that cannot be read), and arguments of MMEngine's ``BaseDataset``.

    Raises:
        RecordError: (while loading) a missing or malformed file, a phrase outside of its caption, no record left;
            (while reading) a missing or unreadable image.
    """

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read the annotations."""
        read = read_coco_captions if self.ann_file.endswith('.json') else read_manifest
        records = []
        for pair in read(self.ann_file):
            if not pair.caption.strip():
                self.left_out.add('with a blank caption')
                continue
            record = dict(img_path=self.image_path(pair.image), text=pair.caption, record=pair.record)
            if pair.phrases is not None:
                record['phrases'] = pair.phrases
            records.append(record)
        return self._usable(records)


@DATASETS.register_module()
class KarpathyRetrievalDataset(_ImageTextDataset):
    """Flickr30K or COCO in Karpathy's splits, for retrieval.

    In test mode a record is an image with its first captions: ``text`` is a list, ``text_indices`` has a number for
    each caption of the split, ``image_index`` one for each image. In training every caption is a record.

    Args:
        splits: Some of ``'train'``, ``'restval'``, ``'val'``, ``'test'``. COCO trains on the first two.
        num_captions: The first so many captions of an image count (COCO has images with six or seven).
        kwargs: As of :class:`ImageTextPairDataset`.

    Raises:
        RecordError: as :class:`ImageTextPairDataset`; an image of a test with fewer captions.
        ValueError: an unknown split.
    """

    def __init__(self, splits: Sequence[str] = ('test',), num_captions: int = 5, **kwargs: Any) -> None:
        unknown = set(splits) - set(SPLITS)
        if unknown or not splits:
            raise ValueError(f'splits {tuple(splits)}: expected some of {SPLITS}')
        self.splits, self.num_captions = tuple(splits), num_captions
        super().__init__(**kwargs)

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read the annotations."""
        records: List[Dict[str, Any]] = []
        images = [each for each in read_karpathy(self.ann_file) if each.split in self.splits]
        for index, image in enumerate(images):
            captions = [each.strip() for each in image.captions[: self.num_captions]]
            shared = dict(img_path=self.image_path(image.image), img_id=image.image_id, image_index=index)
            shared['record'] = f'image {image.image_id}'
            if not self.test_mode:
                self.left_out.reasons['with a blank caption'] += sum(not each for each in captions)
                records += [dict(shared, text=each) for each in captions if each]
                continue
            if len(captions) < self.num_captions or not all(captions):
                found = f'{sum(map(bool, captions))} captions'
                raise RecordError(self.ann_file, found, f'{self.num_captions} or more', shared['record'])
            first = index * self.num_captions
            records.append(dict(shared, text=captions, text_indices=list(range(first, first + self.num_captions))))
        self.left_out.reasons += type(self.left_out.reasons)()
        return self._usable(records)


@DATASETS.register_module()
class RefCocoGroundingDataset(_ImageTextDataset):
    """RefCOCO, RefCOCO+ or RefCOCOg: a record for each sentence, which names one object.

    A record holds ``img_path``, ``img_id``, ``text``, ``gt_box`` (``xyxy`` in pixels of the file), ``ref_id``,
    ``sent_id`` and ``split``. Objects without area and blank sentences are left out and counted.

    Args:
        ann_file: ``refs(unc).p``.
        instances_file: ``instances.json``, relative to ``data_root`` or absolute.
        split: ``'train'``, ``'val'``, ``'testA'``, ``'testB'``, ``'test'``.
        data_root: Root folder.
        kwargs: As of :class:`ImageTextPairDataset`.

    Raises:
        RecordError: as :func:`read_refer`; an image that cannot be read.
    """

    def __init__(
        self, ann_file: str, instances_file: str, split: str = 'val', data_root: str = '', **kwargs: Any
    ) -> None:
        self.instances_file, self.split = os.path.join(data_root, instances_file), split
        super().__init__(ann_file=ann_file, data_root=data_root, **kwargs)

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read the expressions."""
        found = read_refer(self.ann_file, self.instances_file, self.split, self.left_out)
        records = [
            dict(
                img_path=self.image_path(each.file_name),
                img_id=each.image_id,
                text=each.sentence,
                gt_box=each.box,
                ref_id=each.ref_id,
                sent_id=each.sent_id,
                split=self.split,
                record=f'ref_id {each.ref_id}',
            )
            for each in found
        ]
        return self._usable(records)
