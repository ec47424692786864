import json

import pytest
import torch
from mmengine.registry import init_default_scope

from tools.benchmark import tel as benchmark
from vlplugins.registry import MODELS


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    before = torch.get_num_threads()
    init_default_scope('vlplugins')
    monkeypatch.setattr(benchmark, 'BATCH', 2)
    monkeypatch.setattr(benchmark, 'LINES', 6)
    monkeypatch.setattr(benchmark, 'LENGTHS', (8, 16))
    monkeypatch.setattr(benchmark, 'DEMO_CHANNELS', 4)
    yield
    torch.set_num_threads(before)


def test_prints_ratios_and_writes_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, 'peak_bytes_of_process', lambda measure, *args: 100)
    out = tmp_path / 'new/numbers.json'
    benchmark.main(f'--channels 8 --rounds 1 --warm-up 0 --threads 1 --device cpu --out {out}'.split())
    printed = capsys.readouterr().out
    for part in (
        'DCIN / one convolution',
        'peak memory',
        '16 lines: dilated stream',
        '4 channels / line by line',
        'with gradient',
    ):
        assert part in printed
    numbers = json.loads(out.read_text())['rows']
    assert all(row['ratio'] == pytest.approx(row['ours'] / row['baseline']) for row in numbers) and len(numbers) == 9


def test_different_results_stop_it(monkeypatch):
    monkeypatch.setattr(benchmark, 'reason_by_line', lambda fine, nodes: nodes + 1)
    with pytest.raises(AssertionError):
        benchmark.main('--parts reasoning --channels 8 --rounds 1 --warm-up 0 --threads 1 --device cpu'.split())
    with pytest.raises(AssertionError):
        benchmark.check_stream(lambda features, mask: [features.mean(dim=1, keepdim=True) + features], 8, 'cpu')
    benchmark.check_stream(MODELS.build(dict(type='DilatedContextStream', channels=8)).eval(), 8, 'cpu')


def test_baseline_has_the_same_embedding_and_head():
    sides = benchmark.make_branches(8, 'cpu')
    benchmark.check_branch(sides['ours']['branch'], 'cpu')
    for one, other in zip(sides['ours']['head'].parameters(), sides['baseline']['head'].parameters()):
        assert torch.equal(one, other)
    for side in sides.values():
        benchmark.step_of(side, 'cpu')()
        assert side['head'].classifier.weight.grad.abs().sum() > 0
