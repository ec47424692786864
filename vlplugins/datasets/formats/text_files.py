"""Text, JSON and lists of ids, with errors that name the file."""

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple, Union

from vlplugins.utils.records import RecordError

PathLike = Union[str, Path]


def read_text(path: PathLike, expected: str) -> str:
    """Read a text file.

    Raises:
        RecordError: no such file, or one that is not UTF-8.
    """
    try:
        return Path(path).read_text(encoding='utf-8-sig')
    except OSError as error:
        raise RecordError(path, error.strerror or 'an unreadable file', expected) from None
    except UnicodeDecodeError:
        raise RecordError(path, 'a file that is not UTF-8 text', expected) from None


def read_json(path: PathLike, expected: str) -> Any:
    """Read a JSON file.

    Raises:
        RecordError: no such file, or no JSON; the message gives the line.
    """
    try:
        return json.loads(read_text(path, expected))
    except json.JSONDecodeError as error:
        raise RecordError(path, f'no JSON ({error.msg})', expected, f'line {error.lineno}') from None


def read_ids(path: PathLike) -> List[str]:
    """Ids of a list, one a line, or of a JSON list; repeated ones once."""
    if str(path).endswith('.json'):
        ids = read_json(path, 'a JSON list of ids')
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            raise RecordError(path, f'a JSON {type(ids).__name__}', 'a list of strings')
    else:
        ids = [line.strip() for line in read_text(path, 'ids, one a line').splitlines() if line.strip()]
    return list(dict.fromkeys(ids))


def read_json_lines(path: PathLike, expected: str) -> Iterator[Tuple[int, Dict[str, Any]]]:
    """Objects of a file with one JSON object a line, each with the number of its line; blank lines are left out.

    The file is read line by line.

    Raises:
        RecordError: no such file; a line that is no UTF-8, no JSON, or no object.
    """
    try:
        with open(path, encoding='utf-8-sig') as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _to_object(path, number, line, expected)
    except OSError as error:
        raise RecordError(path, error.strerror or 'an unreadable file', expected) from None
    except UnicodeDecodeError:
        raise RecordError(path, 'a file that is not UTF-8 text', expected) from None


def _to_object(path: PathLike, number: int, line: str, expected: str) -> Dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecordError(path, f'no JSON ({error.msg})', expected, f'line {number}') from None
    if not isinstance(record, dict):
        raise RecordError(path, f'a JSON {type(record).__name__}', expected, f'line {number}')
    return record
