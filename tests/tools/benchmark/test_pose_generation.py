import pytest
import torch

from tools.benchmark import pose_generation as benchmark

SMALL = '--rounds 1 --warm-up 0 --threads 1 --device cpu --batch-size 64 --loop-poses 8 --num-poses 64'
SMALL += ' --seeds 10 --samples 12 --mixture-seeds 9 --step-size 8 --channels 16'


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_prints_ratios_and_claims(capsys):
    pytest.importorskip('mmpose')
    benchmark.main(SMALL.split())
    printed = capsys.readouterr().out
    assert '64 poses, 10 seeds / loop' in printed and '≤ 0.02' in printed and 'poses a second' in printed
    assert 'mixture, 9 seeds x 12 samples x 18' in printed and '8 real + 8 generated / 16 real' in printed


def test_other_numbers_stop_it(monkeypatch):
    right = benchmark.round_trip_of_one
    monkeypatch.setattr(benchmark, 'round_trip_of_one', lambda *args: (right(*args)[0] + 0.1, right(*args)[1]))
    with pytest.raises(AssertionError):
        benchmark.main([*SMALL.split(), '--parts', 'poses', '--debug'])


def test_poses_are_before_the_camera():
    poses, cameras = benchmark.make_poses(4)
    assert poses.shape == (4, 16, 3) and cameras.shape == (4, 9) and poses[..., 2].min() > 3
