import time

import pytest

from vlplugins.utils.timing import Ratio, median_seconds, ratio_table


def test_the_median_is_of_the_rounds_after_the_warm_up(monkeypatch):
    """A clock that the functions move on: 1, 2, ... seconds for one, always 10 for the other."""
    clock = [0.0]
    monkeypatch.setattr(time, 'perf_counter', lambda: clock[0])
    calls = []

    def growing():
        calls.append('growing')
        clock[0] += calls.count('growing')

    def constant():
        calls.append('constant')
        clock[0] += 10

    # growing takes 1, 2 (warm-up), then 3, 4, 5
    assert median_seconds(dict(growing=growing, constant=constant), rounds=3, warm_up=2) == dict(growing=4, constant=10)
    assert calls == ['growing', 'constant'] * 5


def test_no_round_is_refused():
    with pytest.raises(ValueError, match='rounds 0'):
        median_seconds({}, rounds=0)


def test_ratio_is_ours_over_the_baseline():
    row = Ratio('step', 0.5, 2.0)
    assert row.value == 0.25
    assert ratio_table('t', [row]).row_count == 1
