import numpy as np
import pytest

from tests.helpers.skeletons import clean, person
from vlplugins.datasets.transforms import BoneVectorEnhance, KeyFrameEnhance, KeyJointEnhance, TemporalEnhance
from vlplugins.datasets.transforms.skeleton_features import central_differences
from vlplugins.structures.skeleton_layout import get_layout

LAYOUT = get_layout('nturgb+d')


def pair(frames=30, apart=1.0):
    return np.stack([person(frames, turn=(1.5, 0, 0)), person(frames, turn=(0.05, 0, 0)) + [apart, 0, 0]])


def stream(transform, results):
    return transform(results)['streams'][transform.name]


def test_key_joints_equal_the_loop():
    results = clean(pair())
    found = stream(KeyJointEnhance(), dict(results))
    points = results['keypoint']
    for m, t, v in ((0, 3, 7), (1, 20, 0), (1, 29, 24)):
        for k, joint in enumerate(LAYOUT.key_joints):
            expected = 0.5 * (points[m, t, v] - points[0, t, joint])
            np.testing.assert_allclose(found[m, t, v, 3 * k : 3 * k + 3], expected)
    assert found.shape == (2, 30, 25, 15)
    # The main person's own key joint is the origin of its channels.
    assert not found[0, :, 4, 3:6].any()


def test_reference_self_loses_the_distance_and_main_keeps_it():
    near, far = (clean(pair(apart=each)) for each in (0.9, 2.9))
    for reference, differs in (('self', False), ('main', True)):
        one, two = (stream(KeyJointEnhance(reference=reference), dict(each)) for each in (near, far))
        assert np.allclose(one, two, atol=1e-9) is not differs
    # Bones and velocities cannot tell it either.
    for transform in (BoneVectorEnhance(), TemporalEnhance()):
        one, two = (stream(transform, dict(each)) for each in (near, far))
        np.testing.assert_allclose(one, two, atol=1e-9)


def test_absent_main_person_is_seen_at_the_nearest_frame():
    points = pair()
    points[0, 10:20] = 0
    results = clean(points)
    found = stream(KeyJointEnhance(), dict(results))
    expected = 0.5 * (results['keypoint'][1, 12] - results['keypoint'][0, 9, 20])
    np.testing.assert_allclose(found[1, 12, :, :3], expected)
    assert not found[0, 10:20].any()


def test_without_key_joints_the_stream_is_the_joints():
    results = clean(pair())
    np.testing.assert_allclose(stream(KeyJointEnhance(key_joints=None, gain=1.0), dict(results)), results['keypoint'])
    with pytest.raises(ValueError, match='key_joints'):
        KeyJointEnhance(key_joints=(99,))
    with pytest.raises(ValueError, match='reference'):
        KeyJointEnhance(reference='other')


def test_bones_are_those_of_mmaction2_and_of_unit_length():
    pytest.importorskip('mmaction')
    from mmaction.datasets.transforms import JointToBone

    results = clean(pair())
    theirs = JointToBone('nturgb+d')(dict(keypoint=results['keypoint']))['keypoint']
    np.testing.assert_allclose(stream(BoneVectorEnhance(normalize=False), dict(results)), theirs, atol=1e-6)
    units = stream(BoneVectorEnhance(), dict(results))
    lengths = np.linalg.norm(units, axis=-1)
    assert np.allclose(lengths[..., LAYOUT.root], 0)
    others = np.delete(lengths, LAYOUT.root, axis=2)
    np.testing.assert_allclose(others, 1, atol=1e-12)
    np.testing.assert_allclose(units[0, 3, 5], theirs[0, 3, 5] / np.linalg.norm(theirs[0, 3, 5]), atol=1e-5)


def test_collapsed_hand_is_zero_not_nan():
    points = person()
    points[:, 21] = points[:, 22] = points[:, 7]
    found = stream(BoneVectorEnhance(with_length=True), clean(points))
    assert np.isfinite(found).all() and not found[0, :, [21, 22]].any() and found.shape[-1] == 4


def test_length_channel_is_relative_to_the_median_of_the_clip():
    points = person(21)
    points[20, 3] += 0.1 * (points[20, 3] - points[20, 2]) / np.linalg.norm(points[20, 3] - points[20, 2])
    found = stream(BoneVectorEnhance(with_length=True), clean(points))[0, :, 3, 3]
    assert found[20] == pytest.approx(0.1 / 0.14) and np.allclose(found[:20], 0)


