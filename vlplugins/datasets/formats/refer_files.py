"""Referring expressions as RefCOCO, RefCOCO+ and RefCOCOg are released (Yu et al., ECCV 2016)."""

import math
import pickle
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from vlplugins.datasets.formats.text_files import read_json
from vlplugins.utils import safe_pickle
from vlplugins.utils.records import RecordError, SkipCounter

Box = Tuple[float, float, float, float]
_REF = 'a list of dicts with ref_id, ann_id, image_id, split, and sentences with sent_id and sent'
_INSTANCES = '"images" with id and file_name, and "annotations" with id, image_id and bbox [x, y, width, height]'


class Expression(NamedTuple):
    """A sentence about an object of an image.

    Attributes:
        sentence: Text, without blanks at its ends.
        sent_id: Number of the sentence.
        ref_id: Number of the object among those that are referred to.
        image_id: Number of the image.
        file_name: Of the image, as the file of instances has it.
        box: ``xyxy``, in pixels.
    """

    sentence: str
    sent_id: int
    ref_id: int
    image_id: int
    file_name: str
    box: Box


def read_refer(refs: str, instances: str, split: str, skipped: SkipCounter) -> List[Expression]:
    """Expressions of a split, one for each sentence.

    Objects without area and blank sentences are left out, and counted in ``skipped``.

    Args:
        refs: ``refs(unc).p``, a pickle; nothing of it is run.
        instances: ``instances.json``, in the layout of COCO.
        split: ``'train'``, ``'val'``, ``'testA'``, ``'testB'``, ``'test'``.
        skipped: Counter.

    Raises:
        RecordError: a missing, damaged or unsafe file, another layout, an unknown annotation, image or split.
    """
    entries = _read_refs(refs)
    known = sorted({str(each.get('split')) for each in entries})
    if split not in known:
        raise RecordError(refs, f'no reference of the split {split!r}', f'one of {known}')
    images, annotations = _read_instances(instances)
    found: List[Expression] = []
    for entry in entries:
        if entry['split'] == split:
            found += _expressions(entry, refs, images, annotations, skipped)
    return found


def _read_refs(path: str) -> List[Dict[str, Any]]:
    try:
        entries = safe_pickle.load(path)
    except OSError as error:
        raise RecordError(path, error.strerror or 'an unreadable file', _REF) from None
    except pickle.UnpicklingError as error:
        raise RecordError(path, str(error), 'a pickle of lists, dicts, strings and numbers alone') from None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise RecordError(path, f'a {type(entries).__name__}', _REF)
    for number, entry in enumerate(entries):
        lacking = {'ref_id', 'ann_id', 'image_id', 'split', 'sentences'} - set(entry)
        if lacking:
            raise RecordError(path, f'a reference without {sorted(lacking)}', _REF, number)
    return entries


def _read_instances(path: str) -> Tuple[Dict[int, str], Dict[int, Tuple[int, Any]]]:
    content = read_json(path, _INSTANCES)
    try:
        images = {each['id']: each['file_name'] for each in content['images']}
        return images, {each['id']: (each['image_id'], each['bbox']) for each in content['annotations']}
    except (KeyError, TypeError) as error:
        raise RecordError(path, f'no {error}', _INSTANCES) from None


def _expressions(
    entry: Dict[str, Any], path: str, images: Dict, annotations: Dict, skipped: SkipCounter
) -> Iterator[Expression]:
    record = f'ref_id {entry["ref_id"]}'
    if entry['ann_id'] not in annotations:
        raise RecordError(path, f'ann_id {entry["ann_id"]}', 'one of the annotations of the instances', record)
    image_id, corners = annotations[entry['ann_id']]
    if image_id != entry['image_id'] or image_id not in images:
        raise RecordError(path, f'image_id {entry["image_id"]}', f'{image_id}, that of its annotation', record)
    x, y, width, height = (float(value) for value in corners)
    # A comparison with NaN is false.
    if not (width > 0 and height > 0 and math.isfinite(x + y + width + height)):
        skipped.add('of a box without area')
        return
    for sentence in entry['sentences']:
        text = str(sentence.get('sent', sentence.get('raw', ''))).strip()
        if not text:
            skipped.add('blank')
            continue
        box = (x, y, x + width, y + height)
        yield Expression(text, int(sentence['sent_id']), int(entry['ref_id']), int(image_id), images[image_id], box)
