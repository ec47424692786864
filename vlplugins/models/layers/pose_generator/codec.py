"""A pose as bones in local spherical coordinates along the tree of the skeleton, and back."""

from dataclasses import dataclass
from typing import Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.layers.pose_generator.bones import (
    BASES,
    CARRIER,
    DEFAULT_LIMITS,
    DEFAULT_MOVABLE,
    LIMBS,
    LOWER,
    NUM_BONES,
    NUM_FREE,
    NUM_JOINTS,
    PARENTS,
    TORSO,
    Range,
)
from vlplugins.registry import MODELS
from vlplugins.structures.skeleton_layout import H36M16


@dataclass
class EncodedPose:
    """Poses in local coordinates.

    Attributes:
        lengths: ``[N, 15]`` metres.
        angles: ``[N, 11, 2]``, azimuth and elevation in radians of the bones :data:`LIMBS`.
        torso: ``[N, 4, 3]``, unit vectors of the bones :data:`TORSO` in camera space.
        frames: ``[N, 2, 3, 3]``, lower and upper frame of the torso; columns are the person's left, up and front.
        root: ``[N, 1, 3]``, place of the pelvis.
    """

    lengths: Tensor
    angles: Tensor
    torso: Tensor
    frames: Tensor
    root: Tensor

    def __getitem__(self, index: Tensor) -> 'EncodedPose':
        return EncodedPose(**{name: value[index] for name, value in vars(self).items()})

    def replace(self, **changes: Tensor) -> 'EncodedPose':
        """A copy with other tensors."""
        return EncodedPose(**{**vars(self), **changes})


def rotate_minimally(vectors: Tensor, start: Tensor, end: Tensor, turn_about: Tensor, inverse: bool = False) -> Tensor:
    """Turn vectors ``[..., 3]`` by the smallest rotation that takes one unit vector ``[..., 3]`` to another, or back.

    ``R x = c x + w x x + w (w . x) / (1 + c)`` with ``w = start x end`` and ``c = start . end``. Where they are
    opposite it is the half turn about ``turn_about``, which must be perpendicular to both. Without matrices: products
    of many small ones are slow.
    """
    cross, cosine = torch.linalg.cross(start, end), (start * end).sum(dim=-1, keepdim=True)
    is_opposite = 1 + cosine < 1e-6
    divisor = torch.where(is_opposite, torch.ones_like(cosine), 1 + cosine)
    around = torch.linalg.cross(cross, vectors)
    turned = cosine * vectors + (-around if inverse else around)
    turned = turned + cross * (cross * vectors).sum(dim=-1, keepdim=True) / divisor
    half_turn = 2 * turn_about * (turn_about * vectors).sum(dim=-1, keepdim=True) - vectors
    return torch.where(is_opposite, half_turn, turned)


