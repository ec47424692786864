"""Fixtures of all tests."""

import pytest
from mmengine.logging import MessageHub, MMLogger


@pytest.fixture(autouse=True)
def _fresh_logs():
    """A runner's log writes to the streams of its own test, which pytest closes after it."""
    yield
    MMLogger._instance_dict.clear()
    MessageHub._instance_dict.clear()
