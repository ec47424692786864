import pickle

import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.structures.skeleton_layout import (
    COCO17,
    H36M16,
    H36M17,
    KINECT20,
    LAYOUTS,
    NTU25,
    SkeletonLayout,
    conversion_matrix,
    convert_joints,
    convert_scores,
    get_layout,
)


@pytest.mark.parametrize('layout', LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_are_trees_whose_sides_mirror(layout):
    assert len(layout.bones) == layout.num_joints - 1 and layout.root not in [child for child, _ in layout.bones]
    flip = layout.flip_indices
    assert [flip[each] for each in flip] == list(range(layout.num_joints))
    assert [layout.joints[index].replace('left', 'X').replace('right', 'X') for index in flip] == [
        name.replace('left', 'X').replace('right', 'X') for name in layout.joints
    ]
    # The tree is the same on both sides.
    for child, parent in layout.bones:
        assert layout.parents[flip[child]] == flip[parent]
    assert layout.sides.count('left') == layout.sides.count('right')
    # A column is followed by a neighbour on the body, or a new limb begins.
    links = {frozenset(bone) for bone in layout.bones}
    breaks = sum(frozenset(pair) not in links for pair in zip(layout.order, layout.order[1:]))
    assert breaks <= 6
    assert pickle.loads(pickle.dumps(layout)) == layout


def test_sizes_and_indices_that_others_rely_on():
    sizes = {name: layout.num_joints for name, layout in LAYOUTS.items()}
    assert sizes == dict(ntu25=25, kinect20=20, h36m17=17, h36m16=16, coco17=17)
    assert NTU25.anchors == dict(hip=0, neck=20, left_shoulder=4, right_shoulder=8, left_hip=12, right_hip=16)
    assert KINECT20.anchors == dict(hip=0, neck=2, left_shoulder=4, right_shoulder=8, left_hip=12, right_hip=16)
    assert NTU25.root == 20 and KINECT20.root == 2 and H36M16.root == 0
    assert H36M16.parents[1:] == (0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14)
    assert [H36M16.flip_indices[joint] for joint in (1, 2, 3, 10, 11, 12)] == [4, 5, 6, 13, 14, 15]
    assert H36M16.joints == H36M17.joints[:9] + H36M17.joints[10:]
    assert [COCO17.index(name) for name in ('left_shoulder', 'right_wrist', 'left_hip', 'right_ankle')] == [
        5,
        10,
        11,
        16,
    ]
    assert get_layout('nturgb+d') is NTU25 and get_layout(COCO17) is COCO17


def test_column_order_is_that_of_whole_limbs():
    names = [NTU25.joints[index] for index in NTU25.order]
    assert names[:5] == ['head', 'neck', 'thorax', 'spine', 'pelvis'] and names[9:11] == ['left_thumb', 'left_hand_tip']


def test_conversions_by_hand():
    points = np.random.default_rng(0).normal(size=(2, 17, 3)).astype(np.float32)
    poses = convert_joints(points, 'h36m17', 'h36m16')
    assert poses.dtype == np.float32 and np.array_equal(poses, np.delete(points, 9, axis=1))
    coco = convert_joints(points, 'coco17', 'h36m16')
    pelvis, thorax = (points[:, 11] + points[:, 12]) / 2, (points[:, 5] + points[:, 6]) / 2
    expected = {0: pelvis, 8: thorax, 7: (pelvis + thorax) / 2, 9: points[:, :5].mean(axis=1), 1: points[:, 12]}
    for joint, value in expected.items():
        np.testing.assert_allclose(coco[:, joint], value, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(coco[:, [6, 10, 15]], points[:, [15, 5, 10]])
    neck = convert_joints(points, 'coco17', 'h36m17')[:, 9]
    np.testing.assert_allclose(neck, (thorax + points[:, :5].mean(axis=1)) / 2, atol=1e-6)
    kinect = convert_joints(np.arange(25.0)[:, None], 'ntu25', 'kinect20')[:, 0]
    assert kinect.tolist() == [0, 1, 20, 3, *range(4, 20)]
    np.testing.assert_allclose(conversion_matrix('coco17', 'h36m16').sum(axis=1), 1)


def test_a_joint_is_as_sure_as_the_least_sure_of_its_parts():
    scores = np.linspace(0.1, 0.9, 17).astype(np.float32)
    converted = convert_scores(scores, 'coco17', 'h36m16')
    assert converted[0] == scores[11] and converted[9] == scores[0] and converted[15] == scores[10]


def test_what_cannot_be_converted_is_named():
    with pytest.raises(ValueError, match='left_hand_tip'):
        conversion_matrix('kinect20', 'ntu25')
    with pytest.raises(ValueError, match='nose'):
        conversion_matrix('h36m16', 'coco17')
    with refused("17 joints.*h36m17.*16 joints in the layout 'h36m16'"):
        H36M16.check(np.zeros((4, 17, 3)), 'poses.npz', 3)
    with pytest.raises(ValueError, match='no skeleton layout'):
        get_layout('smpl')
    with pytest.raises(ValueError, match='no joint'):
        H36M16.index('nose')


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(parents=(0, 0)), '2 parents for 3'),
        (dict(parents=(0, 1, 0)), 'roots'),
        (dict(parents=(0, 2, 1)), 'does not hang'),
        (dict(parents=(0, 0, 7)), 'no indices'),
        (dict(order=(0, 1, 1)), 'permutation'),
        (dict(joints=('a', 'a', 'b')), 'differ'),
    ],
)
def test_layouts_of_users_are_checked(changes, message):
    arguments = dict(name='mine', joints=('a', 'b', 'c'), parents=(0, 0, 1))
    assert get_layout(arguments).order == (0, 1, 2)
    with pytest.raises(ValueError, match=message):
        SkeletonLayout(**{**arguments, **changes})
