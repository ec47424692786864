"""Poses made of seed poses: posture, size, view, projection, rejection, and the weight of each."""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence

import torch
from torch import Tensor, nn

from vlplugins.models.layers.pose_generator.camera import project_to_2d
from vlplugins.models.layers.pose_generator.codec import LocalSphericalCodec
from vlplugins.models.layers.pose_generator.weighting import BankTarget
from vlplugins.registry import MODELS


@dataclass
class GeneratedPoses:
    """Poses of a generator.

    Attributes:
        pose3d: ``[N, 16, 3]`` metres in camera space.
        pose2d: ``[N, 16, 2]`` screen coordinates.
        camera: ``[N, 9]``.
        angles: ``[N, 11, 2]`` radians.
        ratios: ``[N, 9]``, change of the bones' lengths.
        before_view: ``[N, 16, 3]``, the pose relative to its root before the view.
        seed_index: ``[N]``.
        log_q: ``[N]``, log density under the generator; zeros without weights.
        log_pi: ``[N]``, log density under the target.
        weight: ``[N]``, ones without weights.
        valid: ``[N]``, False for what stayed behind the camera, outside the picture, or is not finite.
        first_rejected: A scalar, share of the samples whose first view was rejected.
    """

    pose3d: Tensor
    pose2d: Tensor
    camera: Tensor
    angles: Tensor
    ratios: Tensor
    before_view: Tensor
    seed_index: Tensor
    log_q: Tensor
    log_pi: Tensor
    weight: Tensor
    valid: Tensor
    first_rejected: Tensor

    @property
    def relative(self) -> Tensor:
        """Poses ``[N, 16, 3]`` relative to their roots."""
        return self.pose3d - self.pose3d[:, :1]

    def detach(self) -> 'GeneratedPoses':
        """Without gradient."""
        return GeneratedPoses(**{name: value.detach() for name, value in vars(self).items()})

    def compact(self) -> 'GeneratedPoses':
        """Without what is not valid (which waits for a GPU)."""
        kept = {name: value[self.valid] if value.dim() else value for name, value in vars(self).items()}
        return GeneratedPoses(**kept)


