import json

import pytest
import torch

from tools.benchmark import visa_map as benchmark
from vlplugins.models.layers.proposal_map import segment_max, segment_sum

SMALL = '--batch-size 2 --positions 4 --slots 2 --channels 16 --rounds 1 --warm-up 0 --threads 1 --device cpu'


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_prints_ratios_and_writes_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, 'peak_bytes_of_process', lambda measure, *args: 100)
    out = tmp_path / 'new/numbers.json'
    benchmark.main(f'{SMALL} --out {out}'.split())
    printed = capsys.readouterr().out
    for part in ('10 segments', 'running / each', 'dense indicator', 'graph layer of 12 nodes', 'peak memory'):
        assert part in printed
    rows = json.loads(out.read_text())['rows']
    assert len(rows) == 5 and all(row['ratio'] == pytest.approx(row['ours'] / row['baseline']) for row in rows)


def test_baselines_give_the_same():
    nodes = torch.randn(2, 5, 3)
    torch.testing.assert_close(benchmark.naive_segment_max(nodes), segment_max(nodes))
    torch.testing.assert_close(benchmark.dense_segment_sum(nodes), segment_sum(nodes))
    one, other = (benchmark.layer_step(name, 16, 4, 2, 'cpu')() for name in ('ours', 'baseline'))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('part, baseline', [('max', 'naive_segment_max'), ('sum', 'dense_segment_sum')])
def test_different_results_stop_it(monkeypatch, part, baseline):
    right = getattr(benchmark, baseline)
    monkeypatch.setattr(benchmark, baseline, lambda values: right(values) + 1)
    with pytest.raises(AssertionError):
        benchmark.main(f'{SMALL} --parts {part}'.split())
