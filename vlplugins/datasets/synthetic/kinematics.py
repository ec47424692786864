"""Forward kinematics of a tree of joints, for generators of skeletons."""

from typing import Dict, Sequence

import numpy as np


def rotation_matrix(vectors: np.ndarray) -> np.ndarray:
    """Rotation matrices of rotation vectors (Rodrigues' formula).

    Args:
        vectors: ``[..., 3]``; direction is the axis, length the angle in radians (right-hand rule).

    Returns:
        ``[..., 3, 3]``; ``matrix @ column`` rotates.
    """
    vectors = np.asarray(vectors, dtype=float)
    angle = np.linalg.norm(vectors, axis=-1, keepdims=True)
    axis = vectors / np.maximum(angle, 1e-12)
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*axis.shape, 3)
    sine, cosine = np.sin(angle)[..., None], np.cos(angle)[..., None]
    return np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)


def forward_kinematics(
    parents: Sequence[int], offsets: np.ndarray, rotations: Dict[int, np.ndarray], length: int
) -> np.ndarray:
    """Positions of the joints of a tree.

    Args:
        parents: Parent of each joint, listed in any order; the root (there is one) has itself or -1.
        offsets: ``[V, 3]``; each joint relative to its parent in the rest pose, metres. The root's is its position.
        rotations: Rotation vectors ``[T, 3]`` of joints that turn; they turn what hangs on the joint, in the frame of
            its parent. Joints that are not named keep the rest pose.
        length: Frames ``T``.

    Returns:
        ``[T, V, 3]`` metres.

    Raises:
        ValueError: the parents do not form one tree.
    """
    count = len(parents)
    positions = np.zeros((length, count, 3))
    frames: Dict[int, np.ndarray] = {}
    roots = [joint for joint in range(count) if parents[joint] in (-1, joint)]
    todo = [joint for joint in range(count) if joint not in roots]
    if len(roots) != 1:
        raise ValueError(f'found the roots {roots}; expected one')
    root = roots[0]
    positions[:, root] = offsets[root]
    frames[root] = _turn(rotations, root, length)
    while todo:
        ready = [joint for joint in todo if parents[joint] in frames]
        if not ready:
            raise ValueError(f'joints {todo} do not hang on the root {root}')
        for joint in ready:
            parent = parents[joint]
            positions[:, joint] = positions[:, parent] + frames[parent] @ offsets[joint]
            frames[joint] = frames[parent] @ _turn(rotations, joint, length)
        todo = [joint for joint in todo if joint not in ready]
    return positions


def _turn(rotations: Dict[int, np.ndarray], joint: int, length: int) -> np.ndarray:
    if joint not in rotations:
        return np.broadcast_to(np.eye(3), (length, 3, 3))
    return np.broadcast_to(rotation_matrix(rotations[joint]), (length, 3, 3))
