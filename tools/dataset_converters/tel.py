"""Convert the released annotations of Temporal Emotion Localization, and report what is in them.

Example: python tools/dataset_converters/tel.py --train data/tel/train.json --test data/tel/test.json --out data/tel \\
             --validate
Writes tel_train.json and tel_test.json: {"metainfo": {...}, "data_list": [{"video_id", "imdb", "times", "subtitles",
"clean_subtitles", "labels", "label_counts", "segments"}]}, which TELDataset reads as it reads the released files. A
second run with the same input leaves them alone.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, List, Optional

from rich.console import Console
from rich.table import Table

from vlplugins.datasets.formats.subtitles import clean_subtitle
from vlplugins.datasets.formats.tel_annotations import REPOSITORY, TELFile
from vlplugins.datasets.formats.tel_emotion_words import TEL_CLASSES
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.files import write_if_changed

# Of the released files, as a check: movies, clips, lines, pairs of clip and emotion.
RELEASED = dict(train=(38, 3561, 48908, 11655), test=(13, 1010, 13224, 3003))


def to_entry(clip: Dict[str, Any]) -> Dict[str, Any]:
    """A clip of :class:`TELFile` as JSON holds it."""
    entry = {key: clip[key] for key in ('video_id', 'imdb', 'subtitles', 'labels', 'label_counts')}
    entry['times'] = [[round(float(each), 3) for each in pair] for pair in clip['times']]
    entry['clean_subtitles'] = [clean_subtitle(line) for line in clip['subtitles']]
    if clip['segments'] is not None:
        entry['segments'] = {TEL_CLASSES[label]: lines for label, lines in clip['segments'].items()}
    return entry


def convert(path: str, split: str, out: Path, validate: bool) -> TELFile:
    """Convert one file; returns it."""
    file = TELFile(path, with_segments=split == 'test', check_times=validate)
    metainfo = dict(dataset='TEL', split=split, classes=list(TEL_CLASSES), source=REPOSITORY)
    content = dict(metainfo=metainfo, data_list=[to_entry(clip) for clip in file.clips])
    target = out / f'tel_{split}.json'
    is_written = write_if_changed(target, json.dumps(content, ensure_ascii=False) + '\n')
    print(file.summary())
    print(f'{target} {"written" if is_written else "is up to date"}')
    found = tuple(file.report[key] for key in ('movies', 'clips', 'lines', 'pairs of clip and emotion'))
    if found != RELEASED[split]:
        print(f'note: the released {split}.json has {RELEASED[split]} movies, clips, lines, pairs; this one {found}')
    return file


def count_table(files: Dict[str, TELFile]) -> Table:
    """Clips of each class and split."""
    table = Table(title='clips of each emotion')
    for heading in ('emotion', *files):
        table.add_column(heading, justify='left' if heading == 'emotion' else 'right')
    for label, name in enumerate(TEL_CLASSES):
        counts = [sum(label in clip['labels'] for clip in file.clips) for file in files.values()]
        table.add_row(name, *map(str, counts))
    return table


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--train', help='the released train.json')
    parser.add_argument('--test', help='the released test.json')
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument(
        '--validate', action='store_true', help='compare the times that emotions repeat with their lines'
    )
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    given = {split: path for split, path in dict(train=args.train, test=args.test).items() if path}
    if not given:
        raise UsageError('give --train, --test, or both')
    files = {split: convert(path, split, args.out, args.validate) for split, path in given.items()}
    Console().print(count_table(files))


if __name__ == '__main__':
    main()
