import json

import pytest
import torch

from tests.helpers.tiny_configs import ROOT
from tools.benchmark import optimizer_groups as benchmark

SMALL = f'--configs {ROOT}/configs/ahgn/ahgn_demo.py --rounds 1 --warm-up 0 --threads 1 --device cpu'


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_prints_ratios_and_writes_them(tmp_path, capsys):
    benchmark.main(f'{SMALL} --out {tmp_path / "numbers.json"}'.split())
    printed = capsys.readouterr().out
    assert all(part in printed for part in ('VideoLanguageInference', 'foreach', 'fused'))
    rows = json.loads((tmp_path / 'numbers.json').read_text())['rows']
    assert [row['what'].split(', ')[1] for row in rows] == list(benchmark.KINDS)
    assert all('2 groups / ' in row['what'] for row in rows)
    assert all(row['ratio'] == pytest.approx(row['ours'] / row['baseline']) for row in rows)


def test_different_results_stop_it(monkeypatch):
    right = benchmark.optimizer_of

    def wrong(model, cfg, constructor, options):
        wrapper = right(model, cfg, constructor, options)
        if constructor == benchmark.BASELINE:
            wrapper.optimizer.param_groups[0]['lr'] *= 2
        return wrapper

    monkeypatch.setattr(benchmark, 'optimizer_of', wrong)
    with pytest.raises(AssertionError):
        benchmark.main(SMALL.split())
