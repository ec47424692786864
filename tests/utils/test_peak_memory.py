import sys

import pytest
import torch

from vlplugins.utils.peak_memory import peak_bytes, peak_bytes_of_process

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='the peak of a process is read from /proc')
MEBIBYTE = 2**20


def fill(mebibytes):
    """Peak while so much memory is held, and half of it again beside it, and after all of it is freed."""

    def work():
        first = torch.ones(mebibytes * MEBIBYTE // 4)
        del first
        held = torch.ones(mebibytes * MEBIBYTE // 4)
        beside = torch.ones(mebibytes * MEBIBYTE // 8)
        del held, beside

    return peak_bytes(work)


def test_peak_is_the_largest_memory_at_one_time():
    peak = peak_bytes_of_process(fill, 64)
    assert peak == pytest.approx(96 * MEBIBYTE, rel=0.1)
