"""Check the annotations of VIOLIN, convert those of later work, and write the features of frames as a file a clip.

Example: python tools/dataset_converters/violin.py data/raw/violin_annotation.json --out data/violin \
             --video-h5 data/raw/all_res101_pool5_feat.h5 --video-name resnet101
Also takes the lines of later work, {"vid_name", "desc_id": "<clip>-<pair>-<0|1>", "desc", "split"} with the subtitles
{"vid_name", "sub": [{"text", "start", "end"}]} in --subtitles, and writes them with --to-jsonl. A second run with the
same input leaves the files alone. Features that are there are kept.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from rich.console import Console
from rich.table import Table

from vlplugins.datasets.formats.text_files import read_json_lines
from vlplugins.datasets.formats.violin_annotations import PAIRS, SPLITS, ViolinFile, key_of
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.files import write_if_changed
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError

# Of the released file, as a check: clips of each split, and of each show.
RELEASED = dict(train=12687, validate=1600, test=1600)
_STATEMENTS = '{"vid_name", "desc_id": "<clip>-<pair>-<0|1>", "desc"} a line'
_SUBTITLES = '{"vid_name", "sub"} a line'
_ARRAYS = ('resnet_features', 'c3d_features')


def from_json_lines(paths: List[str], subtitles: str, split: str) -> Dict[str, Any]:
    """The released layout from the lines of later work.

    Raises:
        RecordError: a line that is none or lacks a field, a key without pair and polarity, a label that contradicts
            it, or a clip without subtitles.
    """
    lines = {}
    for number, record in read_json_lines(subtitles, _SUBTITLES):
        name, lines_of_clip = (_field(record, subtitles, number, _SUBTITLES, key) for key in ('vid_name', 'sub'))
        lines[name] = lines_of_clip
    found: Dict[str, Any] = {}
    for path in paths:
        for number, record in read_json_lines(path, _STATEMENTS):
            name = _field(record, path, number, _STATEMENTS, 'vid_name')
            text = _field(record, path, number, _STATEMENTS, 'desc', 'statement')
            pair, polarity = _place(record, path, number)
            if name not in lines:
                raise RecordError(subtitles, 'no subtitles', 'those of every clip', name)
            clip = found.setdefault(name, dict(file=name, split=record.get('split', split), sub=lines[name],
                                               statement=[['', ''] for _ in range(PAIRS)]))  # fmt: skip
            clip['statement'][pair][polarity] = text
    return found


def _field(record: Dict[str, Any], path: str, number: int, expected: str, *names: str) -> Any:
    """The first of these fields that a line has."""
    for name in names:
        if name in record:
            return record[name]
    raise RecordError(path, f'{sorted(record)} without {names[0]!r}', expected, f'line {number}')


def _place(record: Dict[str, Any], path: str, number: int) -> Tuple[int, int]:
    """Pair and polarity of a line, by its key."""
    key = str(_field(record, path, number, _STATEMENTS, 'desc_id', 'example_id'))
    pair, polarity = key.split('-')[-2:] if key.count('-') >= 2 else ('', '')
    if pair not in ('0', '1', '2') or polarity not in ('0', '1'):
        raise RecordError(path, f'the key {key!r}', '<clip>-<pair from 0 to 2>-<0|1>', f'line {number}')
    label = record.get('label', record.get('answer'))
    if label is not None and bool(label) is not (polarity == '0'):
        raise RecordError(path, f'the label {label!r} of {key!r}', 'true where the key ends in 0', f'line {number}')
    return int(pair), int(polarity)


def to_json_lines(file: ViolinFile, out: Path) -> None:
    """Write the statements of each split, and all subtitles, as the lines of later work."""
    for split in SPLITS:
        rows = [
            dict(vid_name=clip['clip_id'], desc_id=key_of(clip['clip_id'], pair, polarity), desc=text,
                 label=polarity == 0, split=split)
            for clip in file.clips if clip['split'] == split
            for pair, texts in enumerate(clip['statements']) for polarity, text in enumerate(texts)
        ]  # fmt: skip
        write_if_changed(out / f'violin_{split}.jsonl', ''.join(f'{json.dumps(row)}\n' for row in rows))
    subtitles = [
        dict(vid_name=clip['clip_id'], sub=[dict(text=text, start=round(float(s), 3), end=round(float(e), 3))
                                            for text, (s, e) in zip(clip['lines'], clip['times'])])
        for clip in file.clips
    ]  # fmt: skip
    write_if_changed(out / 'violin_subtitles.jsonl', ''.join(f'{json.dumps(row)}\n' for row in subtitles))


def write_features(path: str, file: ViolinFile, out: Path) -> Counter:
    """Write the features of the frames of each clip from an HDF5 file; returns counts."""
    counts: Counter = Counter()
    out.mkdir(parents=True, exist_ok=True)
    with require('h5py', 'the converter of features').File(path, 'r') as content:
        for clip in file.clips:
            name, target = clip['clip_id'], out / f'{clip["clip_id"]}.npy'
            if target.is_file():
                counts['kept'] += 1
                continue
            if name not in content:
                counts['missing'] += 1
                continue
            group = content[name]
            array = next((group[key] for key in _ARRAYS if hasattr(group, 'keys') and key in group), group)
            values = np.asarray(array, dtype=np.float32)
            if values.ndim != 2 or not len(values) or not np.isfinite(values).all():
                raise RecordError(path, f'features {values.shape}', 'finite features [T, D]', name)
            temporary = target.with_suffix('.part')
            with open(temporary, 'wb') as part:
                np.save(part, values)
            temporary.rename(target)
            counts['written'] += 1
    return counts


def count_table(file: ViolinFile) -> Table:
    """Clips of each show and split."""
    table = Table(title='clips of each show')
    for heading in ('show', *SPLITS):
        table.add_column(heading, justify='left' if heading == 'show' else 'right')
    counts = Counter((clip['source'], clip['split']) for clip in file.clips)
    for show in sorted({show for show, _ in counts}):
        table.add_row(show, *(f'{counts[show, split]:,}' for split in SPLITS))
    return table


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('annotations', nargs='+', help='violin_annotation.json, or files of JSON lines of statements')
    parser.add_argument('--subtitles', help='JSON lines of subtitles, beside JSON lines of statements')
    parser.add_argument('--split', default='train', choices=SPLITS, help='of JSON lines that do not tell it (train)')
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument('--to-jsonl', action='store_true', help='also write the JSON lines of later work')
    parser.add_argument('--video-h5', help='HDF5 file of the features of frames')
    parser.add_argument('--video-name', default='video', help='folder of the features, below features/ (video)')
    parser.add_argument('--drop-bad', action='store_true', help='leave out, and count, clips without three pairs')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    source = args.annotations[0]
    if args.subtitles:
        source = str(args.out / 'violin_annotation.json')
        content = from_json_lines(args.annotations, args.subtitles, args.split)
        write_if_changed(source, json.dumps(content, ensure_ascii=False) + '\n')
    file = ViolinFile(source, strict=not args.drop_bad)
    if not args.subtitles:
        write_if_changed(args.out / 'violin_annotation.json', _as_released(file))
    print(file.summary())
    Console().print(count_table(file))
    counts = Counter(clip['split'] for clip in file.clips)
    if dict(counts) != RELEASED:
        print(f'note: the released file has {RELEASED} clips; this one {dict(counts)}')
    if args.to_jsonl:
        to_json_lines(file, args.out)
    if args.video_h5:
        found = write_features(args.video_h5, file, args.out / 'features' / args.video_name)
        print(f'features: {", ".join(f"{count} {what}" for what, count in found.items())}')


def _as_released(file: ViolinFile) -> str:
    """What was read, mended, in the released layout."""
    content = {
        clip['clip_id']: dict(
            file=clip['clip_id'], source=clip['source'], span=[0.0, round(clip['duration'], 3)], split=clip['split'],
            sub=[[text, *(None if np.isnan(each) else round(float(each), 3) for each in times)]
                 for text, times in zip(clip['lines'], clip['times'])],
            statement=[list(pair) for pair in clip['statements']],
        )
        for clip in file.clips
    }  # fmt: skip
    return json.dumps(content, ensure_ascii=False) + '\n'


if __name__ == '__main__':
    main()
