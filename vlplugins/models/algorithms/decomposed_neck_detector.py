"""Any detector whose neck divides its maps, trained with boxes of one domain and images of another."""

from typing import Any, Dict, Optional, Sequence

import torch
from mmdet.models.detectors import BaseDetector
from mmdet.structures import SampleList
from torch import Tensor

from vlplugins.models.algorithms.domain_batches import DOMAINS, SOURCE, TARGET, images_of_domain, plain_samples
from vlplugins.models.algorithms.stages import Stage, StagedTrainingMixin, make_stages
from vlplugins.models.necks.decomposition_neck import DecompositionNeck, Parts
from vlplugins.registry import MODELS

DETECTION = 'detection'
Losses = Dict[str, Any]


@MODELS.register_module()
class DecomposedNeckDetector(StagedTrainingMixin, BaseDetector):
    """Trains a one-stage or two-stage detector of mmdet on two domains; the detector itself is not changed.

    Its neck is a ``DecompositionNeck``, so that it sees the invariant maps alone; its own losses are those of the
    source. An ``alignment`` adds the losses of the parts of both domains. They are taken in ``stages``, as in
    ``DomainAdaptiveDetector``: each is a forward pass, a backward pass and a step of some groups of parameters. Source
    and target go through the detector separately. Target annotations are never read.

    To detect without the parts that only training needs, build the detector by itself, with
    ``init_cfg=dict(type='Pretrained', checkpoint=..., prefix='detector.')``.

    Args:
        detector: Config of the detector, with its own ``data_preprocessor``.
        alignment: Config of a ``DecompositionAlignment``.
        stages: Arguments of :class:`Stage`; the terms are ``detection`` (all losses of the detector) and those of the
            alignment.
        data_preprocessor: Config of a ``MultiBranchDataPreprocessor``; by default one around that of the detector.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: a detector with another neck; stages that do not fit the alignment, or that use ``branches`` or
            ``no_grad``.
    """

    def __init__(
        self,
        detector: dict,
        alignment: dict,
        stages: Sequence[dict],
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        if data_preprocessor is None:
            scope = {key: detector[key] for key in ('_scope_',) if key in detector}
            inner = {**scope, **detector['data_preprocessor']}
            data_preprocessor = dict(type='mmdet.MultiBranchDataPreprocessor', data_preprocessor=inner)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.detector, self.alignment = MODELS.build(detector), MODELS.build(alignment)
        self.stages = make_stages(stages, (DETECTION, *self.alignment.terms))
        self._check()

    def _check(self) -> None:
        neck = getattr(self.detector, 'neck', None)
        if not isinstance(neck, DecompositionNeck):
            raise ValueError(f'the neck of the detector is a {type(neck).__name__}; expected a DecompositionNeck')
        for stage in self.stages:
            missing = self.alignment.missing(stage.weights)
            if missing:
                raise ValueError(f'stage {stage.name!r} weighs {missing}, but the alignment has no such classifier')
            if stage.branches or stage.no_grad:
                raise ValueError(f'stage {stage.name!r} has branches or no_grad, which this detector does not know')

    def loss(
        self, batch_inputs: Dict[str, Tensor], batch_data_samples: Dict[str, SampleList], stage: int = 0
    ) -> Losses:
        """Losses of one stage, each already weighted; only what has weight is computed.

        Args:
            batch_inputs: Images ``[B, 3, H, W]`` of ``source`` and ``target``, which may differ in size.
            batch_data_samples: Samples of both; those of the target without annotations.
            stage: Index of the stage.

        Raises:
            ValueError: a batch without images of a domain that the stage needs.
        """
        plan = self.stages[stage]
        aligned = any(plan.weight(term) for term in self.alignment.terms)
        losses: Losses = {}
        for domain in (SOURCE, TARGET) if aligned else (SOURCE,):
            images, samples = images_of_domain(batch_inputs, batch_data_samples, domain)
            with self.detector.neck.recording() as record:
                if domain == SOURCE and plan.weight(DETECTION):
                    losses.update(self._detection_losses(images, samples, plan))
                else:
                    self.detector.extract_feat(images)
            terms = self.alignment(record[0], DOMAINS[domain], plan.weights) if aligned else {}
            losses.update({f'{name}_{domain}': value for name, value in terms.items()})
        return losses

    def _detection_losses(self, images: Tensor, samples: SampleList, plan: Stage) -> Losses:
        losses: Losses = {}
        for name, value in self.detector.loss(images, samples).items():
            value = sum(value) if isinstance(value, (list, tuple)) else value
            losses[name] = plan.weight(DETECTION) * value if 'loss' in name else value
        return losses

    def extract_feat(self, batch_inputs: Tensor) -> Any:
        """What the head of the detector sees of images ``[B, 3, H, W]``: the invariant map of each level."""
        return self.detector.extract_feat(batch_inputs)

    @torch.no_grad()
    def decompose(self, batch_inputs: Tensor) -> Parts:
        """All parts of all levels of images ``[B, 3, H, W]``, without gradient."""
        with self.detector.neck.recording() as record:
            self.detector.extract_feat(batch_inputs)
        return record[0]

    def predict(self, batch_inputs: Tensor, batch_data_samples: SampleList, rescale: bool = True) -> SampleList:
        """Detect in images ``[B, 3, H, W]``; fills ``pred_instances`` of the samples."""
        return self.detector.predict(batch_inputs, batch_data_samples, rescale=rescale)

    def _forward(self, batch_inputs: Tensor, batch_data_samples: Optional[SampleList] = None) -> Any:
        return self.detector._forward(batch_inputs, batch_data_samples or plain_samples(batch_inputs))
