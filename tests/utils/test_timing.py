import argparse
import json
import time

import pytest

from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios, ratio_table


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


def test_processor_time_is_a_clock_of_those_that_ask_for_it(capsys):
    parser = argparse.ArgumentParser()
    add_timing_arguments(parser, clock=True)
    assert parser.parse_args([]).clock is None
    args = parser.parse_args(['--processor-time', '--device', 'cpu'])
    assert args.clock is time.process_time
    times = iter([0.0, 3.0])
    assert median_seconds(dict(side=lambda: None), 1, 0, lambda: next(times)) == dict(side=3.0)
    print_ratios('Steps', [Ratio('step', 0.5, 2.0)], args)
    assert 'processor time' in capsys.readouterr().out


def test_no_round_is_refused():
    with pytest.raises(ValueError, match='rounds 0'):
        median_seconds({}, rounds=0)


def test_ratio_is_ours_over_the_baseline():
    row = Ratio('step', 0.5, 2.0)
    assert row.value == 0.25
    assert ratio_table('t', [row]).row_count == 1
    memory = Ratio('memory', 3 * 2**20, 6 * 2**20, unit='bytes')
    assert (row.shown(row.ours), memory.shown(memory.ours)) == ('500.00 ms', '3 MiB')


def test_numbers_are_printed_and_written(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    add_timing_arguments(parser, threads=1)
    out = tmp_path / 'new' / 'numbers.json'
    args = parser.parse_args(['--device', 'cpu', '--out', str(out)])
    assert (args.rounds, args.warm_up, args.threads) == (9, 2, 1)
    print_ratios('Steps', [Ratio('step', 0.5, 2.0, '≤ 0.3')], args)
    shown = capsys.readouterr().out
    assert 'Steps, CPU, 1 threads' in shown and '0.25' in shown
    written = json.loads(out.read_text(encoding='utf-8'))
    assert written['rows'] == [dict(what='step', ours=0.5, baseline=2.0, claim='≤ 0.3', unit='s', ratio=0.25)]
