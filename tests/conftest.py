"""Fixtures of all tests."""

# OpenCV before decord, whichever test file is the first: the other way round it decodes no PNG, as it then finds the
# zlib that decord brings along.
import cv2  # noqa: F401
import pytest
from mmengine.logging import MessageHub, MMLogger


@pytest.fixture(autouse=True)
def _fresh_logs():
    """A runner's log writes to the streams of its own test, which pytest closes after it."""
    yield
    MMLogger._instance_dict.clear()
    MessageHub._instance_dict.clear()
