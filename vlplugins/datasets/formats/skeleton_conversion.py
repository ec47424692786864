"""Folders of raw skeleton files to the pickle of mmaction2's ``PoseDataset``, with a report."""

import functools
import os
import pickle
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

from vlplugins.datasets.formats.ntu_skeleton import make_annotation, make_splits, parse_name, protocols_of
from vlplugins.utils.records import RecordError

# Clips of training and test that are usually reported, after the samples with missing skeletons are removed.
_KNOWN_COUNTS = {
    (60, 'xsub'): (40091, 16487),
    (60, 'xview'): (37646, 18932),
    (120, 'xsub'): (63026, 50919),
    (120, 'xset'): (54468, 59477),
}
_MAX_BAD_NAMES = 0.01


class ConversionReport:
    """What was read, kept and dropped, and why."""

    def __init__(self) -> None:
        self.read = 0
        self.dropped: Dict[str, List[str]] = {}
        self.lines: List[str] = []

    def drop(self, reason: str, name: str) -> None:
        """Note one dropped record."""
        self.dropped.setdefault(reason, []).append(name)

    def describe(self, data: Dict[str, Any]) -> None:
        """Count splits, classes and persons of the result."""
        annotations = data['annotations']
        self.lines += [f'split {name}: {len(names)} clips' for name, names in data['split'].items()]
        self.lines.append(f'classes: {len({each["label"] for each in annotations})}')
        persons = Counter(len(each['keypoint']) for each in annotations)
        self.lines.append('persons per clip: ' + ', '.join(f'{n}: {count}' for n, count in sorted(persons.items())))

    def __str__(self) -> str:
        kept = self.read - sum(map(len, self.dropped.values()))
        lines = [f'{self.read} clips read, {kept} kept']
        for reason, names in sorted(self.dropped.items()):
            lines.append(
                f'  {len(names)} dropped: {reason} ({", ".join(names[:3])}{", ..." if len(names) > 3 else ""})'
            )
        return '\n'.join(lines + self.lines)


def convert_ntu(
    folder: Union[str, Path],
    num_classes: int = 60,
    missing: Sequence[str] = (),
    dtype: str = 'float32',
    jobs: int = 1,
    progress: Optional[Callable[[Iterable], Iterable]] = None,
) -> Tuple[Dict[str, Any], ConversionReport]:
    """Convert the ``.skeleton`` files of a folder.

    Args:
        folder: Folder of the files.
        num_classes: 60 or 120; clips of further classes are dropped.
        missing: Names to leave out, as of the published lists.
        dtype: ``'float32'``, or ``'float16'`` for files of the size of mmaction2's (errors up to 1 mm).
        jobs: Processes.
        progress: Wraps the iteration over files, as ``tqdm`` does.

    Returns:
        ``dict(split, annotations)`` and the report.

    Raises:
        RecordError: no file, damaged ones, or more than 1 % of names of another pattern.
    """
    paths = sorted(Path(folder).glob('*.skeleton'))
    report = ConversionReport()
    report.read = len(paths)
    wanted = _wanted(paths, folder, num_classes, set(missing), report)
    convert = functools.partial(make_annotation, dtype=dtype)
    if jobs > 1:
        with ProcessPoolExecutor(jobs) as pool:
            results = pool.map(convert, wanted, chunksize=32)
            annotations = list((progress or iter)(results))
    else:
        annotations = [convert(path) for path in (progress or iter)(wanted)]
    for path, annotation in zip(wanted, annotations):
        if annotation is None:
            report.drop('nobody in any frame', path.stem)
    annotations = [each for each in annotations if each is not None]
    data = dict(split=make_splits([each['frame_dir'] for each in annotations], num_classes), annotations=annotations)
    report.describe(data)
    _compare_counts(data['split'], num_classes, report)
    return data, report


def _wanted(paths: List[Path], folder: Any, num_classes: int, missing: set, report: ConversionReport) -> List[Path]:
    if not paths:
        raise RecordError(folder, 'no .skeleton file', 'the folder of the raw files')
    wanted = []
    for path in paths:
        clip = parse_name(path)
        if clip is None:
            report.drop('name of another pattern than SsssCcccPpppRrrrAaaa', path.name)
        elif not 1 <= clip.action <= num_classes:
            report.drop(f'class beyond the first {num_classes}', path.stem)
        elif path.stem in missing:
            report.drop('listed as missing', path.stem)
        else:
            wanted.append(path)
    strange = [name for reason, names in report.dropped.items() if reason.startswith('name') for name in names]
    if len(strange) > _MAX_BAD_NAMES * len(paths):
        found = f'{len(strange)} of {len(paths)} names of another pattern, as {strange[0]}'
        raise RecordError(folder, found, 'names as S001C001P001R001A001.skeleton')
    return wanted


def _compare_counts(splits: Dict[str, List[str]], num_classes: int, report: ConversionReport) -> None:
    for protocol in protocols_of(num_classes):
        known = _KNOWN_COUNTS.get((num_classes, protocol))
        found = tuple(len(splits[f'{protocol}_{part}']) for part in ('train', 'val'))
        if known and found != known:
            report.lines.append(
                f'warning: {protocol} has {found} clips; the whole set is usually reported with {known}'
            )


def write_pickle(path: Union[str, Path], data: Dict[str, Any]) -> bool:
    """Write a pickle in one piece unless the file holds it already; returns whether it was written."""
    path, content = Path(path), pickle.dumps(data, protocol=4)
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    temporary.write_bytes(content)
    os.replace(temporary, path)
    return True
