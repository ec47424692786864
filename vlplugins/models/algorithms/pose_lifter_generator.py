"""Lifting of poses from the screen into space, trained with generated poses too."""

import logging
from typing import Any, Dict, List, Optional, Tuple

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from vlplugins.models.layers.pose_generator.generator import GeneratedPoses
from vlplugins.registry import MODELS
from vlplugins.structures.pose_lifting_data_sample import PoseLiftingDataSample
from vlplugins.structures.skeleton_layout import H36M16

_MIXES = ('joint', 'separate')
_ACTIVE = ('both', 'real', 'generated')


def pose_errors(predicted: Tensor, target: Tensor, kind: str = 'mse') -> Tensor:
    """Error ``[N]`` of each pose ``[N, V, 3]``.

    ``'mse'``: mean square over joints and coordinates, in square metres; ``'mpjpe'``: mean distance, in metres.
    """
    difference = predicted.float() - target.float()
    if kind == 'mse':
        return difference.square().mean(dim=(1, 2))
    return (difference.square().sum(dim=-1) + 1e-12).sqrt().mean(dim=1)


@MODELS.register_module()
class PoseGULifter(BaseModel):
    """A lifter that learns from real pairs and, by counterfactual risk, from generated ones (PoseGU).

    ``L = mean of the errors of real pairs + L_crm(errors and weights of generated pairs)``. Generated pairs come with
    the batch (``is_generated`` and ``weight`` of the samples, from a ``GeneratedPoseDataset``), or with ``online`` from
    the generator in every step. Generator and loss are needed in training alone: a checkpoint of backbone and head
    loads strictly.

    Args:
        backbone: Config of a backbone from ``[N, 2 V, 1]`` to a tuple of maps (``mmpose.TCN``, ``SemGCN``, ...).
        head: Config of a head from those maps to ``[N, V, 3]``.
        generator: Config of the generator.
        crm_loss: Config of the loss of generated pairs; ``None``: their plain mean.
        error: ``'mse'`` or ``'mpjpe'``, see :func:`pose_errors`.
        mix: ``'joint'``: real and generated poses pass the network together, and share the statistics of batch
            normalisation; ``'separate'``: one after the other.
        online: Generate poses in every training step.
        num_generated: How many a step; by default as many as there are real ones.
        test_cfg: ``flip_test``: average the prediction with that of the mirrored pose.
        data_preprocessor: Config.
        init_cfg: Initialisation.

    Raises:
        ValueError: an unknown mix or error, or ``online`` without generator.
    """

    def __init__(
        self,
        backbone: Dict[str, Any],
        head: Dict[str, Any],
        generator: Optional[Dict[str, Any]] = None,
        crm_loss: Optional[Dict[str, Any]] = None,
        error: str = 'mse',
        mix: str = 'joint',
        online: bool = False,
        num_generated: Optional[int] = None,
        test_cfg: Optional[Dict[str, Any]] = None,
        data_preprocessor: Optional[Dict[str, Any]] = None,
        init_cfg: Optional[Dict[str, Any]] = None,
    ) -> None:
        super().__init__(
            MODELS.build(data_preprocessor or dict(type='vlplugins.PoseLiftingDataPreprocessor')), init_cfg
        )
        if mix not in _MIXES or error not in ('mse', 'mpjpe'):
            raise ValueError(f"mix {mix!r} must be one of {_MIXES}, and error {error!r} 'mse' or 'mpjpe'")
        if online and generator is None:
            raise ValueError('online generation needs a generator')
        self.backbone, self.head = MODELS.build(backbone), MODELS.build(head)
        self.generator = None if generator is None else MODELS.build(generator)
        plain = dict(type='vlplugins.CounterfactualRiskLoss', estimator='mean', var_weight=0.0)
        self.crm_loss = MODELS.build(crm_loss or plain)
        self.learns_generated = online or crm_loss is not None
        self.error, self.mix, self.online, self.num_generated = error, mix, online, num_generated
        self.test_cfg = dict(test_cfg or {})
        # Hooks may switch generated poses on late, and let real and generated batches alternate.
        self.generation_enabled = True
        self.active = 'both'
        self.num_skipped = 0

    def lift(self, inputs: Tensor) -> Tensor:
        """Joints ``[N, V, 3]`` in metres of screen coordinates ``[N, 2 V, 1]``; the root is as the network gives it."""
        return self.head(self.backbone(inputs))

    def forward(
        self,
        inputs: Tensor,
        data_samples: Optional[List[PoseLiftingDataSample]] = None,
        targets: Optional[Dict[str, Tensor]] = None,
        mode: str = 'tensor',
    ) -> Any:
        """Losses (``'loss'``), samples with predictions (``'predict'``), or joints (``'tensor'``).

        Raises:
            ValueError: another mode; a loss without poses in space.
        """
        if mode == 'tensor':
            return self.lift(inputs)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode != 'loss':
            raise ValueError(f"mode {mode!r} must be 'loss', 'predict' or 'tensor'")
        if targets is None:
            raise ValueError('the batch holds no poses in space (lifting_target) to learn from')
        return self.loss(inputs, targets)

    def loss(self, inputs: Tensor, targets: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """Losses of a batch and of the poses generated for it.

        A batch of one real pose that would pass a batch normalisation alone is counted (``num_skipped``) and has a
        loss of zero: it has no statistics.
        """
        if len(inputs) < 2 and self._normalises_alone():
            return self._skip()
        fakes, log = None, {}
        if self.online and self.generation_enabled and self.active != 'real':
            fakes = self.generate(self.num_generated or len(inputs), inputs.device)
            log = generation_log(fakes)
        errors, weights, is_generated, valid = self._errors_of(inputs, targets, fakes)
        is_real = (~is_generated).to(errors.dtype)
        losses: Dict[str, Tensor] = {}
        if self.active != 'generated':
            losses['loss_real'] = (errors * is_real).sum() / is_real.sum().clamp(min=1)
        if self.active != 'real' and self.generation_enabled and self.learns_generated:
            losses.update(self.crm_loss(errors, weights, is_generated & valid))
        return {**losses, **log}

    def _normalises_alone(self) -> bool:
        """Whether real poses are normalised by their own statistics."""
        is_joined = self.online and self.generation_enabled and self.mix == 'joint' and self.active == 'both'
        is_left_out = self.online and self.active == 'generated'
        norms = (each for each in (*self.backbone.modules(), *self.head.modules()) if isinstance(each, _BatchNorm))
        return not is_joined and not is_left_out and any(each.training for each in norms)

    def _skip(self) -> Dict[str, Tensor]:
        self.num_skipped += 1
        print_log(f'PoseGULifter: batches of one pose left out: {self.num_skipped}', 'current', logging.WARNING)
        # Every parameter takes part, which DistributedDataParallel waits for.
        tied = [each.sum() for each in self.parameters() if each.requires_grad]
        return dict(loss_real=0 * sum(tied))

    def generate(self, count: int, device: torch.device) -> GeneratedPoses:
        """Poses to learn from, without gradient; the random numbers follow from PyTorch's generator on the CPU."""
        rng = torch.Generator(device).manual_seed(int(torch.randint(2**62, ())))
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            return self.generator(count, rng).detach()

    def _errors_of(
        self, inputs: Tensor, targets: Dict[str, Tensor], fakes: Optional[GeneratedPoses]
    ) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        """Errors, weights, and masks of what is generated and of what is valid, ``[N]`` each, fakes last."""
        truth, weight, is_generated = targets['keypoints_3d'], targets['weight'], targets['is_generated']
        valid = torch.ones_like(is_generated)
        if fakes is None:
            return pose_errors(self.lift(inputs), truth, self.error), weight, is_generated, valid
        seen = fakes.pose2d.flatten(1)[..., None].to(inputs.dtype)
        if self.mix == 'joint' and self.active == 'both':
            predicted = self.lift(torch.cat([inputs, seen]))
        elif self.active == 'both':
            predicted = torch.cat([self.lift(inputs), self.lift(seen)])
        else:
            predicted = self.lift(seen)
        if self.active == 'generated':
            everything = torch.ones_like(fakes.valid)
            return pose_errors(predicted, fakes.relative, self.error), fakes.weight, everything, fakes.valid
        errors = pose_errors(predicted, torch.cat([truth, fakes.relative.to(truth.dtype)]), self.error)
        return (
            errors,
            torch.cat([weight, fakes.weight.to(weight.dtype)]),
            torch.cat([is_generated, torch.ones_like(fakes.valid)]),
            torch.cat([valid, fakes.valid]),
        )

    def predict(
        self, inputs: Tensor, data_samples: Optional[List[PoseLiftingDataSample]] = None
    ) -> List[PoseLiftingDataSample]:
        """Samples with ``pred_keypoints_3d``, metres relative to the root."""
        joints = self.lift(inputs)
        if self.test_cfg.get('flip_test', False):
            joints = (joints + self._lift_mirrored(inputs)) / 2
        joints = (joints - joints[:, :1]).float()
        samples = data_samples or [PoseLiftingDataSample() for _ in joints]
        for sample, pose in zip(samples, joints):
            sample.pred_keypoints_3d = pose
        return samples

    def _lift_mirrored(self, inputs: Tensor) -> Tensor:
        flip = list(H36M16.flip_indices)
        points = inputs.reshape(len(inputs), -1, 2)[:, flip]
        mirrored = torch.stack([-points[..., 0], points[..., 1]], dim=-1)
        joints = self.lift(mirrored.flatten(1)[..., None])[:, flip]
        return torch.cat([-joints[..., :1], joints[..., 1:]], dim=-1)


def generation_log(fakes: GeneratedPoses) -> Dict[str, Tensor]:
    """What is logged of generated poses: rejected views, valid ones, distance between neighbours (mm)."""
    pairs = (fakes.before_view - fakes.before_view.roll(1, dims=0)).norm(dim=-1).mean()
    return {
        'gen/reject_rate': fakes.first_rejected,
        'gen/valid': fakes.valid.float().mean(),
        'gen/diversity': 1000 * pairs,
    }
