"""The few poses that all others are made of."""

from typing import Optional

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from vlplugins.models.layers.pose_generator.codec import EncodedPose, LocalSphericalCodec
from vlplugins.registry import MODELS

_STRATEGIES = ('random', 'farthest')


@MODELS.register_module()
class SeedPoseBank(nn.Module):
    """Holds seed poses, their encoding and their cameras. Nothing of it is saved with a checkpoint.

    It is empty until :meth:`fill`; a hook does that from the training set.

    Args:
        num_seeds: Seeds to keep; ``None`` keeps all.
        strategy: ``'random'``, or ``'farthest'``: each next seed is the one whose angles are farthest from those
            chosen, so that poses that repeat are taken once.
        seed: Seed of the choice, the same in all processes.

    Raises:
        ValueError: fewer than one seed, or an unknown strategy.
    """

    _TENSORS = ('lengths', 'angles', 'torso', 'frames', 'root')

    def __init__(self, num_seeds: Optional[int] = None, strategy: str = 'random', seed: int = 0) -> None:
        super().__init__()
        if num_seeds is not None and num_seeds < 1:
            raise ValueError(f'num_seeds {num_seeds} must be at least 1')
        if strategy not in _STRATEGIES:
            raise ValueError(f'strategy {strategy!r} must be one of {_STRATEGIES}')
        self.num_seeds, self.strategy, self.seed = num_seeds, strategy, seed
        for name in (*self._TENSORS, 'poses', 'cameras'):
            self.register_buffer(name, None, persistent=False)

    def __len__(self) -> int:
        return 0 if self.poses is None else len(self.poses)

    @property
    def encoded(self) -> EncodedPose:
        """The seeds in local coordinates."""
        self.check()
        return EncodedPose(**{name: getattr(self, name) for name in self._TENSORS})

    @property
    def relative(self) -> Tensor:
        """The seeds ``[S, 16, 3]`` relative to their roots."""
        return self.poses - self.poses[:, :1]

    def check(self) -> None:
        """Check that there are seeds.

        Raises:
            ValueError: there is none.
        """
        if not len(self):
            raise ValueError(
                'the bank holds no seed poses; fill it before poses are generated '
                "(in a config: custom_hooks=[dict(type='SeedBankHook')])"
            )

    @torch.no_grad()
    def fill(self, poses: Tensor, cameras: Tensor, codec: LocalSphericalCodec) -> None:
        """Choose seeds among poses, encode them, and bring movable angles into the limits (counted in the log).

        Args:
            poses: ``[N, 16, 3]``, metres in camera space.
            cameras: ``[N, 9]``, the camera of each, for screen coordinates.
            codec: The codec.

        Raises:
            ValueError: no pose, more seeds asked for than poses given, or a pose that cannot be encoded.
        """
        if not len(poses) or len(poses) != len(cameras):
            raise ValueError(f'found {len(poses)} poses and {len(cameras)} cameras; expected as many, at least one')
        if self.num_seeds is not None and self.num_seeds > len(poses):
            raise ValueError(f'num_seeds {self.num_seeds} is more than the {len(poses)} poses that there are')
        device = codec.limits.device
        poses, cameras = poses.to(device, torch.float32), cameras.to(device, torch.float32)
        chosen = self._choose(poses, codec)
        encoded = codec.encode(poses[chosen], names=[f'seed pose {index}' for index in chosen.tolist()])
        values, outside = codec.clamp(codec.movable_angles(encoded.angles))
        encoded = encoded.replace(angles=codec.with_movable_angles(encoded.angles, values))
        for name in self._TENSORS:
            setattr(self, name, getattr(encoded, name).contiguous())
        self.poses, self.cameras = codec.decode(encoded), cameras[chosen]
        print_log(
            f'seed poses: {len(chosen)} of {len(poses)}; {int(outside.sum())} of {outside.numel()} angles were '
            f'outside the limits and were brought to them (in {int(outside.any(dim=1).sum())} poses)',
            logger='current',
        )

    def _choose(self, poses: Tensor, codec: LocalSphericalCodec) -> Tensor:
        """Indices ``[S]`` of the seeds, ascending."""
        count = len(poses) if self.num_seeds is None else self.num_seeds
        if count == len(poses):
            return torch.arange(count, device=poses.device)
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(poses), generator=generator).to(poses.device)
        if self.strategy == 'random':
            return order[:count].sort().values
        angles = codec.movable_angles(codec.encode(poses).angles)
        # Angles on the circle as points.
        points = torch.cat([angles.sin(), angles.cos()], dim=1)
        chosen = [order[:1]]
        nearest = (points - points[chosen[0]]).square().sum(dim=1)
        for _ in range(count - 1):
            chosen.append(nearest.argmax(dim=0, keepdim=True))
            nearest = torch.minimum(nearest, (points - points[chosen[-1]]).square().sum(dim=1))
        return torch.cat(chosen).sort().values

    def draw(self, count: int, generator: Optional[torch.Generator] = None) -> Tensor:
        """Indices ``[count]`` of seeds, uniformly and with replacement."""
        self.check()
        return torch.randint(len(self), (count,), generator=generator, device=self.poses.device)
