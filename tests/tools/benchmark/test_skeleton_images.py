import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from tools.benchmark import skeleton_images as benchmark
from vlplugins.datasets.transforms import BoneVectorEnhance, KeyJointEnhance, SkeletonImageEncode, TemporalEnhance
from vlplugins.models.backbones import AFECNN


def test_encoding_equals_the_loop_and_is_twenty_times_as_fast(capsys):
    benchmark.main(['--parts', 'encoding', '--rounds', '3', '--warm-up', '1'])
    assert 'encoding' in capsys.readouterr().out
    (row,) = benchmark.encoding_rows(benchmark.parse_args(['--rounds', '3', '--warm-up', '1']))
    assert row.value < 1 / 20


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


def test_an_absent_person_is_not_paid_for(monkeypatch):
    """On a quiet CPU, 0.54 to 0.64 of the time of two. Something small stands for the graph networks."""
    image, joints = (2, 24, benchmark.ROWS, 25), (2, 4, 25, 3)
    networks = {name: (AFECNN(widths=widths).eval(), image)
                for name, widths in (('AFE-CNN', (32, 64, 128, 256)), ('AFE-CNN, small', (8, 16)))}  # fmt: skip
    networks.update({name: (torch.nn.Conv3d(2, 2, 1).eval(), joints) for name in ('ST-GCN++', 'ST-GCN')})
    monkeypatch.setattr(benchmark, 'build_networks', lambda frames: networks)
    rows, costs = benchmark.network_rows(benchmark.parse_args(['--rounds', '5', '--warm-up', '1', '--device', 'cpu']))
    assert {row.what: row.value for row in rows}['AFE-CNN, 1 person / 2 persons'] < 0.85 and costs.row_count == 4