def _times(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Matrices ``[..., 3, 3]`` times vectors ``[..., 3]``."""
    return (matrices * vectors[..., None, :]).sum(dim=-1)


def _times_transposed(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Transposed matrices ``[..., 3, 3]`` times vectors ``[..., 3]``."""
    return (matrices * vectors[..., :, None]).sum(dim=-2)


def unit(vectors: Tensor) -> Tensor:
    """Vectors ``[..., 3]`` of length 1."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)


@MODELS.register_module()
class LocalSphericalCodec(nn.Module):
    """Encodes poses of Human3.6M's 16 joints as bone lengths, torso and two angles a limb bone, and decodes them.

    The tree of local spherical coordinates is that of Li et al., *Cascaded Deep Monocular 3D Human Pose Estimation with
    Evolutionary Training Data*, CVPR 2020; frames and limits are our own. Each limb bone ``u`` is seen in a frame
    ``F``: of the lower torso (thighs), of the upper torso (head, clavicles, upper arms), or, for shanks and forearms,
    carried along by the bone above it, by the smallest rotation that takes that bone from rest to where it is. With
    ``v = F^T u`` in the basis ``e1`` (direction at rest), ``e2``, ``e3`` of the bone,

        azimuth = atan2(v2, v1),  elevation = atan2(v3, sqrt(v1^2 + v2^2)),
        v = cos(elevation) (cos(azimuth) e1 + sin(azimuth) e2) + sin(elevation) e3.

    So angles do not change with rigid motions of the body. Bases of the right side mirror those of the left: a mirrored
    pose has the same angles with sides swapped, and the opposite elevation of the head.

    Args:
        limits: Changes to :data:`DEFAULT_LIMITS`: bone to ((azimuth from, to), (elevation from, to)) in degrees.
            ``None``: no limits, the full sphere.
        movable: Bones that a generator may turn; of :data:`LIMBS`.
        frames: ``'local'`` as above, or ``'camera'``: angles in the axes of the camera, for which the anatomical limits
            mean nothing (there are none then).
        eps: Length in metres below which a bone is an error.

    Raises:
        ValueError: a limit whose lower end is not below its upper, or beyond the sphere; an unknown bone; unknown
            frames.
    """

    def __init__(
        self,
        limits: Optional[Dict[int, Tuple[Range, Range]]] = {},  # noqa: B006  (never changed)
        movable: Sequence[int] = DEFAULT_MOVABLE,
        frames: str = 'local',
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        if frames not in ('local', 'camera'):
            raise ValueError(f"frames {frames!r} must be 'local' or 'camera'")
        self.frames, self.eps = frames, eps
        if not movable or not set(movable) <= set(LIMBS):
            raise ValueError(f'movable bones {tuple(movable)} must be some of {sorted(LIMBS)}')
        self.movable = tuple(movable)
        ranges = self._ranges(limits)
        self.register_buffer('limits', torch.deg2rad(torch.tensor(ranges)), persistent=False)
        bases = torch.tensor([BASES[bone] for bone in LIMBS])
        self.register_buffer('bases', bases.transpose(1, 2).contiguous(), persistent=False)
        rows = [LIMBS.index(bone) for bone in self.movable]
        self.register_buffer('movable_rows', torch.tensor(rows), persistent=False)
        self.register_buffer('ancestors', _ancestors(), persistent=False)
        self.register_buffer('parents', torch.tensor(PARENTS), persistent=False)

    def _ranges(self, limits: Optional[Dict[int, Tuple[Range, Range]]]) -> list:
        sphere = ((-180.0, 180.0), (-90.0, 90.0))
        if limits is None or self.frames == 'camera':
            return [sphere for _ in LIMBS]
        limits = {int(bone): each for bone, each in limits.items()}
        unknown = sorted(set(limits) - set(LIMBS))
        if unknown:
            raise ValueError(f'limits of the bones {unknown}; only {sorted(LIMBS)} have angles')
        ranges = {**DEFAULT_LIMITS, **limits}
        for bone, each in ranges.items():
            for (low, high), (least, most), what in zip(each, sphere, ('azimuth', 'elevation')):
                if not least <= low < high <= most:
                    raise ValueError(
                        f'bone {bone}: {what} limits ({low}, {high}) must rise and lie within ({least}, {most}) degrees'
                    )
        return [tuple(map(tuple, ranges[bone])) for bone in LIMBS]

    @property
    def num_angles(self) -> int:
        """Angles that a generator may change: two for each movable bone."""
        return 2 * len(self.movable)

    @property
    def movable_limits(self) -> Tuple[Tensor, Tensor]:
        """Lower and upper limits ``[num_angles]`` of the movable angles, radians."""
        chosen = self.limits[self.movable_rows]
        return chosen[..., 0].flatten(), chosen[..., 1].flatten()

    def movable_angles(self, angles: Tensor) -> Tensor:
        """The angles ``[N, num_angles]`` of movable bones, of all ``[N, 11, 2]``."""
        return angles[:, self.movable_rows].flatten(1)

    def with_movable_angles(self, angles: Tensor, values: Tensor) -> Tensor:
        """All angles ``[N, 11, 2]`` with those ``[N, num_angles]`` of the movable bones put in."""
        return angles.index_copy(1, self.movable_rows, values.unflatten(1, (-1, 2)).to(angles.dtype))

    def clamp(self, angles: Tensor) -> Tuple[Tensor, Tensor]:
        """Movable angles ``[N, num_angles]`` brought into the limits: an azimuth to the nearer end on the circle.

        Returns:
            The angles, and a mask ``[N, num_angles]`` of those that were outside.
        """
        low, high = self.movable_limits
        outside = (angles < low) | (angles > high)

        def distance(end: Tensor) -> Tensor:
            return torch.remainder(angles - end + torch.pi, 2 * torch.pi).sub(torch.pi).abs()

        nearest = torch.where(distance(low) <= distance(high), low, high)
        return torch.where(outside, nearest, angles), outside

    def bone_vectors(self, poses: Tensor) -> Tensor:
        """Bones ``[N, 15, 3]``, child minus parent, of poses ``[N, 16, 3]``."""
        return poses[:, 1:] - poses[:, self.parents]

    def torso_frames(self, poses: Tensor) -> Tensor:
        """Lower and upper frame of the torso ``[N, 2, 3, 3]``; columns are the person's left, up and front."""
        up = torch.stack([poses[:, 7] - poses[:, 0], poses[:, 8] - poses[:, 7]], dim=1)
        left = torch.stack([poses[:, 4] - poses[:, 1], poses[:, 10] - poses[:, 13]], dim=1)
        up = unit(up)
        left = unit(left - (left * up).sum(dim=-1, keepdim=True) * up)
        return torch.stack([left, up, torch.linalg.cross(left, up)], dim=-1)

    def _check(self, poses: Tensor, lengths: Tensor, names: Optional[Sequence[str]]) -> None:
        short = lengths.min(dim=1)
        bad = ~(short.values >= self.eps) | ~poses.isfinite().flatten(1).all(dim=1)
        if bool(bad.any()):
            index = int(bad.nonzero()[0])
            name = names[index] if names is not None else f'pose {index}'
            if not bool(poses[index].isfinite().all()):
                raise ValueError(f'{name}: found a joint that is not finite; expected 16 joints in metres')
            bone = int(short.indices[index])
            raise ValueError(
                f'{name}: bone {bone} ({H36M16.joints[PARENTS[bone]]} to {H36M16.joints[bone + 1]}) is '
                f'{float(short.values[index]):.2g} m long; expected at least {self.eps:g}'
            )

    @torch.no_grad()
    def encode(self, poses: Tensor, names: Optional[Sequence[str]] = None, check: bool = True) -> EncodedPose:
        """Encode poses ``[N, 16, 3]`` in metres, without gradient (atan2 has none at a straight limb).

        Args:
            poses: The poses, of any place and heading.
            names: What error messages call them.
            check: Look for bones without length and joints that are not finite (which waits for a GPU).

        Raises:
            ValueError: another number of joints, a bone without length, or a joint that is not finite.
        """
        if poses.shape[1:] != (NUM_JOINTS, 3):
            raise ValueError(
                f'found poses of shape {tuple(poses.shape)}; expected [N, {NUM_JOINTS}, 3] (of 17 joints of '
                'Human3.6M leave out index 9, between thorax and head)'
            )
        bones = self.bone_vectors(poses)
        lengths = bones.norm(dim=-1)
        if check:
            self._check(poses, lengths, names)
        units = unit(bones)
        frames = self.torso_frames(poses)
        limbs = _times_transposed(self._limb_frames(frames), units[:, list(LIMBS)])
        above, below = limbs[:, :NUM_FREE], limbs[:, NUM_FREE:]
        values = _times_transposed(self.bases, torch.cat([above, self._carry(above, below, inverse=True)], dim=1))
        first, second, third = values.unbind(dim=-1)
        angles = torch.stack([torch.atan2(second, first), torch.atan2(third, torch.hypot(first, second))], dim=-1)
        return EncodedPose(lengths, angles, units[:, list(TORSO)], frames, poses[:, :1])

    def _limb_frames(self, frames: Tensor) -> Tensor:
        """Frames ``[N, 11, 3, 3]`` of the torso that limbs hang on, directly or by the bone above."""
        if self.frames == 'camera':
            identity = torch.eye(3, dtype=frames.dtype, device=frames.device)
            return identity.expand(len(frames), len(LIMBS), 3, 3)
        return frames[:, [0 if bone in LOWER else 1 for bone in LIMBS]]

    def _carry(self, above: Tensor, below: Tensor, inverse: bool = False) -> Tensor:
        """Directions ``[N, 4, 3]`` of shanks and forearms, turned as the bones ``[N, 7, 3]`` above them are turned."""
        if self.frames == 'camera':
            return below
        rows = [LIMBS.index(CARRIER[bone]) for bone in LIMBS[NUM_FREE:]]
        bases = self.bases[rows].to(above.dtype)
        rest, side = bases[..., 0].expand_as(below), bases[..., 2].expand_as(below)
        # In the axes of the frame F: R(F a -> F b) F = F R(a -> b).
        return rotate_minimally(below, rest, above[:, rows], side, inverse)

    def decode(self, encoded: EncodedPose) -> Tensor:
        """Poses ``[N, 16, 3]`` of encoded ones; differentiable in lengths, angles and root."""
        azimuth, elevation = encoded.angles.unbind(dim=-1)
        flat = elevation.cos()
        values = torch.stack([flat * azimuth.cos(), flat * azimuth.sin(), elevation.sin()], dim=-1)
        local = _times(self.bases.to(values.dtype), values)
        above, below = local[:, :NUM_FREE], local[:, NUM_FREE:]
        local = torch.cat([above, self._carry(above, below)], dim=1)
        limbs = _times(self._limb_frames(encoded.frames.to(values.dtype)), local)
        units = torch.cat([encoded.torso.to(values.dtype), limbs], dim=1)
        order = torch.tensor((*TORSO, *LIMBS), device=units.device).argsort()
        bones = units[:, order] * encoded.lengths[..., None]
        return encoded.root + self.ancestors.to(bones.dtype) @ bones


def _ancestors() -> Tensor:
    """Matrix ``[16, 15]``: 1 where a bone lies on the way from the root to a joint."""
    matrix = torch.zeros(NUM_JOINTS, NUM_BONES)
    for bone, parent in enumerate(PARENTS):
        matrix[bone + 1] = matrix[parent]
        matrix[bone + 1, bone] = 1
    return matrix
