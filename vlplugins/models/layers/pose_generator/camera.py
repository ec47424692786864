"""Projection by a camera with lens distortion, and rotations of bodies."""

import torch
from torch import Tensor


def project_to_2d(points: Tensor, cameras: Tensor) -> Tensor:
    """Screen coordinates of points in camera space, as in VideoPose3D and PoseAug.

    ``x = clamp(X_xy / Z, -1, 1)``, ``r2 = |x|^2``, ``f (x (1 + k1 r2 + k2 r2^2 + k3 r2^3 + p . x) + p r2) + c``.

    Args:
        points: ``[N, V, 3]`` metres: x right, y down, z forward.
        cameras: ``[N, 9]``: focal lengths (2), centre (2), radial (3) and tangential (2) coefficients, in the unit of
            the result. In screen coordinates the width spans -1..1: ``f = 2 f_px / w``.

    Returns:
        ``[N, V, 2]``. Points behind the camera have no image: what is returned for them means nothing.
    """
    focal, centre, radial, tangential = cameras[:, None].split((2, 2, 3, 2), dim=-1)
    flat = (points[..., :2] / points[..., 2:]).clamp(-1, 1)
    square = flat.square().sum(dim=-1, keepdim=True)
    powers = torch.cat([square, square**2, square**3], dim=-1)
    factor = 1 + (radial * powers).sum(dim=-1, keepdim=True) + (tangential * flat).sum(dim=-1, keepdim=True)
    return focal * (flat * factor + tangential * square) + centre


def normalise_screen(pixels: Tensor, width: Tensor, height: Tensor) -> Tensor:
    """Pixels ``[..., 2]`` to screen coordinates: the width spans -1..1, and the aspect is kept."""
    return 2 * pixels / width[..., None] - torch.stack([torch.ones_like(width), height / width], dim=-1)


def rotations_about(axes: Tensor, angles: Tensor) -> Tensor:
    """Rotation matrices ``[N, 3, 3]`` about unit vectors ``[N, 3]`` by angles ``[N]`` in radians (right-hand rule)."""
    x, y, z = axes.unbind(dim=-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    identity = torch.eye(3, dtype=axes.dtype, device=axes.device)
    sine, cosine = angles.sin()[:, None, None], angles.cos()[:, None, None]
    return identity + sine * skew + (1 - cosine) * (skew @ skew)
