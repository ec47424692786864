import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from tools.benchmark import skeleton_images as benchmark
from vlplugins.datasets.transforms import BoneVectorEnhance, KeyJointEnhance, SkeletonImageEncode, TemporalEnhance
from vlplugins.models.backbones import AFECNN


def test_encoding_is_compared_with_the_loop_and_then_timed(capsys):
    benchmark.main(['--parts', 'encoding', '--rounds', '1', '--warm-up', '0'])
    printed = capsys.readouterr().out
    assert 'encoding' in printed and '≤ 0.05' in printed


def test_check_fails_where_the_images_differ(monkeypatch):
    monkeypatch.setattr(benchmark, 'SCALES', (1, 5))
    results = benchmark.prepared(40)
    ours = benchmark.encode(
        results, Compose([KeyJointEnhance(), BoneVectorEnhance(), TemporalEnhance(), SkeletonImageEncode()])
    )
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(ours, benchmark.loop_encode(results), atol=1e-6)


def test_absent_person_check_fails_for_a_network_that_pays_for_it():
    class Leaks(torch.nn.Module):
        def forward(self, image):
            return (image + 1,)

    with pytest.raises(AssertionError):
        benchmark.check_absent_person(Leaks())


def test_fast_form_with_other_outputs_is_refused():
    class Changes(torch.nn.Linear):
        def switch_to_deploy(self):
            self.bias.data += 1

    inputs = torch.zeros(1, 4)
    with pytest.raises(AssertionError):
        benchmark.deployed('AFE-CNN', Changes(4, 4), inputs)
    network = torch.nn.Sequential(torch.nn.Conv1d(2, 2, 1), torch.nn.BatchNorm1d(2)).eval()
    assert isinstance(benchmark.deployed('ST-GCN', network, torch.randn(1, 2, 5))[1], torch.nn.Identity)


def test_every_network_has_its_row(monkeypatch):
    """Something small stands for the graph networks."""
    image, joints = (2, 24, benchmark.ROWS, 25), (2, 4, 25, 3)
    networks = {name: (AFECNN(widths=widths).eval(), image)
                for name, widths in (('AFE-CNN', (32, 64, 128, 256)), ('AFE-CNN, small', (8, 16)))}  # fmt: skip
    networks.update({name: (torch.nn.Conv3d(2, 2, 1).eval(), joints) for name in ('ST-GCN++', 'ST-GCN')})
    monkeypatch.setattr(benchmark, 'build_networks', lambda frames: networks)
    rows, costs = benchmark.network_rows(benchmark.parse_args(['--rounds', '1', '--warm-up', '0', '--device', 'cpu']))
    assert 'AFE-CNN, 1 person / 2 persons' in [row.what for row in rows] and costs.row_count == 4
    assert all(row.value > 0 for row in rows)
