"""An index of the sequences of a large tracking set, so that a run need not open each of them to begin."""

import json
import sys
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Union

from mmengine.dist import barrier, is_main_process
from tqdm import tqdm

from vlplugins.utils.records import RecordError

_HEADER = dict(format='sequences of a tracking set', version=1)


class SequenceEntry(NamedTuple):
    """What is to be known of a sequence before it is opened.

    Attributes:
        name: Its name, or path below the root of the set.
        length: Frames.
        width: Width of the frames in pixels.
        height: Height of the frames in pixels.
        visible: Frames in which the target is to be seen; of a test whose truth is not public, 1.
    """

    name: str
    length: int
    width: int
    height: int
    visible: int


def read_index(path: Union[str, Path]) -> Dict[str, SequenceEntry]:
    """Entries by name of an index; a last line that was not finished is left out.

    Raises:
        RecordError: no index, or a line that is no entry.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8').split('\n')
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(path, getattr(error, 'strerror', None) or str(error), 'an index of sequences') from None
    entries: Dict[str, SequenceEntry] = {}
    # What comes behind the last end of a line is not finished.
    for number, line in enumerate(lines[:-1], start=1):
        try:
            content = json.loads(line)
            if number == 1:
                is_sound = content == _HEADER
            else:
                name, *numbers = content
                is_sound = isinstance(name, str) and len(numbers) == 4 and all(type(each) is int for each in numbers)
                entries[name] = SequenceEntry(name, *numbers)
        except (TypeError, ValueError):
            is_sound = False
        if not is_sound:
            expected = json.dumps(_HEADER) if number == 1 else '[name, length, width, height, visible]'
            raise RecordError(path, f'{line[:60]!r}', f'{expected}; remove the file to have it made anew', number)
    return entries


def index_sequences(
    names: Sequence[str],
    describe: Callable[[str], SequenceEntry],
    path: Optional[Union[str, Path]] = None,
) -> List[SequenceEntry]:
    """Entries of sequences, from the index where it has them, else by opening the sequence.

    What is found is appended to the index at once, so that a run which was stopped goes on where it was. Of several
    processes one writes, the others wait.

    Args:
        names: Names of the sequences.
        describe: Opens a sequence and returns its entry.
        path: The index; by default nothing is kept.

    Raises:
        RecordError: a damaged index, or what ``describe`` raises.
    """
    if path is None:
        return [describe(name) for name in names]
    try:
        if is_main_process():
            _complete(names, describe, Path(path))
    finally:
        barrier()
    known = read_index(path)
    return [known[name] for name in names]


def _complete(names: Sequence[str], describe: Callable[[str], SequenceEntry], path: Path) -> None:
    has_header = path.is_file() and '\n' in path.read_text(encoding='utf-8')
    known = read_index(path) if has_header else {}
    missing = [name for name in dict.fromkeys(names) if name not in known]
    if not missing:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if has_header:
        _cut_unfinished(path)
    with open(path, 'a' if has_header else 'w', encoding='utf-8') as file:
        if not has_header:
            file.write(json.dumps(_HEADER) + '\n')
        for name in tqdm(missing, desc=f'indexing {path.name}', file=sys.stdout, disable=len(missing) < 50):
            file.write(json.dumps(list(describe(name))) + '\n')
            file.flush()


def _cut_unfinished(path: Path) -> None:
    content = path.read_bytes()
    end = content.rfind(b'\n') + 1
    if end < len(content):
        with open(path, 'r+b') as file:
            file.truncate(end)
