import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from tools.benchmark import skeleton_images as benchmark
from vlplugins.datasets.transforms import BoneVectorEnhance, KeyJointEnhance, SkeletonImageEncode, TemporalEnhance


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
