import numpy as np
import pytest

from tests.helpers.records import refused
from tests.helpers.skeletons import clean, person, record, turned
from vlplugins.datasets.transforms import BodyFrameNormalize, ChangeSkeletonView, SanitizeSkeleton
from vlplugins.datasets.transforms.skeleton_normalize import nearest_present

VIEWS = [(0, 0.8, 0), (0, -2.5, 0), (0.4, 0.3, -0.7), (1.5, 2.0, 0.3)]


@pytest.mark.parametrize('vector', VIEWS)
@pytest.mark.parametrize('scale', [0.6, 1.0, 1.7])
def test_view_place_and_size_leave_no_trace(vector, scale):
    """Of a person whose shoulders are not perpendicular to the spine."""
    points = person(lift=0.05)
    one = clean(points)['keypoint']
    other = clean(turned(points, vector, scale, (0.5, -0.2, 1.0)))['keypoint']
    np.testing.assert_allclose(other, one, atol=1e-10)


def test_two_minimal_rotations_would_leave_one():
    """mmaction2's normalisation, for comparison: the same clip from another side comes out centimetres away."""
    pytest.importorskip('mmaction')
    from mmaction.datasets.transforms import PreNormalize3D

    def apart(lift):
        points = turned(person(lift=lift), (0.1, 0, 0))
        one, other = (
            PreNormalize3D()(dict(keypoint=turned(points, (0, yaw, 0))[None], total_frames=20))['keypoint']
            for yaw in (0, np.pi / 4)
        )
        return np.abs(one - other).max()

    assert apart(0.05) > 0.01 and apart(0.0) < 1e-6


def test_axes_are_those_of_the_body():
    """Left is +x, up is +y, front is +z; a rotation, not a reflection."""
    found = clean(person(lift=0.0))
    first = found['keypoint'][0, 0]
    assert first[4, 0] > 0 > first[8, 0] and first[3, 1] > first[0, 1] > first[14, 1]
    assert first[15, 2] > first[14, 2]
    rotation = found['body_rotation']
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(first[1], 0, atol=1e-12)
    torso = np.linalg.norm(found['keypoint'][0, :, 20] - found['keypoint'][0, :, 0], axis=1)
    assert np.median(torso) == pytest.approx(1)


def test_everyone_is_seen_by_the_main_person():
    far = person(turn=(0.05, 0, 0)) + [1.5, 0, 0]
    points = np.stack([person(turn=(1.5, 0, 0)), far])
    found = clean(points)
    apart = np.linalg.norm(found['keypoint'][1, 0, 0] - found['keypoint'][0, 0, 0])
    assert apart * found['body_scale'] == pytest.approx(np.linalg.norm(points[1, 0, 0] - points[0, 0, 0]))


def test_absent_frames_stay_zero_and_scale_is_of_present_ones():
    points = np.stack([person(30, turn=(1.5, 0, 0)), person(30, turn=(0.05, 0, 0)) + [1.0, 0, 0]])
    points[0, :8] = 0
    found = clean(points)
    assert not found['keypoint'][0, :8].any() and found['body_scale'] == pytest.approx(0.5)
    assert np.isfinite(found['keypoint']).all() and found['keypoint'][1].any()


def test_path_of_the_body_survives_and_is_lost_with_an_origin_per_frame():
    root = clean(person())['keypoint'][0, :, 1]
    assert np.linalg.norm(root[-1] - root[0]) > 0.5
    per_frame = clean(person(), dict(origin='per_frame'))['keypoint'][0, :, 1]
    np.testing.assert_allclose(per_frame, 0, atol=1e-12)
    raw = clean(person(), dict(view='none', size='none', origin='none'))['keypoint'][0]
    np.testing.assert_allclose(raw, person() / 0.5)


def test_yaw_keeps_lying_and_standing_apart():
    lying = turned(person(), (1.57, 0, 0))
    standing, down = (clean(each, dict(view='yaw'))['keypoint'][0, 0] for each in (person(), lying))
    assert standing[3, 1] > 0.5 and abs(down[3, 1]) < 0.3
    other = clean(turned(person(), (0, 2.0, 0)), dict(view='yaw'))['keypoint'][0, 0]
    np.testing.assert_allclose(other, standing, atol=1e-10)


def test_frames_without_axes_are_passed_over():
    points = person()
    points[0] = points[0, 0]
    found = clean(points)
    reference = clean(points[1:])
    np.testing.assert_allclose(found['body_rotation'], reference['body_rotation'], atol=1e-12)
    # Torso fine, no left and right anywhere: the axes of the camera, counted.
    flat = person()
    for left, right in ((4, 8), (12, 16)):
        flat[:, left] = flat[:, right]
    transform = BodyFrameNormalize()
    found = transform(SanitizeSkeleton()(record(flat)))
    assert transform.num_without_frame == 1
    np.testing.assert_allclose(found['body_rotation'], np.eye(3))


def test_bad_bodies_are_told():
    with refused('clip.*torso of no length'):
        clean(np.ones((5, 25, 3)))
    with refused('divide millimetres by 1000'):
        clean(1000 * person())
    with refused(r"17 joints.*coco17.*25 joints in the layout 'ntu25'"):
        clean(np.random.default_rng(0).normal(size=(5, 17, 3)))
    with pytest.raises(ValueError, match='view'):
        BodyFrameNormalize(view='front')


def test_nearest_present_frame():
    found = nearest_present(np.array([False, True, False, False, False, True, False]))
    assert found.tolist() == [1, 1, 1, 1, 5, 5, 5]


def test_change_of_view_is_a_turn_about_the_middle():
    points = np.stack([person(10), np.zeros((10, 25, 3))])
    found = ChangeSkeletonView(yaw=90, scale=0.5)(dict(keypoint=points.copy()))['keypoint']
    middle = points[0].mean(axis=(0, 1))
    np.testing.assert_allclose(found[0].mean(axis=(0, 1)), middle)
    np.testing.assert_allclose((found[0] - middle)[..., 2], -0.5 * (points[0] - middle)[..., 0])
    assert not found[1].any()
    np.testing.assert_allclose(clean(found[0])['keypoint'], clean(points[0])['keypoint'], atol=1e-9)
