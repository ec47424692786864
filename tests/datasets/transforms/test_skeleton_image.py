import logging

import numpy as np
import pytest

from tests.helpers.skeletons import clean, person
from vlplugins.datasets.transforms import (
    BoneVectorEnhance,
    KeyFrameEnhance,
    KeyJointEnhance,
    PadPersons,
    SkeletonImageEncode,
    TemporalEnhance,
    skeleton_image,
)
from vlplugins.datasets.transforms.skeleton_image import quantize_fixed, quantize_sequence
from vlplugins.structures.skeleton_layout import get_layout

LAYOUT = get_layout('nturgb+d')


def features(points=None, persons=1, **frames):
    results = PadPersons(persons)(clean(person(40) if points is None else points))
    for transform in (KeyFrameEnhance(**{**dict(length=16), **frames}), KeyJointEnhance(), BoneVectorEnhance()):
        results = transform(results)
    return TemporalEnhance()(results)


def encode(results, **kwargs):
    return SkeletonImageEncode(**kwargs)(results)


def test_image_equals_the_loop():
    results = features()
    image = encode(dict(results))['keypoint']
    assert image.shape == (1, 1, 24, 16, 25) and image.dtype == np.float32
    names, begin = ('key', 'bone', 'motion'), 0
    for name in names:
        values = results['streams'][name][0]
        for row, time in enumerate(results['key_times'][0]):
            low = min(int(time), len(values) - 2)
            share = time - low
            between = (1 - share) * values[low] + share * values[low + 1]
            for column, joint in enumerate(LAYOUT.order):
                found = image[0, 0, begin : begin + values.shape[-1], row, column]
                np.testing.assert_allclose(found, np.clip(between[joint], -4, 4), atol=1e-5)
        begin += values.shape[-1]
    assert encode(dict(results))['stream_channels'] == (15, 3, 6)


def test_order_is_a_permutation_that_is_taken_once():
    ordered, plain = (encode(features(), order=each)['keypoint'] for each in (True, False))
    np.testing.assert_array_equal(ordered, plain[..., list(LAYOUT.order)])
    assert sorted(LAYOUT.order) == list(range(25)) and not np.array_equal(ordered, plain)


def test_formats():
    results = features(persons=2, num_clips=3, jitter=0.5)
    persons, graph = (encode(dict(results), format=each)['keypoint'] for each in ('persons', 'graph'))
    assert persons.shape == (3, 2, 24, 16, 25) and graph.shape == (3, 2, 16, 25, 24)
    np.testing.assert_array_equal(persons, graph.transpose(0, 1, 4, 2, 3))
    image = encode(dict(results), format='image')
    np.testing.assert_array_equal(image['imgs'][..., 25:], persons[:, 1])
    np.testing.assert_array_equal(image['imgs'][..., :25], persons[:, 0])
    joints = encode(dict(results), streams=('joint',), format='graph', order=False)['keypoint']
    assert joints.shape == (3, 2, 16, 25, 3)


@pytest.mark.parametrize('mode', ['none', 'fixed', 'sequence', 'global'])
def test_absent_persons_are_black_in_every_mode(mode):
    kwargs = dict(ranges=(-5.0, 5.0)) if mode == 'global' else {}
    image = encode(features(persons=2), mode=mode, **kwargs)['keypoint']
    assert not image[:, 1].any() and image[:, 0].any()


def test_range_of_the_tensor():
    assert np.abs(encode(features())['keypoint']).max() <= 4
    for mode in ('fixed', 'sequence'):
        image = encode(features(), mode=mode)['keypoint']
        assert image.min() >= -1 and image.max() <= 1 and image.max() - image.min() > 0.5
    image = encode(features(), streams=('joint',), mode='global', ranges=(-5.0, 5.0), offset=110.0)['keypoint']
    assert image.min() >= -110 and image.max() <= 145 and image.max() - image.min() > 20


def test_fixed_is_a_round_trip_to_one_step():
    values = np.linspace(-2, 2, 101)
    found = 2 * quantize_fixed(values, 2.0)
    assert np.abs(found - values).max() <= 4 / 255 + 1e-9
    assert quantize_fixed(np.array([-9.0, 9.0]), 2.0).tolist() == [-1, 1]


def test_sequence_by_hand_and_its_invariance():
    """One range for all axes, the largest; minimum per axis; absent persons take no part."""
    values = np.zeros((1, 2, 2, 1, 2))
    values[0, 0, :, 0] = [[1.0, 5.0], [3.0, 6.0]]
    presence = np.array([[[True, True], [False, False]]])
    found = quantize_sequence(values, presence)
    expected = np.array([[0, 0], [255, 127]]) / 127.5 - 1
    np.testing.assert_allclose(found[0, 0, :, 0], expected)
    assert not found[0, 1].any()
    moved = np.where(presence[..., None, None], 3 * values + [7, -2], 0)
    np.testing.assert_allclose(quantize_sequence(moved, presence), found)
    still = np.ones((1, 1, 3, 2, 3))
    np.testing.assert_allclose(quantize_sequence(still, np.ones((1, 1, 3), bool)), -1)


def test_resize_is_bilinear_and_keeps_constants():
    results = features()
    image = encode(dict(results), resize=(32, 50))['keypoint']
    assert image.shape == (1, 1, 24, 32, 50)
    results['streams'] = dict(bone=np.full((1, 40, 25, 3), 0.5))
    constant = encode(dict(results), streams=('bone',), resize=(224, 224))['keypoint']
    np.testing.assert_allclose(constant, 0.5)


def test_channel_of_time_is_the_stretching():
    results = TemporalEnhance(with_time=True, scales=(1,))(features(strength=0.0))
    image = encode(results, streams=('motion',))
    assert image['stream_channels'] == (4,)
    np.testing.assert_allclose(image['keypoint'][0, 0, 3], 0, atol=1e-6)
    warped = encode(TemporalEnhance(with_time=True, scales=(1,))(features(strength=0.9)), streams=('motion',))
    assert np.abs(warped['keypoint'][0, 0, 3]).max() > 0.2


@pytest.mark.parametrize('clip, level', [(0.5, logging.WARNING), (100.0, logging.INFO)])
def test_share_of_cut_values_is_told(clip, level, monkeypatch):
    told = []
    monkeypatch.setattr(skeleton_image, 'print_log', lambda *args: told.append(args))
    transform, results = SkeletonImageEncode(clip=clip), features()
    values = encode(dict(results), clip=None)['keypoint']
    for _ in range(100):
        transform(dict(results))
    # Once, of the clips until then.
    ((text, _, found),) = told
    share = float((np.abs(values) > clip).mean())
    assert found == level and f'{share:.2%} of the values are cut' in text


def test_one_frame_and_a_long_clip():
    single = encode(features(person(1)))['keypoint']
    assert not single[0, 0, 18:].any() and (np.ptp(single, axis=3) < 1e-6).all()
    assert encode(features(person(700)))['keypoint'].shape == (1, 1, 24, 16, 25)


def test_bad_arguments_are_told():
    for bad in (dict(mode='pixels'), dict(format='cube'), dict(mode='global'), dict(mode='fixed', ranges={})):
        with pytest.raises(ValueError):
            SkeletonImageEncode(**bad)
    with pytest.raises(ValueError, match="no stream 'limb'.*'key', 'bone', 'motion'"):
        encode(features(), streams=('limb',))
