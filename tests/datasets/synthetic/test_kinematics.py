import numpy as np
import pytest

from vlplugins.datasets.synthetic.kinematics import forward_kinematics, rotation_matrix


def test_quarter_turns_by_hand():
    quarter = np.pi / 2
    np.testing.assert_allclose(rotation_matrix([0, 0, quarter]) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(rotation_matrix([quarter, 0, 0]) @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(rotation_matrix([0, 0, 0]), np.eye(3), atol=1e-12)


def test_rotation_agrees_with_scipy():
    from scipy.spatial.transform import Rotation

    vectors = np.random.default_rng(0).normal(size=(20, 3)) * 2
    np.testing.assert_allclose(rotation_matrix(vectors), Rotation.from_rotvec(vectors).as_matrix(), atol=1e-12)


def test_arm_of_two_bones_by_hand():
    """Root at (1, 0, 0), upper arm and forearm of length 1 along x; joints may be listed before their parents."""
    parents = [1, 2, -1]
    offsets = np.array([[1.0, 0, 0], [1.0, 0, 0], [1.0, 0, 0]])
    turns = {2: np.array([[0, 0, 0], [0, 0, np.pi / 2]]), 1: np.array([[0, 0, np.pi / 2], [0, 0, np.pi / 2]])}
    joints = forward_kinematics(parents, offsets, turns, 2)
    np.testing.assert_allclose(joints[0], [[2, 1, 0], [2, 0, 0], [1, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(joints[1], [[0, 1, 0], [1, 1, 0], [1, 0, 0]], atol=1e-12)


@pytest.mark.parametrize('parents, message', [([-1, -1, 0], 'roots'), ([-1, 2, 1], 'do not hang')])
def test_what_is_no_tree_is_told(parents, message):
    with pytest.raises(ValueError, match=message):
        forward_kinematics(parents, np.zeros((3, 3)), {}, 1)
