import json

import cv2
import pytest
import torch

from tools.benchmark import bench_shapley as benchmark
from vlplugins.models.task_modules import ExactShapley

QUICK = '--quick --rounds 1 --warm-up 0 --threads 1 --device cpu'.split()


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_prints_ratios_and_errors_and_draws_them(tmp_path, capsys):
    benchmark.main([*QUICK, '--processor-time', *f'--out {tmp_path}/cost.json --figure {tmp_path}/cost.png'.split()])
    printed = capsys.readouterr().out
    assert 'MatchedProbValue, T=32: sampled / loop' in printed and '≤ 0.10' in printed
    assert 'ReencodeValue: hybrid / sampled, T=32' in printed and 'slope in log T' in printed
    rows = json.loads((tmp_path / 'cost.json').read_text(encoding='utf-8'))['rows']
    assert len(rows) == 6 and all(row['ours'] > 0 for row in rows)
    height, width = cv2.imread(str(tmp_path / 'cost.png')).shape[:2]
    assert width > 2 * height


@pytest.mark.parametrize('value', benchmark.VALUES)
def test_a_loop_over_other_coalitions_stops_it(value, monkeypatch):
    sizes = benchmark.QUICK[value]
    setting, scenes = benchmark.make_setting(value, sizes, 'cpu'), benchmark.make_scenes(sizes, 1, 'cpu')
    benchmark.check_equal(setting, scenes)
    loop = benchmark.loop_interactions
    monkeypatch.setattr(
        benchmark, 'loop_interactions', lambda game, members, subsets: loop(game, members, subsets & False)
    )
    with pytest.raises(AssertionError):
        benchmark.check_equal(setting, scenes)


def test_the_loop_over_all_subsets_of_each_size_is_exact():
    # Of two outsiders: nobody, one of both, both; a size is as likely as another.
    value = torch.tensor([1.0, -2.0, 0.5, 3.0])
    coalitions = torch.tensor([[[True, True, False, False]]])
    subsets = torch.zeros(1, 1, 6, 4, dtype=torch.bool)
    subsets[0, 0, 2, 2] = subsets[0, 0, 3, 3] = True
    subsets[0, 0, 4:, 2:] = True

    def game(masks):
        return (masks.float() @ value).square()[..., None]

    expected = ExactShapley().estimate(game, coalitions).mean[..., 0]
    torch.testing.assert_close(benchmark.loop_interactions(lambda _: game, coalitions, subsets), expected)


def test_the_random_encoder_tells_which_object_is_there():
    """Otherwise interactions would be noise, of which an estimator learns nothing."""
    sizes = benchmark.SIZES['reencode']._replace(images=16)
    setting, scenes = benchmark.make_setting('reencode', sizes, 'cpu'), benchmark.make_scenes(sizes, 5, 'cpu')
    full = setting.game(scenes)(torch.ones(16, 1, 16, dtype=torch.bool))
    # One of two objects among twelve kinds: at most 1/2 - 1/12.
    assert full.mean() > 0.1
    patches, own = setting.features(scenes)
    objects = (patches - patches.mean(dim=1, keepdim=True)) @ own.transpose(1, 2)
    look = scenes.tokens @ benchmark.kinds_of_objects(sizes.width)[scenes.own].transpose(1, 2)
    assert torch.corrcoef(torch.cat([objects.flatten()[None], look.flatten()[None]]))[0, 1] > 0.7


def test_scenes_are_rectangles_with_their_own_text():
    scenes = benchmark.make_scenes(benchmark.SIZES['matched'], 3, 'cpu')
    boxes = scenes.members.flatten(0, 1).unflatten(1, (6, 6))
    sides = torch.stack([boxes.any(dim=axis).sum(dim=1) for axis in (1, 2)])
    assert sides.min() >= 2 and sides.max() <= 4 and torch.equal(sides.prod(dim=0), boxes.sum(dim=(1, 2)))
    # No kind has a greater share in the scene than one of the two that were put there.
    seen = torch.einsum('bnd,kd->bk', scenes.tokens, benchmark.kinds_of_objects(64))
    assert (seen.gather(1, scenes.own) > seen.median(dim=1, keepdim=True).values).all()
