"""Write a manifest of images with captions from Conceptual Captions, COCO captions or Karpathy's splits.

Example: python tools/dataset_converters/image_text_to_vlplugins.py Train_GCC-training.tsv data/cc3m/train.jsonl \\
             --format tsv --images data/cc3m/images --chunker rules

``tsv``: lines ``caption<TAB>url``; the image of line N (from 0) is the file of the folder whose name is that number,
with any zeros before it. ``coco``: ``captions_*.json``. ``karpathy``: ``dataset_*.json``, its training images. Small,
long and missing images, blank and repeated captions, and those mostly not in Latin letters are left out and counted.
"""

import argparse
import json
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Optional

import cv2
from tqdm import tqdm

from vlplugins.datasets.formats.image_text_annotations import Pair, read_coco_captions, read_karpathy, to_line
from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS, read_image
from vlplugins.datasets.formats.text_files import read_text
from vlplugins.registry import TASK_UTILS
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.files import write_if_changed
from vlplugins.utils.records import RecordError, SkipCounter

_CHUNKERS = dict(
    none=None,
    rules=dict(type='RuleNounPhraseChunker', attach_pp=('in', 'with', 'of')),
    spacy=dict(type='SpacyNounPhraseChunker'),
)


def read_tsv(path: str, images: Path) -> Iterator[Pair]:
    """Pairs of lines ``caption<TAB>url``; those without a file have an image of no name.

    Raises:
        RecordError: a line of another form.
    """
    files = {int(each.stem): each for each in images.rglob('*') if _is_numbered_image(each)}
    for number, line in enumerate(read_text(path, 'lines caption<TAB>url').splitlines()):
        parts = line.split('\t')
        if len(parts) != 2:
            raise RecordError(path, f'{len(parts)} fields', 'caption<TAB>url', f'line {number + 1}')
        name = str(files[number].relative_to(images)) if number in files else ''
        yield Pair(name, parts[0], None, f'line {number + 1}')


def _is_numbered_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_EXTENSIONS and path.stem.isdigit()


def read_pairs(source: str, kind: str, images: Path) -> Iterable[Pair]:
    """Pairs of a file of a format."""
    if kind == 'tsv':
        return read_tsv(source, images)
    if kind == 'coco':
        return read_coco_captions(source)
    trained = [each for each in read_karpathy(source) if each.split in ('train', 'restval')]
    return (Pair(each.image, text, None, f'image {each.image_id}') for each in trained for text in each.captions)


def keep_pairs(
    pairs: Iterable[Pair], images: Path, skipped: SkipCounter, min_side: int, max_aspect: float
) -> Iterator[Pair]:
    """Those that the filters keep; the others are counted."""
    sizes: Dict[str, Optional[tuple]] = {}
    seen = set()
    for pair in pairs:
        caption = ' '.join(pair.caption.split())
        reason = _wrong_caption(caption, seen)
        if reason is None:
            if pair.image not in sizes:
                sizes[pair.image] = _size(images / pair.image) if pair.image else None
            reason = _wrong_size(sizes[pair.image], min_side, max_aspect)
        if reason is not None:
            skipped.add(reason)
            continue
        seen.add(caption.lower())
        yield pair._replace(caption=caption)


def _wrong_caption(caption: str, seen: set) -> Optional[str]:
    if not caption:
        return 'with a blank caption'
    letters = [each for each in caption if each.isalpha()]
    if sum(each.isascii() for each in letters) < 0.9 * len(letters) or not letters:
        return 'in another script'
    return 'with a repeated caption' if caption.lower() in seen else None


def _size(path: Path) -> Optional[tuple]:
    try:
        return read_image(path).shape[:2]
    except RecordError:
        return None


def _wrong_size(size: Optional[tuple], min_side: int, max_aspect: float) -> Optional[str]:
    if size is None:
        return 'without a readable image'
    if min(size) < min_side:
        return f'with a side below {min_side} pixels'
    return f'of an aspect above {max_aspect:g}' if max(size) > max_aspect * min(size) else None


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='file of captions')
    parser.add_argument('out', help='manifest to write (.jsonl)')
    parser.add_argument('--format', choices=['tsv', 'coco', 'karpathy'], required=True, help='format of the source')
    parser.add_argument('--images', type=Path, required=True, help='folder of the images')
    parser.add_argument('--chunker', choices=sorted(_CHUNKERS), default='none', help='what finds phrases')
    parser.add_argument('--min-side', type=int, default=200, help='fewest pixels on a side (default: 200)')
    parser.add_argument('--max-aspect', type=float, default=3.0, help='most times longer than wide (default: 3)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    if not args.images.is_dir():
        raise UsageError(f'no such folder: {args.images}')
    cv2.setNumThreads(1)
    skipped = SkipCounter('pairs')
    pairs = tqdm(read_pairs(args.source, args.format, args.images), desc='reading', unit='pair')
    cfg = _CHUNKERS[args.chunker]
    chunker: Optional[Callable] = None if cfg is None else TASK_UTILS.build(dict(cfg))
    kept = list(keep_pairs(pairs, args.images, skipped, args.min_side, args.max_aspect))
    if chunker is not None:
        kept = [pair._replace(phrases=chunker(pair.caption)) for pair in kept]
    if not kept:
        raise UsageError(f'{args.source}: no pair is left ({skipped.summary()}); nothing written')
    lines = [json.dumps(to_line(pair), ensure_ascii=False) for pair in kept]
    is_written = write_if_changed(args.out, '\n'.join(lines) + '\n')
    phrases = sum(len(pair.phrases or ()) for pair in kept)
    print(f'{len(kept) + skipped.total} pairs read, {len(kept)} kept with {phrases} phrases; {skipped.summary()}')
    print(f'{args.out} {"written" if is_written else "is up to date"}')


if __name__ == '__main__':
    main()
