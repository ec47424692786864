"""Poses for tests."""

from typing import Optional, Tuple

import torch
from torch import Tensor

from vlplugins.models.layers.pose_generator.codec import EncodedPose, LocalSphericalCodec

LENGTHS = (0.13, 0.45, 0.44, 0.13, 0.45, 0.44, 0.23, 0.25, 0.20, 0.15, 0.28, 0.25, 0.15, 0.28, 0.25)
PINHOLE = (2.29, 2.29, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def random_angles(count: int, seed: int = 0, codec: Optional[LocalSphericalCodec] = None) -> Tensor:
    """Angles ``[N, 11, 2]``, uniform within the limits."""
    codec = codec or LocalSphericalCodec()
    low, high = codec.limits[..., 0], codec.limits[..., 1]
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(count, *low.shape, generator=generator)


def pose_of(angles: Tensor, codec: Optional[LocalSphericalCodec] = None) -> Tensor:
    """Poses ``[N, 16, 3]`` about the origin; axes are the person's left, up and front."""
    count = len(angles)
    torso = torch.tensor([[-1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]).expand(count, 4, 3)
    frames = torch.eye(3).expand(count, 2, 3, 3)
    body = EncodedPose(torch.tensor(LENGTHS).expand(count, 15), angles, torso, frames, torch.zeros(count, 1, 3))
    return (codec or LocalSphericalCodec()).decode(body)


def rest_clavicles(angles: Tensor) -> Tensor:
    """The angles with clavicles at rest, so that both frames of the torso stay what they are."""
    return angles.index_fill(1, torch.tensor([3, 4]), 0.0)


def poses_before_camera(count: int, seed: int = 0) -> Tuple[Tensor, Tensor]:
    """Poses ``[N, 16, 3]`` upright and 5 m before a pinhole camera, and the camera of each ``[N, 9]``."""
    poses = pose_of(rest_clavicles(random_angles(count, seed))) * torch.tensor([1.0, -1.0, -1.0])
    return poses + torch.tensor([0.1, 0.0, 5.0]), torch.tensor(PINHOLE).expand(count, 9)


def random_rotations(count: int, seed: int = 0) -> Tensor:
    """Rotations ``[N, 3, 3]``."""
    matrices = torch.linalg.qr(torch.randn(count, 3, 3, generator=torch.Generator().manual_seed(seed)))[0]
    return matrices * torch.linalg.det(matrices)[:, None, None]
