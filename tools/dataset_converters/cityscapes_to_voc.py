"""Convert Cityscapes, and Foggy Cityscapes, to the layout of Pascal VOC for domain adaptation.

Examples:
  python tools/dataset_converters/cityscapes_to_voc.py data/cityscapes data/cityscapes_voc/clear
  python tools/dataset_converters/cityscapes_to_voc.py data/cityscapes data/cityscapes_voc/foggy --beta 0.02

Reads gtFine/SPLIT/CITY/*_gtFine_polygons.json and, without --beta, leftImg8bit/SPLIT/CITY/*_leftImg8bit.png, with it
leftImg8bit_foggy/SPLIT/CITY/*_leftImg8bit_foggy_beta_BETA.png. Boxes are those around the polygons, clipped to the
image. A second run with the same input leaves the files as they are.
"""

import argparse
import json
from pathlib import Path
from typing import List, Optional, Tuple

import cv2
from tqdm import tqdm

from vlplugins.datasets.formats.voc_files import write_voc_xml
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.records import RecordError, SkipCounter

CLASSES = ('bus', 'bicycle', 'car', 'motorcycle', 'person', 'rider', 'train', 'truck')
Objects = List[Tuple[str, Tuple[float, float, float, float]]]


def read_boxes(path: Path, skipped: SkipCounter) -> Tuple[Tuple[int, int], Objects]:
    """Size ``(height, width)`` of an image, and class and box (1-based corners) of its objects.

    Raises:
        RecordError: no JSON of polygons.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        height, width = int(content['imgHeight']), int(content['imgWidth'])
        found = [(each['label'], each['polygon']) for each in content['objects']]
    except (ValueError, KeyError, TypeError) as error:
        raise RecordError(path, f'{type(error).__name__} {error}', 'imgHeight, imgWidth and objects') from None
    objects: Objects = []
    for label, polygon in found:
        if label not in CLASSES:
            skipped.add('of other labels')
            continue
        xs, ys = zip(*polygon)
        left, right = (min(max(value, 0), width - 1) for value in (min(xs), max(xs)))
        top, bottom = (min(max(value, 0), height - 1) for value in (min(ys), max(ys)))
        if right <= left or bottom <= top:
            skipped.add('without area')
            continue
        objects.append((label, (round(left) + 1, round(top) + 1, round(right) + 1, round(bottom) + 1)))
    return (height, width), objects


def convert_split(args: argparse.Namespace, split: str) -> None:
    """Write images, annotations and the list of ids of one split.

    Raises:
        UsageError: no annotations.
        RecordError: a missing or damaged image.
    """
    paths = sorted((args.root / 'gtFine' / split).glob('*/*_gtFine_polygons.json'))
    if not paths:
        raise UsageError(f'{args.root}/gtFine/{split} holds no CITY/*_gtFine_polygons.json')
    skipped, boxes, ids = SkipCounter('objects'), 0, []
    folder, suffix = ('leftImg8bit', 'leftImg8bit')
    if args.beta:
        folder, suffix = 'leftImg8bit_foggy', f'leftImg8bit_foggy_beta_{args.beta}'
    for path in tqdm(paths, desc=split, disable=None):
        frame = path.name.replace('_gtFine_polygons.json', '')
        image_path = args.root / folder / split / path.parent.name / f'{frame}_{suffix}.png'
        size, objects = read_boxes(path, skipped)
        _write_image(image_path, args.out / 'JPEGImages' / f'{frame}.jpg', args.quality)
        write_voc_xml(args.out / 'Annotations' / f'{frame}.xml', f'{frame}.jpg', size, objects)
        boxes += len(objects)
        ids.append(frame)
    (args.out / 'ImageSets/Main' / f'{split}.txt').write_text('\n'.join(ids) + '\n', encoding='utf-8')
    print(f'{split}: {len(ids)} images, {boxes} boxes; {skipped.summary()}')


def _write_image(source: Path, target: Path, quality: int) -> None:
    if target.is_file():
        return
    image = cv2.imread(str(source))
    if image is None:
        raise RecordError(source, 'no image that can be read', 'a PNG of Cityscapes')
    temporary = target.with_name(f'.{target.name}.part.jpg')
    cv2.imwrite(str(temporary), image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    temporary.replace(target)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='folder with gtFine and leftImg8bit, or leftImg8bit_foggy')
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument('--splits', nargs='+', default=['train', 'val'], help='splits (default: train val)')
    parser.add_argument('--beta', choices=['0.005', '0.01', '0.02'], help='density of the fog; without it, none')
    parser.add_argument('--quality', type=int, default=95, help='quality of the JPEG images (default: 95)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    for part in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (args.out / part).mkdir(parents=True, exist_ok=True)
    for split in args.splits:
        convert_split(args, split)


if __name__ == '__main__':
    main()