@MODELS.register_module()
class PoseGenerator(nn.Module):
    """Makes 2D-3D pairs of seed poses (the parts posture, size and view follow PoseAug; distributions are our own).

    A seed is drawn, its angles are changed by the posture policy, its bones by ``size``; the body is turned and placed
    by ``view``, and projected by the camera. A sample is kept if all joints are farther than ``min_depth`` and inside
    the picture, and all movable angles within the limits. Otherwise size and view are drawn again, up to
    ``max_retry`` times; the posture is not, so that its density stays that of the policy. What is still bad is marked.

    Args:
        codec: Config of the codec.
        bank: Config of the seed bank.
        posture: Config of the posture policy; ``None`` keeps the postures of the seeds.
        size: Config of the size; ``None`` keeps the lengths of the seeds.
        view: Config of the view; ``None`` keeps heading and place of the seeds.
        camera: 9 numbers of one camera in screen units (see :func:`project_to_2d`); ``None``: that of the seed.
        propensity: Config of the weights; ``None``: all are 1.
        max_retry: Further views of a sample.
        min_depth: Metres.
        box: Largest absolute screen coordinate.

    Raises:
        ValueError: weights are asked for, and the policy has no density; a camera that is not 9 numbers.
    """

    def __init__(
        self,
        codec: Optional[Dict[str, Any]] = None,
        bank: Optional[Dict[str, Any]] = None,
        posture: Optional[Dict[str, Any]] = dict(type='vlplugins.FixedGaussianPolicy'),  # noqa: B006  (never changed)
        size: Optional[Dict[str, Any]] = dict(type='vlplugins.BoneLengthSampler'),  # noqa: B006
        view: Optional[Dict[str, Any]] = dict(type='vlplugins.ViewSampler'),  # noqa: B006
        camera: Optional[Sequence[float]] = None,
        propensity: Optional[Dict[str, Any]] = dict(type='vlplugins.PosePropensity'),  # noqa: B006
        max_retry: int = 5,
        min_depth: float = 0.5,
        box: float = 1.0,
    ) -> None:
        super().__init__()
        self.codec: LocalSphericalCodec = MODELS.build(codec or dict(type='vlplugins.LocalSphericalCodec'))
        self.bank = MODELS.build(bank or dict(type='vlplugins.SeedPoseBank'))
        parts = dict(posture=posture, size=size, view=view, propensity=propensity)
        for name, part in parts.items():
            setattr(self, name, None if part is None else MODELS.build(part))
        if self.propensity is not None and (self.posture is None or not self.posture.has_density):
            raise ValueError(
                'weights need a posture policy with a density (with mutate_prob below 1, or without a policy, there is '
                'none): set propensity=None'
            )
        if camera is not None and len(camera) != 9:
            raise ValueError(f'camera has {len(camera)} numbers; expected 9: f (2), centre (2), k (3), p (2)')
        self.register_buffer('camera', None if camera is None else torch.tensor(camera).float(), persistent=False)
        self.max_retry, self.min_depth, self.box = max_retry, min_depth, box

    def set_seeds(self, poses: Tensor, cameras: Tensor) -> None:
        """Fill the seed bank (and that of the target, if it has one); arguments as of :meth:`SeedPoseBank.fill`."""
        self.bank.fill(poses, cameras, self.codec)
        target = getattr(self.propensity, 'target', None)
        if isinstance(target, BankTarget):
            target.bank.fill(poses, cameras, self.codec)
            target.movable = self.codec.movable_rows

    def forward(
        self, count: int, generator: Optional[torch.Generator] = None, with_weights: bool = True
    ) -> GeneratedPoses:
        """Make so many samples. Weights and log densities have no gradient.

        Args:
            count: Samples ``N``.
            generator: Source of randomness, on the device of the seeds.
            with_weights: Work out the weights, if there is a propensity.

        Raises:
            ValueError: the bank is empty.
        """
        seed_index = self.bank.draw(count, generator)
        seeds, seed_poses = self.bank.encoded[seed_index], self.bank.relative[seed_index]
        limits = self.codec.movable_limits
        angles, noise = seeds.angles, None
        if self.posture is not None:
            before = self.codec.movable_angles(seeds.angles)
            values, noise = self.posture.sample(before, seed_poses, *limits, generator)
            angles = self.codec.with_movable_angles(angles, values)
        zero = angles.new_zeros(count)
        weight, log_q, log_pi = torch.ones_like(zero), zero, zero
        if self.propensity is not None and with_weights:
            weight, log_q, log_pi = self.propensity(
                values.detach(),
                self.posture,
                self.codec.movable_angles(self.bank.angles),
                self.bank.relative,
                seed_index,
                limits,
                noise,
                generator,
            )
        camera = self.bank.cameras[seed_index] if self.camera is None else self.camera.expand(count, 9)
        body = seeds.replace(angles=angles, root=torch.zeros_like(seeds.root))
        found = self._seen(body, seed_poses, seed_index, camera, generator)
        return GeneratedPoses(
            camera=camera, angles=angles, seed_index=seed_index, log_q=log_q, log_pi=log_pi, weight=weight, **found
        )

    def _seen(self, body, seed_poses, seed_index, camera, generator) -> Dict[str, Tensor]:
        """Size, view and projection, drawn again where they are rejected."""
        tries = self.max_retry if self.view is not None or self.size is not None else 0
        kept = self._try(body, seed_poses, seed_index, camera, generator)
        first_rejected = 1 - kept['valid'].float().mean()
        for _ in range(tries):
            # On a GPU all views are drawn again, because to ask whether any is bad would wait for it.
            if not kept['valid'].is_cuda and bool(kept['valid'].all()):
                break
            again = self._try(body, seed_poses, seed_index, camera, generator)
            good = kept['valid']
            kept = {
                name: torch.where(good.view(-1, *[1] * (old.dim() - 1)), old, again[name]) for name, old in kept.items()
            }
        # What is not finite would spoil the statistics of a batch although its loss is left out.
        for name in ('pose3d', 'pose2d', 'before_view'):
            kept[name] = torch.where(kept['finite'][:, None, None], kept[name], torch.zeros_like(kept[name]))
        kept.pop('finite')
        return dict(kept, first_rejected=first_rejected)

    def _try(self, body, seed_poses, seed_index, camera, generator) -> Dict[str, Tensor]:
        lengths, ratios = body.lengths, body.lengths.new_zeros(len(seed_index), 9)
        if self.size is not None:
            lengths, ratios = self.size(lengths, self.bank.lengths, seed_poses, generator)
        poses = self.codec.decode(body.replace(lengths=lengths))
        pose3d = poses + self.bank.root[seed_index]
        if self.view is not None:
            pose3d = self.view(poses, body.frames[:, 0, :, 1], self.bank.root[:, 0], generator)
        pose2d = project_to_2d(pose3d, camera)
        finite = pose3d.isfinite().flatten(1).all(dim=1) & pose2d.isfinite().flatten(1).all(dim=1)
        low, high = self.codec.movable_limits
        angles = self.codec.movable_angles(body.angles)
        within = ((angles >= low) & (angles <= high)).all(dim=1)
        in_front = (pose3d[..., 2] > self.min_depth).all(dim=1)
        inside = (pose2d.abs() <= self.box).flatten(1).all(dim=1)
        valid = finite & within & in_front & inside
        return dict(pose3d=pose3d, pose2d=pose2d, before_view=poses, ratios=ratios, valid=valid, finite=finite)
