"""One way to speak of bad records: an error that names file and record, and a counter of skipped ones."""

import logging
from collections import Counter
from pathlib import Path
from typing import Any, Union

from mmengine.logging import print_log


class RecordError(ValueError):
    """A record of a data set that cannot be used.

    Args:
        file: The file that holds the record, or is it.
        found: What is there.
        expected: What should be there.
        record: Which record of the file: a line number, a key, an index.
    """

    def __init__(self, file: Union[str, Path], found: str, expected: str, record: Any = None) -> None:
        where = f'{file}' if record is None else f'{file}, record {record}'
        super().__init__(f'{where}: found {found}; expected {expected}')
        self.file, self.record, self.found, self.expected = str(file), record, found, expected

    def __reduce__(self) -> tuple:
        # Errors travel from loader workers to the main process as pickles.
        return type(self), (self.file, self.found, self.expected, self.record)


class SkipCounter:
    """Counts the records that were left out, by reason.

    Args:
        what: What the records are, for the messages: ``'images'``.
    """

    def __init__(self, what: str = 'records') -> None:
        self.what = what
        self.reasons: Counter = Counter()

    def add(self, reason: str) -> None:
        """Count one skipped record."""
        self.reasons[reason] += 1

    @property
    def total(self) -> int:
        """How many records were skipped."""
        return sum(self.reasons.values())

    def summary(self) -> str:
        """One line: how many, and why."""
        if not self.reasons:
            return f'no {self.what} skipped'
        parts = ', '.join(f'{count} {reason}' for reason, count in self.reasons.most_common())
        return f'{self.total} {self.what} skipped: {parts}'

    def log(self) -> None:
        """Write the closing line into the log, if anything was skipped."""
        if self.reasons:
            print_log(self.summary(), logger='current', level=logging.WARNING)
