"""Count what compositional splits hold, and what a model scores on them that reads no query.

Example: python tools/analysis/split_statistics.py data/charades_cg
For each split of the folder: videos, queries, mean lengths, tags of what is new (all and different ones); and R1@0.5,
R1@0.7 and mIoU of the best fixed segment for all queries, and of the whole video. Videos of training that a test has,
too, are an error; queries that two tests share are counted.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
from rich.console import Console
from rich.table import Table

from vlplugins.datasets.formats.compositional_annotations import SPLITS, CompositionalFile
from vlplugins.evaluation.functional.grounding import best_fixed_segment, grounding_scores
from vlplugins.evaluation.functional.temporal import pairwise_temporal_iou
from vlplugins.utils.cli import UsageError, friendly_errors

_SCORES = ('R1@0.5', 'R1@0.7', 'mIoU')


def count_row(file: CompositionalFile) -> List[str]:
    """Videos, queries, mean duration in seconds over videos, mean words of a query."""
    durations = {query['video_id']: query['duration'] for query in file.queries}
    words = [len(query['sentence'].split()) for query in file.queries]
    return [
        str(len(durations)),
        str(len(file.queries)),
        f'{np.mean(list(durations.values())):.2f}',
        f'{np.mean(words):.2f}',
    ]


def tags_of(file: CompositionalFile) -> Dict[str, List[tuple]]:
    """What is new in the queries of a file, by type."""
    found: Dict[str, List[tuple]] = {}
    for query in file.queries:
        for kind, items in query['novel'].items():
            found.setdefault(kind, []).extend(tuple(each) if isinstance(each, list) else (each,) for each in items)
    return found


def blind_rows(file: CompositionalFile) -> List[List[str]]:
    """Scores of the best fixed segment, which is named, and of the whole video."""
    truth = np.array([np.array(query['segment']) / query['duration'] for query in file.queries])
    (start, end), ious = best_fixed_segment(truth)
    whole = pairwise_temporal_iou(np.array([[0.0, 1.0]]), truth)[0]
    rows = []
    for name, overlaps in ((f'{start:.2f} to {end:.2f} of the video', ious), ('the whole video', whole)):
        scores = grounding_scores(list(overlaps[:, None]))
        rows.append([name, *(f'{scores[key]:.2f}' for key in _SCORES)])
    return rows


def check_videos(files: Dict[str, CompositionalFile]) -> List[str]:
    """How many sentences of videos two tests share.

    Raises:
        UsageError: a test has a video of training.
    """
    videos = {split: {query['video_id'] for query in file.queries} for split, file in files.items()}
    tests = [split for split in files if split != 'train']
    for split in tests:
        shared = sorted(videos.get('train', set()) & videos[split])
        if shared:
            raise UsageError(f'{split} has {len(shared)} videos of training, such as {shared[0]}')
    keys = {split: {(query['video_id'], query['sentence']) for query in files[split].queries} for split in tests}
    pairs = [(a, b) for index, a in enumerate(tests) for b in tests[index + 1 :]]
    return [f'{len(keys[a] & keys[b])} sentences of videos are in {a} and in {b}' for a, b in pairs]


def table_of(title: str, headings: List[str], rows: List[List[str]]) -> Table:
    """A table with a first column of names."""
    table = Table(title=title)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify='right' if number else 'left')
    for row in rows:
        table.add_row(*row)
    return table


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, help='folder of train.json, test_trivial.json, ...')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    paths = {split: args.folder / f'{split}.json' for split in SPLITS}
    files = {split: CompositionalFile(path, split != 'train') for split, path in paths.items() if path.is_file()}
    if not files:
        raise UsageError(f'{args.folder} has none of {", ".join(path.name for path in paths.values())}')
    console = Console(width=max(Console().width, 110))
    for file in files.values():
        console.print(file.summary(), highlight=False)
    rows = [[split, *count_row(file)] for split, file in files.items()]
    console.print(table_of('splits', ['split', 'videos', 'queries', 'mean duration, s', 'mean words'], rows))
    rows = []
    for split, file in files.items():
        for kind, items in sorted(tags_of(file).items()):
            once = sum(count == 1 for count in Counter(items).values())
            rows.append([split, kind, str(len(items)), str(len(set(items))), str(once)])
    if rows:
        console.print(table_of('what is new', ['split', 'type', 'tags', 'different ones', 'only once'], rows))
    rows = [[split, *row] for split, file in files.items() for row in blind_rows(file)]
    console.print(table_of('without reading the query', ['split', 'answer to all', *_SCORES], rows))
    for line in check_videos(files):
        console.print(line, highlight=False)


if __name__ == '__main__':
    main()
