"""Writing of skeletons in the raw text formats of real sets."""

from pathlib import Path
from typing import Dict, Sequence

import numpy as np

from vlplugins.datasets.synthetic.kinematics import rotation_matrix

# IDs of the size that the real files have: as floating-point numbers neighbours become equal.
FIRST_BODY_ID = 72057594037931101
_DEPTH_FOCAL, _DEPTH_CENTRE = 365.0, (256.0, 212.0)
_COLOUR_FOCAL, _COLOUR_CENTRE = 1060.0, (960.0, 540.0)
# x y z, pixel of depth and colour, quaternion of the identity, tracked.
_JOINT_LINES = '\n'.join(['%.5f %.5f %.5f %.1f %.1f %.1f %.1f 0 0 0 1 2'] * 25)


def bump(length: int, peak: float, half_width: float) -> np.ndarray:
    """A smooth rise and fall ``[T]``, 1 at the peak, 0 from ``half_width + 1`` frames away on."""
    distance = np.abs(np.arange(length) - peak) / (half_width + 1)
    return np.where(distance < 1, 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance, 1)), 0.0)


def turn_about_vertical(points: np.ndarray, degrees: float) -> np.ndarray:
    """Points ``[..., 3]`` turned about y."""
    return points @ rotation_matrix(np.array([0.0, np.radians(degrees), 0.0])).T


def format_skeleton_file(bodies: Sequence[np.ndarray]) -> str:
    """Content of a ``.skeleton`` file of NTU RGB+D.

    Args:
        bodies: For each body ``[T, 25, 3]`` metres in the camera's space (x to its left, y up, z away from it); frames
            that are not finite lack the body.
    """
    columns = []
    for joints in bodies:
        depth = np.where(np.isfinite(joints[..., 2]), np.maximum(joints[..., 2], 0.1), 1.0)
        pixels = []
        for focal, (across, down) in ((_DEPTH_FOCAL, _DEPTH_CENTRE), (_COLOUR_FOCAL, _COLOUR_CENTRE)):
            pixels += [across - focal * joints[..., 0] / depth, down - focal * joints[..., 1] / depth]
        columns.append(np.concatenate([joints, np.stack(pixels, axis=-1)], axis=-1).reshape(len(joints), -1))
    lines = [str(len(bodies[0]))]
    for frame in range(len(bodies[0])):
        shown = [index for index, joints in enumerate(bodies) if np.isfinite(joints[frame]).all()]
        lines.append(str(len(shown)))
        for index in shown:
            lines += [f'{FIRST_BODY_ID + 4 * index} 0 1 1 1 1 0 0.01 -0.02 2', '25']
            lines.append(_JOINT_LINES % tuple(columns[index][frame]))
    return '\n'.join(lines) + '\n'


def format_utkinect_joints(numbers: np.ndarray, joints: np.ndarray) -> str:
    """Content of a ``joints_sXX_eYY.txt`` of UTKinect: frame numbers ``[T]`` and joints ``[T, 20, 3]`` in metres."""
    rows = joints.reshape(len(joints), -1)
    return ''.join(f'{number}  ' + '  '.join(f'{x:.5f}' for x in row) + '\n' for number, row in zip(numbers, rows))


def write_files(folder: Path, contents: Dict[str, str]) -> None:
    """Write texts into a folder, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text, encoding='utf-8')
