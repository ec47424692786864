import json

import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.registry import init_default_scope  # noqa: E402

from tests.helpers.trackers import make_tracker, tracker_cfg  # noqa: E402
from tools.benchmark import utt_head as benchmark  # noqa: E402

SMALL = '--dim 16 --height 6 --width 8 --targets 1 3 --rounds 1 --warm-up 0 --threads 1 --device cpu'


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'tracker.py'
    path.write_text(f'model = {tracker_cfg().to_dict()!r}')
    return path


def test_prints_ratios_and_shares_and_writes_them(tmp_path, capsys, monkeypatch, config):
    monkeypatch.setattr(benchmark, 'peak_bytes_of_process', lambda measure, *args: 100)
    out = tmp_path / 'numbers.json'
    frames = '--frame 64 96 --given 1 2 --crops 2'
    benchmark.main(f'{SMALL} {frames} --config {config} --out {out}'.split())
    printed = capsys.readouterr().out
    for part in ('1 targets', '3 targets', 'multiply-adds', 'a frame with 2 targets / with 1', 'backbone %'):
        assert part in printed
    rows = json.loads(out.read_text())['rows']
    assert len(rows) == 6 and all(row['ratio'] == pytest.approx(row['ours'] / row['baseline']) for row in rows)


def test_multiply_adds_of_the_correlation_by_hand():
    dim, places = 16, 49
    # Self-attention (four matrices, scores and sums), correlation, two layers behind it, two-layer network, box head.
    attention = 4 * dim * dim + 2 * 2 * dim
    expected = attention + places * dim + places * dim * 2 * dim + 2 * dim * dim + 8 * dim * dim
    assert benchmark.multiply_adds('correlation', 2, dim, 6, 8, 'cpu') == 2 * (expected + 3 * dim * dim + 4 * dim)


def test_only_the_attention_depends_on_the_map():
    counts = [
        {name: benchmark.multiply_adds(name, 3, 16, height, 8, 'cpu') for name in
         ('correlation', 'cross')} for height in (40, 80, 120)
    ]  # fmt: skip
    benchmark.check_counts(*counts)
    squared = dict(counts[2], cross=3 * counts[1]['cross'])
    for wrong in ([counts[0]] * 3, [*counts[:2], squared], [*counts[:2], dict(counts[2], correlation=1)]):
        with pytest.raises(RuntimeError, match='not as claimed'):
            benchmark.check_counts(*wrong)


def test_counts_of_one_target_on_the_map_of_the_paper():
    """The figures of the README: the two heads, and the 15 200 places of keys and values."""
    counts = {name: benchmark.multiply_adds(name, 1, 256, 100, 152, 'cpu') for name in ('correlation', 'cross')}
    assert {name: round(count / 1e6) for name, count in counts.items()} == dict(correlation=8, cross=2001)


@torch.no_grad()
def test_a_target_in_company_is_checked():
    init_default_scope('vlplugins')
    tracker, image = make_tracker().eval(), torch.randn(3, 64, 96)
    for shared in (True, False):
        alone, together = (benchmark.frame_step(tracker, count, image, shared)() for count in (1, 3))
        assert together.shape == (3, 4) and not torch.equal(together[0], together[1])
        benchmark.check_company(alone, together)
    for wrong in (together[1:], together[:1] + torch.tensor(float('nan'))):
        with pytest.raises(RuntimeError, match='pixels from where it is found alone'):
            benchmark.check_company(alone, wrong)


def test_targets_by_crops_must_be_among_the_given(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(f'{SMALL} --given 1 --crops 4'.split())
    assert 'are not among' in capsys.readouterr().err
