"""Build compositional splits (training, trivial, novel composition, novel word) of any set of videos and sentences.

Example: python tools/dataset_converters/build_compositional_split.py data/mine/all.json --out data/mine/cg --seed 0
The input is {video: {"sentences": [...], "timestamps": [[start, end], ...], "duration": seconds}}; several files are
joined. Writes train.json, test_trivial.json, novel_composition.json and novel_word.json in the format of Charades-CG,
which CompositionalGroundingDataset reads. The same seed gives the same files. Needs spaCy.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, List, Optional

from rich.console import Console
from rich.table import Table

from vlplugins.datasets.formats.compositional_annotations import CompositionalFile
from vlplugins.datasets.formats.compositional_split import ParsedSentence, SplitOptions, Splits, build_splits
from vlplugins.datasets.sentence_graph import COMPOSITION_TYPES, SpacySentenceParser, compositions_of, words_of
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.files import write_if_changed


def read_all(paths: List[str]) -> Dict[str, Dict[str, Any]]:
    """Videos of all files with what is usable of them."""
    videos: Dict[str, Dict[str, Any]] = {}
    for path in paths:
        file = CompositionalFile(path)
        print(file.summary())
        for query in file.queries:
            new = dict(sentences=[], timestamps=[], duration=query['duration'])
            record = videos.setdefault(query['video_id'], new)
            record['sentences'].append(query['sentence'])
            record['timestamps'].append(list(query['segment']))
    return videos


def parse_all(videos: Dict[str, Dict[str, Any]], include_subject: bool) -> Dict[str, List[ParsedSentence]]:
    """Words and compositions of every sentence."""
    sentences = [sentence for record in videos.values() for sentence in record['sentences']]
    documents = iter(SpacySentenceParser().parse(sentences))
    found = (ParsedSentence(words_of(each), compositions_of(each, include_subject)) for each in documents)
    return {video: [next(found) for _ in record['sentences']] for video, record in videos.items()}


def write(splits: Splits, out: Path) -> None:
    """Write the four files; what is the same already is left alone."""
    for split, videos in splits.annotations.items():
        plain = {video: {k: v for k, v in record.items() if k != 'numbers'} for video, record in videos.items()}
        path = out / f'{split}.json'
        is_written = write_if_changed(path, json.dumps(plain, ensure_ascii=False) + '\n')
        print(f'{path} {"written" if is_written else "is up to date"}')


def count_table(splits: Splits) -> Table:
    """Videos, queries, and mean lengths of each split."""
    table = Table(title='compositional splits')
    for heading in ('split', 'videos', 'queries', 'mean duration, s', 'mean words'):
        table.add_column(heading, justify='left' if heading == 'split' else 'right')
    for split, videos in splits.annotations.items():
        lengths = [len(text.split()) for record in videos.values() for text in record['sentences']]
        duration = sum(record['duration'] for record in videos.values()) / max(len(videos), 1)
        words = sum(lengths) / max(len(lengths), 1)
        table.add_row(split, str(len(videos)), str(len(lengths)), f'{duration:.2f}', f'{words:.2f}')
    return table


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('annotations', nargs='+', help='files of the input format')
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument('--num-words', type=int, default=5, help='words that are held out')
    parser.add_argument('--num-compositions', type=int, default=20, help='compositions that are held out')
    parser.add_argument('--min-frequency', type=int, default=5, help='fewest sentences of what is held out')
    parser.add_argument('--max-frequency', type=int, default=100, help='most sentences of what is held out')
    parser.add_argument('--no-rare', action='store_true', help='do not hold out what is in one sentence alone')
    parser.add_argument('--types', nargs='+', choices=COMPOSITION_TYPES, default=list(COMPOSITION_TYPES))
    parser.add_argument('--max-test-fraction', type=float, default=0.45, help='most of the videos for the tests')
    parser.add_argument('--include-subject', action='store_true', help='count a verb and its subject, too')
    parser.add_argument('--allow-overlap', action='store_true', help='a sentence may be in both novel splits')
    parser.add_argument('--seed', type=int, default=0, help='seed of the random choices')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    names = ('num_words', 'num_compositions', 'min_frequency', 'max_frequency', 'max_test_fraction')
    shared = {name: getattr(args, name) for name in (*names, 'types', 'allow_overlap', 'seed')}
    videos = read_all(args.annotations)
    splits = build_splits(
        videos, parse_all(videos, args.include_subject), SplitOptions(**shared, rare=not args.no_rare)
    )
    write(splits, args.out)
    Console().print(count_table(splits))
    for name, count in splits.report.items():
        print(f'{count} {name}')


if __name__ == '__main__':
    main()
