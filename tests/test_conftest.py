"""What the fixtures of all tests take for granted."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_TEST = """
import os
from pathlib import Path


def test_threads():
    Path(__file__).with_name(os.environ['PYTEST_XDIST_WORKER']).write_text(os.environ['OMP_NUM_THREADS'])
"""


def test_processes_share_the_cores(tmp_path):
    """With all cores for each, threads wait for each other, and small operations take a hundred times as long."""
    (tmp_path / 'test_threads.py').write_text(_TEST)
    asked = '-m pytest -n 2 --dist each -p tests.conftest -p no:cacheprovider'.split()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(('PYTEST_', 'OMP_'))}
    environment['PYTHONPATH'] = str(ROOT)
    subprocess.run([sys.executable, *asked, 'test_threads.py'], cwd=tmp_path, env=environment, check=True)
    share = str(max(1, os.cpu_count() // 2))
    assert [(tmp_path / name).read_text() for name in ('gw0', 'gw1')] == [share, share]
