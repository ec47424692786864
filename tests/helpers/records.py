"""Bad records: what is refused, and that the message says all that one needs to mend the file."""

from contextlib import contextmanager
from typing import Iterator

import pytest

from vlplugins.utils.records import RecordError


@contextmanager
def refused(match: str = '') -> Iterator[pytest.ExceptionInfo]:
    """Expects a ``RecordError`` whose message matches, and which names a file, what was found and what was expected."""
    with pytest.raises(RecordError, match=match) as caught:
        yield caught
    error = caught.value
    assert error.file not in ('', 'None') and error.found and error.expected, error
