"""Choose images of BDD100K by weather and time of day, in the layout of Pascal VOC.

Example:
  python tools/dataset_converters/bdd100k_to_weather.py data/bdd100k/bdd100k_labels_images_train.json \\
      data/bdd100k/images/train data/weather --ids data/weather_lists

The released lists of ids are not this rule, and some of their rain is rendered: with --ids the images of
DOMAIN.txt are taken instead, and without it the counts are shown beside those of the release. Images are linked.
A second run leaves the files as they are.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, List, Optional

from tqdm import tqdm

from vlplugins.datasets.formats.voc_files import write_voc_xml
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.records import RecordError, SkipCounter

CLASSES = ('bus', 'bike', 'car', 'motor', 'person', 'rider', 'truck')
# Time of day, weather, and images of the release.
DOMAINS = dict(
    daytime_sunny=('daytime', 'clear', 27708),
    dusk_rainy=('dawn/dusk', 'rainy', 3501),
    night_rainy=('night', 'rainy', 2494),
)
SIZE = (720, 1280)


def choose(records: List[dict], domain: str, ids: Optional[Path]) -> List[dict]:
    """Records of a domain: those of its list of ids, or by their attributes.

    Raises:
        RecordError: an id that the labels lack.
    """
    if ids is None:
        time, weather, _ = DOMAINS[domain]
        return [
            each
            for each in records
            if (each.get('attributes') or {}).get('timeofday') == time and each['attributes'].get('weather') == weather
        ]
    path = ids / f'{domain}.txt'
    by_id = {Path(each['name']).stem: each for each in records}
    wanted = path.read_text(encoding='utf-8').split()
    missing = [each for each in wanted if each not in by_id]
    if missing:
        raise RecordError(path, f'{len(missing)} ids without labels, first {missing[0]}', 'ids of the labels')
    return [by_id[each] for each in wanted]


def objects_of(record: Dict[str, Any], skipped: SkipCounter) -> list:
    """Class and box (1-based corners) of the objects of a record."""
    objects = []
    for label in record.get('labels') or []:
        box = label.get('box2d')
        if label.get('category') not in CLASSES or not box:
            skipped.add('of other categories')
            continue
        if not (box['x2'] > box['x1'] and box['y2'] > box['y1']):
            skipped.add('without area')
            continue
        objects.append((label['category'], tuple(box[key] + 1 for key in ('x1', 'y1', 'x2', 'y2'))))
    return objects


def write_domain(args: argparse.Namespace, records: List[dict], domain: str) -> None:
    """Write links, annotations and the list of ids of a domain, and say what was read."""
    root = args.out / domain / 'VOC2007'
    for part in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (root / part).mkdir(parents=True, exist_ok=True)
    skipped, boxes, ids = SkipCounter('objects'), 0, []
    for record in tqdm(choose(records, domain, args.ids), desc=domain, disable=None):
        image_id = Path(record['name']).stem
        image = (args.images / record['name']).resolve()
        if not image.is_file():
            raise RecordError(image, 'no such file', 'an image of BDD100K', image_id)
        link = root / 'JPEGImages' / f'{image_id}.jpg'
        if not link.exists():
            link.symlink_to(image)
        objects = objects_of(record, skipped)
        write_voc_xml(root / 'Annotations' / f'{image_id}.xml', f'{image_id}.jpg', SIZE, objects)
        boxes += len(objects)
        ids.append(image_id)
    (root / 'ImageSets/Main/train.txt').write_text('\n'.join(ids) + '\n', encoding='utf-8')
    print(f'{domain}: {len(ids)} images (release: {DOMAINS[domain][2]}), {boxes} boxes; {skipped.summary()}')


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('labels', type=Path, help='bdd100k_labels_images_*.json')
    parser.add_argument('images', type=Path, help='folder of its images')
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument('--ids', type=Path, help='folder with DOMAIN.txt, one id a line')
    parser.add_argument('--domains', nargs='+', choices=sorted(DOMAINS), default=list(DOMAINS), help='domains to write')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    try:
        records = json.loads(args.labels.read_text(encoding='utf-8'))
    except ValueError as error:
        raise RecordError(args.labels, f'damaged JSON ({error})', 'a list of labelled images') from None
    for domain in args.domains:
        write_domain(args, records, domain)


if __name__ == '__main__':
    main()
