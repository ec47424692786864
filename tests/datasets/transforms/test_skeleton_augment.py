import numpy as np
import pytest

from tests.helpers.skeletons import clean, person
from vlplugins.datasets.transforms import (
    BodyFrameNormalize,
    RandomJointDrop,
    RandomJointJitter,
    RandomSkeletonRotate,
    RandomSkeletonScale,
    RandomTemporalCrop,
    SanitizeSkeleton,
    SkeletonFlip,
)
from vlplugins.structures.skeleton_layout import get_layout


def rng(seed=0):
    return np.random.default_rng(seed)


def pair():
    points = np.stack([person(30, turn=(1.5, 0, 0)), person(30, turn=(0.05, 0, 0)) + [1.0, 0, 0]])
    points[1, :10] = 0
    return clean(points)


@pytest.mark.parametrize(
    'transform',
    [
        RandomSkeletonRotate(0.3, rng()),
        RandomSkeletonScale((0.8, 0.9), rng()),
        RandomJointJitter(0.01, rng()),
        RandomJointDrop(0.5, rng=rng()),
        SkeletonFlip(1.0),
    ],
    ids=lambda each: type(each).__name__,
)
def test_changes_the_persons_and_leaves_absent_ones_zero(transform):
    before = pair()
    after = transform(dict(before))
    assert not np.allclose(after['keypoint'], before['keypoint']) and not after['keypoint'][1, :10].any()
    assert after['keypoint'].shape == before['keypoint'].shape


def test_before_the_normalisation_it_does_nothing():
    points = person(20)
    turned = RandomSkeletonScale((0.5, 2.0), rng())(RandomSkeletonRotate(0.3, rng())(dict(keypoint=points[None])))
    results = dict(turned, frame_dir='clip')
    found = BodyFrameNormalize()(SanitizeSkeleton()(results))['keypoint']
    np.testing.assert_allclose(found, clean(points)['keypoint'], atol=1e-9)


def test_rotation_keeps_lengths_and_scale_is_one_factor():
    before = pair()['keypoint']
    turned = RandomSkeletonRotate(0.3, rng())(pair())['keypoint']
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(before, axis=-1))
    scaled = RandomSkeletonScale((0.8, 0.9), rng())(pair())['keypoint']
    factor = scaled[0, 5, 3] / before[0, 5, 3]
    assert np.allclose(factor, factor[0]) and 0.8 <= factor[0] <= 0.9


def test_noise_has_its_deviation():
    before, after = pair(), RandomJointJitter(0.05, rng())(pair())
    assert (after['keypoint'] - before['keypoint'])[0].std() == pytest.approx(0.05, rel=0.1)


def test_crop_keeps_a_stretch_with_the_main_person():
    for seed in range(20):
        results = pair()
        found = RandomTemporalCrop((0.5, 0.6), rng(seed))(results)
        length = found['keypoint'].shape[1]
        assert 15 <= length <= 18 and found['presence'].shape[1] == len(found['frame_times']) == length
        assert np.array_equal(np.diff(found['frame_times']), np.ones(length - 1)) and found['presence'][0].any()
    hidden = pair()
    hidden['presence'] = hidden['presence'].copy()
    hidden['presence'][0] = False
    assert RandomTemporalCrop((0.5, 0.5), rng())(hidden)['keypoint'].shape[1] == 30


def test_dropped_joints_are_at_their_parents():
    before, layout = pair(), get_layout('nturgb+d')
    after = RandomJointDrop(1.0)(dict(before))['keypoint']
    np.testing.assert_allclose(after, before['keypoint'][:, :, list(layout.parents)])


def test_mirror_swaps_sides_and_twice_is_nothing():
    before = pair()
    once = SkeletonFlip(1.0)(dict(before))
    np.testing.assert_allclose(once['keypoint'][0, :, 4], before['keypoint'][0, :, 8] * [-1, 1, 1])
    np.testing.assert_allclose(SkeletonFlip(1.0)(dict(once))['keypoint'], before['keypoint'])
    assert np.array_equal(SkeletonFlip(0.0)(dict(before))['keypoint'], before['keypoint'])


def test_bad_arguments_are_told():
    for make in (
        lambda: RandomSkeletonRotate(-1),
        lambda: RandomSkeletonScale((0, 1)),
        lambda: RandomJointJitter(-1),
        lambda: RandomTemporalCrop((0.5, 1.5)),
        lambda: RandomJointDrop(2),
    ):
        with pytest.raises(ValueError):
            make()