def test_constant_velocity_is_constant_to_the_ends():
    speed = np.array([0.01, 0.0, 0.02])
    points = person(1, turn=(0, 0, 0)) + np.arange(30)[:, None, None] * speed
    results = clean(points)
    found = stream(TemporalEnhance(), results)[0]
    expected = 8 * (results['body_rotation'] @ speed) / results['body_scale']
    np.testing.assert_allclose(found, np.broadcast_to(np.tile(expected, 2), found.shape), atol=1e-9)


def test_lost_frames_keep_the_velocity():
    points = person(1, turn=(0, 0, 0)) + np.arange(30)[:, None, None] * np.array([0.01, 0.0, 0.0])
    points[10:14] = 0
    found = stream(TemporalEnhance(), clean(points))[0]
    np.testing.assert_allclose(found, np.broadcast_to(found[0, 0], found.shape), atol=1e-9)


def test_half_speed_halves_the_motion_and_keeps_the_bones():
    """The arm goes up and down; slow in 41 frames, fast in 21. After sampling, rows move alike."""

    def maps(frames, after):
        results = KeyFrameEnhance(length=16, strength=1.0, floor=None)(clean(person(frames)))
        found = TemporalEnhance(scales=(1,), after_sampling=after)(results)
        if after:
            return np.abs(found['row_streams']['motion']).max()
        return np.abs(found['streams']['motion']).max()

    assert maps(41, False) / maps(21, False) == pytest.approx(0.5, abs=0.05)
    slow, fast = (KeyFrameEnhance(length=16, strength=1.0, floor=None)(clean(person(frames))) for frames in (41, 21))
    from vlplugins.datasets.transforms.functional.inverse_cdf import sample_at_times

    bones = [
        sample_at_times(stream(BoneVectorEnhance(), each), each['presence'], each['key_times']) for each in (slow, fast)
    ]
    assert np.abs(bones[0] - bones[1]).max() < 0.08


def test_after_sampling_slow_and_fast_are_one_image_up_to_the_length_of_the_clip():
    images = []
    for frames in (41, 81):
        results = KeyFrameEnhance(length=16, strength=1.0, floor=None)(clean(person(frames)))
        rows = TemporalEnhance(scales=(1,), after_sampling=True)(results)['row_streams']['motion']
        images.append(rows * (frames - 1))
    assert np.abs(images[0] - images[1]).max() < 0.15 * np.abs(images[0]).max()


def test_velocity_is_zero_at_the_appearance_of_a_person():
    points = pair()
    points[1, :10] = 0
    results = clean(points)
    found = stream(TemporalEnhance(scales=(1, 4)), results)[1]
    assert not found[:11, :, :3].any() and not found[:14, :, 3:].any() and found[14:].any()


def test_central_differences_equal_the_loop():
    generator = np.random.default_rng(0)
    values, presence = generator.normal(size=(2, 9, 3, 2)), generator.random((2, 9)) > 0.2
    times = np.cumsum(generator.integers(1, 3, 9)).astype(float)
    found = central_differences(values, presence, times, 2)
    for m in range(2):
        for t in range(9):
            a, b = max(t - 2, 0), min(t + 2, 8)
            known = presence[m, a] and presence[m, b]
            expected = (values[m, b] - values[m, a]) / (times[b] - times[a]) if known else np.zeros((3, 2))
            np.testing.assert_allclose(found[m, t], expected)
    assert not central_differences(values[:, :1], presence[:, :1], times[:1], 1).any()


def test_sources_seconds_and_bad_arguments():
    results = clean(person())
    both = stream(TemporalEnhance(source='both', scales=(1, 2, 4)), dict(results))
    assert both.shape[-1] == 18
    plain, seconds = (
        stream(TemporalEnhance(per_second=each), dict(clean(person()), fps=15.0)) for each in (False, True)
    )
    np.testing.assert_allclose(seconds, 15 * plain)
    for bad in (dict(scales=()), dict(scales=(0,)), dict(source='limb')):
        with pytest.raises(ValueError):
            TemporalEnhance(**bad)
