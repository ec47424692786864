import numpy as np
import pytest
import torch

from tests.helpers.skeletons import clean, person
from vlplugins.datasets.transforms import (
    BoneVectorEnhance,
    KeyFrameEnhance,
    KeyJointEnhance,
    SkeletonImageEncode,
    TemporalEnhance,
)
from vlplugins.visualization import SkeletonActionVisualizer
from vlplugins.visualization.skeleton_action_visualizer import to_pixels

pytest.importorskip('mmaction')
from mmaction.structures import ActionDataSample  # noqa: E402


@pytest.fixture(scope='module')
def visualizer():
    visualizer = SkeletonActionVisualizer(columns=4)
    visualizer.dataset_meta = dict(classes=('wave', 'kick'))
    return visualizer


def sample(**meta):
    found = ActionDataSample().set_gt_label(1).set_pred_label(0).set_pred_score(torch.tensor([0.8, 0.2]))
    found.set_metainfo(meta)
    return found


def test_pixels_are_grey_at_zero():
    found = to_pixels(np.array([[[0.0, 2.0, -2.0]]]))
    assert found.tolist() == [[[0.5, 1.0, 0.0]]] and to_pixels(np.zeros((1, 1, 3))).max() == 0.5


def test_stages_are_those_of_the_pipeline(visualizer):
    results, maps = visualizer.stages(person(50)[None])
    assert [name for name, _ in maps] == [
        'joints, camera', 'joints, body frame', 'at key frames', 'from a key joint', 'bones', 'motion',
    ]  # fmt: skip
    assert all(values.shape == (32, 25, 3) for _, values in maps)
    even, keyed = maps[1][1], maps[2][1]
    order = list(visualizer.layout.order)
    np.testing.assert_allclose(even[0], results['keypoint'][0, 0][order])
    np.testing.assert_allclose(keyed[-1], even[-1], atol=1e-6)
    assert not np.allclose(keyed, even)


def test_clip_is_drawn_with_title_energy_and_attention(visualizer, tmp_path):
    attention = np.linspace(0.1, 0.9, 25)
    picture = visualizer.add_datasample(
        'clip', person(50)[None], sample(joint_attention=attention), out_file=str(tmp_path / 'clip.png')
    )
    plain = visualizer.add_datasample('clip', person(50)[None], sample(), out_file=str(tmp_path / 'b.png'))
    assert picture.shape == plain.shape and not np.array_equal(picture, plain)
    figure = visualizer.draw(person(50)[None], sample())
    assert figure.get_suptitle() == 'truth: kick, recognised: wave 0.80'
    assert (tmp_path / 'clip.png').stat().st_size > 10000


def test_packed_image_is_drawn_stream_by_stream(visualizer):
    results = KeyFrameEnhance(length=16)(clean(person(50)))
    for transform in (KeyJointEnhance(), BoneVectorEnhance(), TemporalEnhance(), SkeletonImageEncode()):
        results = transform(results)
    meta = {key: results[key] for key in ('stream_channels', 'key_times', 'frame_energy')}
    figure = visualizer.draw(torch.from_numpy(results['keypoint']), sample(**meta), draw_pred=False)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:3] == ['person 0, channels 0+', 'person 0, channels 15+', 'person 0, channels 18+']
    assert len(figure.axes) == 4 and figure.get_suptitle() == 'truth: kick'


def test_animation_has_a_picture_for_each_moment(visualizer, tmp_path):
    from PIL import Image

    visualizer.animate(person(12)[None], sample(), str(tmp_path / 'a.gif'))
    assert Image.open(tmp_path / 'a.gif').n_frames == 12
    visualizer.animate(person(40)[None], None, str(tmp_path / 'b.gif'), max_frames=5)
    assert Image.open(tmp_path / 'b.gif').n_frames == 5
    with pytest.raises(ValueError, match='gif or .mp4'):
        visualizer.animate(person(5)[None], None, str(tmp_path / 'c.avi'))
