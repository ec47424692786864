"""Images with captions, as they are released: manifests of JSON lines, COCO captions, Karpathy's splits."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from vlplugins.datasets.formats.text_files import read_json, read_json_lines
from vlplugins.utils.records import RecordError

Spans = List[Tuple[int, int]]
_LINE = 'a line {"image": path, "caption": text, "phrases": [[start, end], ...]}'
_COCO = '"images" with id and file_name, and "annotations" with image_id and caption'
_KARPATHY = '"images" with filename, split, and "sentences" with raw'
SPLITS = ('train', 'restval', 'val', 'test')


class Pair(NamedTuple):
    """An image and a caption.

    Attributes:
        image: Path of the image.
        caption: Text, as the file has it.
        phrases: Start and exclusive end of each phrase, in characters; ``None`` where they are not annotated.
        record: Where the file has it.
    """

    image: str
    caption: str
    phrases: Optional[Spans]
    record: str


def read_manifest(path: str) -> Iterator[Pair]:
    """Pairs of a manifest of JSON lines.

    Raises:
        RecordError: a missing file, a line of another form, a phrase outside of its caption.
    """
    for number, entry in read_json_lines(path, _LINE):
        record, image, caption = f'line {number}', entry.get('image'), entry.get('caption')
        if not isinstance(image, str) or not image or not isinstance(caption, str):
            raise RecordError(path, f'image {image!r} and caption {caption!r}', _LINE, record)
        phrases = entry.get('phrases')
        if phrases is not None:
            phrases = [_span(each, caption, path, record) for each in _as_list(phrases, path, record)]
        yield Pair(image, caption, phrases, record)


def _as_list(phrases: Any, path: str, record: str) -> Sequence[Any]:
    if not isinstance(phrases, list):
        raise RecordError(path, f'phrases {phrases!r}', _LINE, record)
    return phrases


def _span(span: Any, caption: str, path: str, record: str) -> Tuple[int, int]:
    is_pair = isinstance(span, list) and len(span) == 2 and all(type(each) is int for each in span)
    if not is_pair or not 0 <= span[0] < span[1] <= len(caption) or not caption[span[0] : span[1]].strip():
        expected = f'[start, end] with 0 <= start < end <= {len(caption)}, the length of the caption, and words between'
        raise RecordError(path, f'the phrase {span!r}', expected, record)
    return span[0], span[1]


def read_coco_captions(path: str) -> Iterator[Pair]:
    """Pairs of COCO's ``captions_*.json``.

    Raises:
        RecordError: a missing file, another layout, a caption of an unknown image.
    """
    content = read_json(path, _COCO)
    if not isinstance(content, dict) or not {'images', 'annotations'} <= set(content):
        raise RecordError(path, f'a JSON {type(content).__name__} of another layout', _COCO)
    try:
        images = {each['id']: each['file_name'] for each in content['images']}
        entries = [(each.get('id'), each['image_id'], each['caption']) for each in content['annotations']]
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(path, f'an entry without {error}', _COCO) from None
    for number, image, caption in entries:
        record = f'annotation {number}'
        if image not in images or not isinstance(caption, str):
            raise RecordError(
                path, f'the caption {caption!r} of image {image!r}', 'text of an image of the file', record
            )
        yield Pair(images[image], caption, None, record)


class CaptionedImage(NamedTuple):
    """An image of Karpathy's splits.

    Attributes:
        image: Path of the image: file path (of COCO) and file name.
        image_id: Its number in COCO, or in the file.
        split: One of :data:`SPLITS`.
        captions: As the file has them.
    """

    image: str
    image_id: int
    split: str
    captions: List[str]


def read_karpathy(path: str) -> List[CaptionedImage]:
    """Images of ``dataset_flickr30k.json`` or ``dataset_coco.json`` (Karpathy and Fei-Fei, CVPR 2015).

    Raises:
        RecordError: a missing file, another layout, an unknown split, a caption that is no string.
    """
    content = read_json(path, _KARPATHY)
    if not isinstance(content, dict) or not isinstance(content.get('images'), list):
        raise RecordError(path, f'a JSON {type(content).__name__} of another layout', _KARPATHY)
    found = []
    for number, entry in enumerate(content['images']):
        record = f'image {number}'
        try:
            name, split, captions = entry['filename'], entry['split'], [each['raw'] for each in entry['sentences']]
        except (KeyError, TypeError) as error:
            raise RecordError(path, f'an image without {error}', _KARPATHY, record) from None
        if split not in SPLITS:
            raise RecordError(path, f'split {split!r}', f'one of {SPLITS}', record)
        if not all(isinstance(each, str) for each in captions):
            raise RecordError(path, f'captions {captions!r}', 'strings', record)
        image = '/'.join(filter(None, [entry.get('filepath'), name]))
        found.append(CaptionedImage(image, int(entry.get('cocoid', entry.get('imgid', number))), split, captions))
    return found


def to_line(pair: Pair) -> Dict[str, Any]:
    """The line of a manifest for a pair."""
    line: Dict[str, Any] = dict(image=pair.image, caption=pair.caption)
    if pair.phrases is not None:
        line['phrases'] = [list(span) for span in pair.phrases]
    return line
