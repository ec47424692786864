import cv2
import pytest
import torch
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

pytest.importorskip('mmdet')

from tests.apis.test_tracking_inferencer import BOX, config, pictures  # noqa: E402
from tests.helpers.tools import mistake  # noqa: E402
from tests.helpers.trackers import make_tracker  # noqa: E402
from tools.analysis import compare_tracks  # noqa: E402
from vlplugins.apis import TrackingInferencer  # noqa: E402


@pytest.fixture
def arguments(tmp_path):
    """A config, a clip of five frames of 80 x 60 pixels, and weights."""
    (tmp_path / 'clip').mkdir()
    for number, image in enumerate(pictures()):
        cv2.imwrite(str(tmp_path / f'clip/{number:06d}.png'), image)
    text = '\n'.join(f'{key} = {value!r}' for key, value in config().items())
    (tmp_path / 'config.py').write_text(text)
    torch.save(dict(state_dict=make_tracker(seed=3).state_dict()), tmp_path / 'weights.pth')
    return [str(tmp_path / name) for name in ('config.py', 'clip')] + ['--device', 'cpu']


def test_boxes_of_each_checkpoint_are_drawn_in_its_colour(arguments, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(compare_tracks, 'render', lambda figure: drawn.append(figure) or pictures(1)[0])
    weights = ['--weights', f'a={tmp_path / "weights.pth"}', 'b=none']
    given = ['--init-boxes', ','.join(map(str, BOX)), '--frames', '3', '0', '--region', '5,10,40,30']
    for seed in ('1', '1', '2'):
        compare_tracks.main([*arguments, *weights, *given, '--seed', seed, '--out', str(tmp_path / 'out/tracks.png')])
    assert cv2.imread(str(tmp_path / 'out/tracks.png')).shape == (60, 80, 3)
    inferencer = TrackingInferencer(arguments[0], str(tmp_path / 'weights.pth'), device='cpu', show_progress=False)
    expected = [frame['objects'][0]['box'] for frame in inferencer.stream(arguments[1], init_boxes=[BOX])]
    found = []
    for figure in drawn:
        assert [axes.get_title() for axes in figure.axes] == ['frame 0', 'frame 3']
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ['a', 'b']
        boxes = {}
        for axes, number in zip(figure.axes, (0, 3)):
            assert axes.get_xlim() == (4.5, 44.5) and axes.get_ylim() == (39.5, 9.5)
            for patch in axes.patches:
                assert isinstance(patch, Rectangle)
                box = [*patch.get_xy(), patch.get_width(), patch.get_height()]
                boxes[patch.get_edgecolor(), number] = [round(value, 3) for value in box]
        one, other = (to_rgba(colour) for colour in compare_tracks.COLOURS[:2])
        assert boxes.keys() == {(one, 0), (one, 3), (other, 0), (other, 3)}
        assert boxes[one, 0] == boxes[other, 0] == BOX
        assert boxes[one, 3] == pytest.approx(expected[3], abs=1e-3)
        found.append(boxes[other, 3])
    # Random weights are those of the seed.
    assert found[0] == found[1] != found[2]


def test_mistakes_are_told(arguments, tmp_path, capsys):
    box, weights = ['--init-boxes', '10,12,20,16'], ['--weights', 'a=none']
    for options, message in (
        ([*box, '--weights', 'none'], 'expected NAME=FILE'),
        ([*box, '--weights', 'a=none', 'a=none'], 'each name once'),
        ([*box, '--weights', *(f'{number}=none' for number in range(7))], 'at most 6'),
        ([*box, '--weights', 'a=gone.pth'], 'no such checkpoint: gone.pth'),
        ([*box, *weights, '--region', '1,2,0,4'], 'is not X,Y,W,H'),
        ([*box, *weights, '--frames', '-1'], '--frames -1 is below 0'),
        ([*box, *weights, '--frames', '0', '5'], 'clip has no frame 5'),
        ([*weights, '--init-boxes', '1,2,3', '--frames', '0'], "'1,2,3' is not X,Y,W,H"),
    ):
        assert message in mistake(capsys, compare_tracks, *arguments, *options)
    (tmp_path / 'other.py').write_text('default_scope = "vlplugins"')
    assert 'is no config of a tracker' in mistake(
        capsys, compare_tracks, tmp_path / 'other.py', *arguments[1:], *box, *weights
    )
