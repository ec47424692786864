import pytest
import torch

from tools.benchmark import token_clustering as benchmark
from vlplugins.models.task_modules.kmedoids import KMedoids, pairwise_distances
from vlplugins.registry import MODELS


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize('update', [benchmark.literal_update, benchmark.masked_sum_update])
def test_baselines_choose_the_same_medoids(update):
    points = benchmark.make_points((3, 60, 16, 9, 2), 'cpu')
    found = benchmark.loop_kmedoids(points, 9, update, lambda one, _: pairwise_distances(one))
    assert torch.equal(found, KMedoids()(points, 9)[1])


def test_prints_ratios_and_claims(monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'SIZES', ((2, 48, 16, 7, 2),))
    benchmark.main('--parts kmedoids spectral --rounds 1 --warm-up 0 --threads 1 --device cpu'.split())
    printed = capsys.readouterr().out
    assert 'k-medoids / literal [B,K,N,N], 2x48x16, K=7' in printed and '≤ 0.20' in printed
    assert 'k-medoids / spectral' in printed


def test_different_medoids_stop_it(monkeypatch):
    monkeypatch.setattr(benchmark, 'SIZES', ((2, 48, 16, 7, 2),))
    monkeypatch.setattr(benchmark, 'masked_sum_update', lambda distances, assign, count: assign[:, :count])
    with pytest.raises(AssertionError, match='other medoids'):
        benchmark.main('--parts kmedoids --rounds 1 --warm-up 0 --threads 1 --device cpu'.split())


def test_towers_share_their_weights(monkeypatch):
    built = MODELS.build

    def build_small(cfg):
        small = dict(img_size=224, patch_size=56, width=32, layers=8, heads=2, out_dim=8)
        return built({**small, **cfg}) if cfg['type'] == 'CLIPVisionTransformer' else built(cfg)

    monkeypatch.setattr(benchmark, 'B6_4_49', dict(benchmark.B6_4_49, num_centers=16))
    monkeypatch.setattr(MODELS, 'build', build_small)
    towers = benchmark.build_towers('cpu')
    assert sorted(towers) == ['baseline', 'ours'] and len(towers['ours'].token_reducers) == 1
    for one, other in zip(towers['ours'].parameters(), towers['baseline'].parameters()):
        assert torch.equal(one, other)
