"""Fixtures of all tests, and the share of the machine that each process of pytest-xdist has."""

import os

# Before anything imports torch: processes that each take all cores get in each other's way. Not in the process that
# starts the others: they would inherit what is right for one.
if 'PYTEST_XDIST_WORKER_COUNT' in os.environ:
    _CORES = os.cpu_count() // int(os.environ['PYTEST_XDIST_WORKER_COUNT'])
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, _CORES)))

# OpenCV before decord, whichever test file is the first: the other way round it decodes no PNG, as it then finds the
# zlib that decord brings along.
import cv2  # noqa: F401, E402
import pytest  # noqa: E402

from tests.helpers.runs import forget_runs  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh_state():
    """What a runner leaves behind: a log to the streams of its own test, and the scope of its config."""
    yield
    forget_runs()


@pytest.fixture(scope='module')
def shared_folder(tmp_path_factory):
    """A folder for the configs that a test file trains: the sets that they write are shared."""
    return tmp_path_factory.mktemp('shared')


@pytest.fixture
def inside_shared_folder(shared_folder, monkeypatch):
    """Work in that folder."""
    monkeypatch.chdir(shared_folder)
