"""Pose lifting with a generator that learns against discriminators, and from the lifter."""

from typing import Any, Dict, Tuple

import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn

from vlplugins.models.algorithms.pose_lifter_generator import PoseGULifter, generation_log
from vlplugins.models.layers.pose_discriminators import HistoryPool
from vlplugins.models.layers.pose_generator.camera import project_to_2d
from vlplugins.models.layers.pose_generator.generator import GeneratedPoses
from vlplugins.registry import MODELS

GROUPS = ('lifter', 'generator', 'discriminator3d', 'discriminator2d')


@MODELS.register_module()
class AdversarialPoseGULifter(PoseGULifter):
    """PoseGU whose generator learns: to deceive two discriminators, and to be as hard for the lifter as is wanted.

    One training step is, in this order: a step of the generator (discriminators and lifter are frozen), every
    ``d_interval``-th time a step of each discriminator (fakes from a pool of old and new ones), and, once
    ``lifter_enabled`` is set, a step of the lifter as in :class:`PoseGULifter`. The losses of the generator are those
    of PoseAug. Its optimizers are those of :data:`GROUPS`, as ``GroupedOptimWrapperConstructor`` builds them.

    Args:
        generator: Config of the generator.
        discriminator3d: Config; judges poses before the view.
        discriminator2d: Config; judges them on the screen.
        gan_loss3d: Config of the loss of the first.
        gan_loss2d: Config of the loss of the second.
        range_loss: Config of the loss of the change of posture and size.
        posture_feedback: Config of the feedback on postures, seen as their seeds are; its ``hard_ratio`` may follow a
            hook.
        view_feedback: Config of the feedback on poses in their new view.
        d_interval: Steps of the generator to one of the discriminators.
        pool_size: Fakes that are kept for each discriminator.
        feedback_bn: Mode of the lifter's batch normalisation in the generator's step: ``'eval'``, or ``'train'`` as in
            PoseAug, where its statistics move.
        lifter_enabled: Whether the lifter learns; a ``SlowStartHook`` sets it after the generator's warm-up. Feedback
            begins with it.
        kwargs: Arguments of :class:`PoseGULifter`; ``online`` is always on.

    Raises:
        ValueError: an interval below 1, or an unknown mode of the normalisation.
    """

    def __init__(
        self,
        generator: Dict[str, Any],
        discriminator3d: Dict[str, Any],
        discriminator2d: Dict[str, Any],
        gan_loss3d: Dict[str, Any] = dict(type='vlplugins.LSGANLoss', loss_weight=6.0),  # noqa: B006  (never changed)
        gan_loss2d: Dict[str, Any] = dict(type='vlplugins.LSGANLoss', loss_weight=1.0),  # noqa: B006
        range_loss: Dict[str, Any] = dict(type='vlplugins.AngleRangeLoss'),  # noqa: B006
        posture_feedback: Dict[str, Any] = dict(type='vlplugins.HardnessFeedbackLoss'),  # noqa: B006
        view_feedback: Dict[str, Any] = dict(  # noqa: B006
            type='vlplugins.HardnessFeedbackLoss', hard_ratio=17.0, tolerance=15.0, loss_weight=0.01
        ),
        d_interval: int = 2,
        pool_size: int = 4096,
        feedback_bn: str = 'eval',
        lifter_enabled: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator=generator, **{**kwargs, 'online': True})
        if d_interval < 1 or feedback_bn not in ('eval', 'train'):
            raise ValueError(f"d_interval {d_interval} must be at least 1, and feedback_bn 'eval' or 'train'")
        self.discriminator3d, self.discriminator2d = MODELS.build(discriminator3d), MODELS.build(discriminator2d)
        self.gan_loss3d, self.gan_loss2d = MODELS.build(gan_loss3d), MODELS.build(gan_loss2d)
        self.range_loss = MODELS.build(range_loss)
        self.posture_feedback, self.view_feedback = MODELS.build(posture_feedback), MODELS.build(view_feedback)
        self.pool3d, self.pool2d = HistoryPool(pool_size), HistoryPool(pool_size)
        self.d_interval, self.feedback_bn, self.lifter_enabled = d_interval, feedback_bn, lifter_enabled
        # Saved, so that a resumed run goes on in turn.
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))
        self._step = None

    def train_step(self, data: Any, optim_wrapper: OptimWrapperDict) -> Dict[str, Tensor]:
        """One step of generator, discriminators and lifter; returns what is logged.

        Raises:
            ValueError: other optimizers than :data:`GROUPS`.
        """
        if not isinstance(optim_wrapper, OptimWrapperDict) or set(optim_wrapper.keys()) != set(GROUPS):
            raise ValueError(f'expected an OptimWrapperDict of {GROUPS}, as GroupedOptimWrapperConstructor builds it')
        self._step = int(self.steps) if self._step is None else self._step
        batch = self.data_preprocessor(data, True)
        count = self.num_generated or len(batch['inputs'])
        rng = torch.Generator(batch['inputs'].device).manual_seed(int(torch.randint(2**62, ())))
        log, fakes = self._generator_step(count, rng, optim_wrapper)
        if self._step % self.d_interval == 0:
            log.update(self._discriminator_steps(batch, fakes, rng, optim_wrapper))
        if self.lifter_enabled:
            log.update(self._lifter_step(batch, optim_wrapper['lifter']))
        self._step += 1
        self.steps.fill_(self._step)
        return log

    def _lifter_step(self, batch: Dict[str, Any], wrapper: Any) -> Dict[str, Tensor]:
        # The policy is that of the densities: without the noise of batch statistics.
        self.generator.eval()
        with wrapper.optim_context(self):
            losses = self(**batch, mode='loss')
        self.generator.train()
        total, log = self.parse_losses(losses)
        wrapper.update_params(total)
        return log

    def _generator_step(
        self, count: int, rng: torch.Generator, wrappers: OptimWrapperDict
    ) -> Tuple[Dict[str, Tensor], GeneratedPoses]:
        others = [self.discriminator3d, self.discriminator2d, self.backbone, self.head]
        with _Frozen(*others), wrappers['generator'].optim_context(self):
            fakes = self.generator(count, rng, with_weights=False)
            losses = self.generator_losses(fakes)
        total = sum(losses.values())
        wrappers['generator'].update_params(total)
        log = {name.replace('loss', 'generator'): value.detach() for name, value in losses.items()}
        return {**log, **generation_log(fakes)}, fakes.detach()

    def generator_losses(self, fakes: GeneratedPoses) -> Dict[str, Tensor]:
        """Losses of the generator for what it made."""
        bank = self.generator.bank
        seeds = bank.relative[fakes.seed_index]
        bones = self.generator.codec.bone_vectors
        losses = dict(
            loss_gan3d=self.gan_loss3d.generator(self.discriminator3d(fakes.before_view)),
            loss_gan2d=self.gan_loss2d.generator(self.discriminator2d(fakes.pose2d)),
            loss_range=self.range_loss(bones(seeds), bones(fakes.before_view), fakes.ratios),
        )
        if self.lifter_enabled:
            losses.update(self._feedback(fakes, seeds))
        return losses

    def _feedback(self, fakes: GeneratedPoses, seeds: Tensor) -> Dict[str, Tensor]:
        bank, index = self.generator.bank, fakes.seed_index
        camera = bank.cameras[index]
        in_place = project_to_2d(fakes.before_view + bank.root[index], camera)
        views = [project_to_2d(bank.poses[index], camera), in_place, fakes.pose2d]
        was_training = self.backbone.training
        if self.feedback_bn == 'eval':
            self.backbone.eval()
        lifted = [self.lift(view.flatten(1)[..., None]) for view in views]
        self.backbone.train(was_training)
        lifted = [pose - pose[:, :1] for pose in lifted]
        return dict(
            loss_posture_feedback=self.posture_feedback(lifted[1], fakes.before_view, lifted[0], seeds),
            loss_view_feedback=self.view_feedback(lifted[2], fakes.relative, lifted[0], seeds),
        )

    def _discriminator_steps(
        self, batch: Dict[str, Any], fakes: GeneratedPoses, rng: torch.Generator, wrappers: OptimWrapperDict
    ) -> Dict[str, Tensor]:
        # Real poses in space and on the screen are shuffled apart: they are no pairs.
        inputs, log = batch['inputs'], {}
        shuffled = [torch.randperm(len(inputs), generator=rng, device=inputs.device) for _ in range(2)]
        real3d = batch['targets']['keypoints_3d'][shuffled[0]]
        real2d = inputs.reshape(len(inputs), -1, 2)[shuffled[1]]
        kept3d, kept2d = self.pool3d(fakes.before_view, rng), self.pool2d(fakes.pose2d, rng)
        for name, loss, real, fake in (
            ('discriminator3d', self.gan_loss3d, real3d, kept3d),
            ('discriminator2d', self.gan_loss2d, real2d, kept2d),
        ):
            judge: nn.Module = getattr(self, name)
            with wrappers[name].optim_context(self):
                value = loss.discriminator(judge(real), judge(fake))
            wrappers[name].update_params(value)
            log[name] = value.detach()
        return log


class _Frozen:
    """Parameters of modules get no gradient inside the block."""

    def __init__(self, *modules: nn.Module) -> None:
        self.parameters = [each for module in modules for each in module.parameters() if each.requires_grad]

    def __enter__(self) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_(False)

    def __exit__(self, *_: Any) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_(True)
