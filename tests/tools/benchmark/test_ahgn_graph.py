import json

import pytest
import torch
from mmengine.registry import init_default_scope

from tools.benchmark import ahgn_graph as benchmark


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    before = torch.get_num_threads()
    init_default_scope('vlplugins')
    for name, value in dict(FRAMES=2, WORDS=3, ATOMS=2).items():
        monkeypatch.setattr(benchmark, name, value)
    yield
    torch.set_num_threads(before)


SMALL = '--batch 3 --segments 3 --dims 16 --rounds 1 --warm-up 0 --threads 1 --device cpu'.split()


def test_prints_ratios_and_writes_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, 'peak_bytes_of_process', lambda measure, *args: 100)
    out = tmp_path / 'new/numbers.json'
    benchmark.main(['--parts', 'local', 'flat', 'events', 'premise', *SMALL, '--out', str(out)])
    printed = capsys.readouterr().out
    for part in (
        'at once / one by one',
        'at once / 3 by 3',
        'one graph of 15 nodes',
        'peak memory',
        '4 real events / 18 padded',
        'six',
    ):
        assert part in printed
    rows = json.loads(out.read_text())['rows']
    assert len(rows) == 6 and all(row['ratio'] == pytest.approx(row['ours'] / row['baseline']) for row in rows)


@pytest.mark.parametrize('loop', ['one_by_one', 'clips_together'])
def test_different_results_stop_it(loop, monkeypatch):
    true_loop = getattr(benchmark, loop)
    monkeypatch.setattr(benchmark, loop, lambda *args: [each + 1 for each in true_loop(*args)])
    with pytest.raises(AssertionError):
        benchmark.main(['--parts', 'local', *SMALL])


def test_peak_of_both_sides_is_measured():
    assert all(benchmark.peak_of(side, 16, 1, 3, 'cpu', 1) >= 0 for side in benchmark.STEPS)
