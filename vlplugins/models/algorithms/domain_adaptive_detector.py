"""A two-stage detector that learns from boxes of one domain and carries over to another without labels."""

import contextlib
import copy
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmdet.models.detectors import BaseDetector
from mmdet.structures import SampleList
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList
from mmengine.config import ConfigDict
from torch import Tensor, nn

from vlplugins.models.algorithms.domain_adaptive_checks import check_detector
from vlplugins.models.algorithms.domain_batches import DOMAINS, SOURCE, TARGET, images_of_domain, plain_samples
from vlplugins.models.algorithms.stages import Stage, StagedTrainingMixin, make_stages
from vlplugins.models.necks.vector_decomposition import DecomposedFeature
from vlplugins.registry import MODELS

TERMS = ('rpn', 'roi', 'domain_base', 'domain_specific', 'domain_pixel', 'orthogonality')
CLASSIFIERS = ('specific', 'base', 'pixel')
Losses = Dict[str, Any]


class DomainFeatures(NamedTuple):
    """Maps of a batch: one of low level, and three of high level with ``base == invariant + specific``."""

    pixel: Tensor
    base: Tensor
    invariant: Tensor
    specific: Tensor


@MODELS.register_module()
class DomainAdaptiveDetector(StagedTrainingMixin, BaseDetector):
    """Vector-decomposed disentanglement (VDD, Wu et al., ICCV 2021), and what it is made of.

    A decomposer divides the map of the backbone into an invariant and a specific part. Proposals come from the
    invariant part, and box heads read the invariant part and the whole map. Domain classifiers behind a gradient
    reversal look at a low-level map, at the whole map and at the specific part; their context vectors, made from maps
    without gradient in a call of their own, go into the box heads. What is trained, in which order and by which losses
    is the list ``stages``: VDD has two in each iteration. Source and target go through all parts separately, so that
    batch statistics are those of one domain. Target annotations are never read.

    Args:
        backbone: Config of the backbone.
        decomposer: Config of a ``VectorDecomposition``.
        rpn_head: Config of the region proposal network.
        roi_head: Config of a ``DecomposedRoIHead``.
        stages: Arguments of :class:`Stage`; terms are ``rpn``, ``roi``, ``domain_base``, ``domain_specific``,
            ``domain_pixel`` and ``orthogonality``, branches ``invariant`` and ``base``.
        pixel_classifier: Config of the classifier of the low-level map; ``None`` leaves it out.
        base_classifier: Config of the classifier of the whole map.
        specific_classifier: Config of the classifier of the specific part.
        contexts: For each branch the classifiers (``specific``, ``base``, ``pixel``) whose contexts its head gets, in
            this order. The invariant head is given the context of the *specific* part.
        image_domain_loss: Config of the loss of image classifiers.
        pixel_domain_loss: Config of the loss of the pixel classifier.
        orthogonality_loss: Config of the loss between pooled regions of the invariant and the specific part.
        reversal: Config of the gradient reversal.
        reverse_specific: Put the reversal before the classifier of the specific part, too.
        rpn_feature: ``'invariant'`` or ``'base'``: the map that proposals are made from.
        pixel_level: Index of the low-level map in the output of the backbone.
        feature_level: Index of the map that is divided.
        target_rois: Regions of each target image for the orthogonality, drawn from its proposals.
        legacy_maxpool: Max-pooling of the backbone without padding, rounding up, as in the release.
        train_cfg: As in mmdet's ``FasterRCNN``.
        test_cfg: As in mmdet's ``FasterRCNN``.
        data_preprocessor: Config of a ``MultiBranchDataPreprocessor`` with the branches ``source`` and ``target``.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: parts, contexts and stages that do not fit each other.
    """

    def __init__(
        self,
        backbone: dict,
        decomposer: dict,
        rpn_head: dict,
        roi_head: dict,
        stages: Sequence[dict],
        pixel_classifier: Optional[dict] = None,
        base_classifier: Optional[dict] = None,
        specific_classifier: Optional[dict] = None,
        contexts: Optional[Dict[str, Sequence[str]]] = None,
        image_domain_loss: dict = dict(type='vlplugins.DomainFocalLoss'),  # noqa: B006  (a config, never changed)
        pixel_domain_loss: dict = dict(type='vlplugins.DomainLeastSquaresLoss'),  # noqa: B006
        orthogonality_loss: dict = dict(type='vlplugins.OrthogonalityLoss'),  # noqa: B006
        reversal: dict = dict(type='vlplugins.GradientReversal'),  # noqa: B006
        reverse_specific: bool = True,
        rpn_feature: str = 'invariant',
        pixel_level: int = 0,
        feature_level: int = -1,
        target_rois: int = 128,
        legacy_maxpool: bool = False,
        train_cfg: Optional[dict] = None,
        test_cfg: Optional[dict] = None,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.train_cfg, self.test_cfg = ConfigDict(train_cfg or {}), ConfigDict(test_cfg or {})
        rpn_cfg = dict(train_cfg=self.train_cfg.get('rpn'), test_cfg=self.test_cfg.get('rpn'), num_classes=1)
        roi_cfg = dict(train_cfg=self.train_cfg.get('rcnn'), test_cfg=self.test_cfg.get('rcnn'))
        self.backbone = MODELS.build(backbone)
        if legacy_maxpool:
            self.backbone.maxpool = nn.MaxPool2d(3, stride=2, padding=0, ceil_mode=True)
        self.decomposer = MODELS.build(decomposer)
        self.rpn_head = MODELS.build({**rpn_head, **rpn_cfg})
        self.roi_head = MODELS.build({**roi_head, **roi_cfg})
        for name, cfg in zip(CLASSIFIERS, (specific_classifier, base_classifier, pixel_classifier)):
            setattr(self, f'{name}_classifier', MODELS.build(cfg) if cfg else None)
        self.image_domain_loss = MODELS.build(image_domain_loss)
        self.pixel_domain_loss = MODELS.build(pixel_domain_loss)
        self.orthogonality_loss, self.reversal = MODELS.build(orthogonality_loss), MODELS.build(reversal)
        self.contexts = {name: tuple((contexts or {}).get(name, ())) for name in self.roi_head.branches}
        self.reverse_specific, self.rpn_feature = reverse_specific, rpn_feature
        self.pixel_level, self.feature_level, self.target_rois = pixel_level, feature_level, target_rois
        self.stages: List[Stage] = make_stages(stages, TERMS)
        check_detector(self)

    def extract_feat(self, batch_inputs: Tensor) -> DomainFeatures:
        """Maps of images ``[B, 3, H, W]``."""
        return self._features(batch_inputs, no_grad=())

    @torch.no_grad()
    def decompose(self, batch_inputs: Tensor) -> Tuple[DecomposedFeature]:
        """Parts of the one level of images ``[B, 3, H, W]``, without gradient."""
        return (DecomposedFeature(*self.extract_feat(batch_inputs)[1:]),)

    def _features(self, images: Tensor, no_grad: Sequence[str]) -> DomainFeatures:
        with _gradient_unless('backbone' in no_grad):
            levels = self.backbone(images)
        return DomainFeatures(levels[self.pixel_level], *self.decomposer(levels[self.feature_level]))

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
        losses: Losses = {}
        for domain in (SOURCE, TARGET) if self._needs_target(plan) else (SOURCE,):
            images, samples = images_of_domain(batch_inputs, batch_data_samples, domain)
            features = self._features(images, plan.no_grad)
            losses.update(self._domain_losses(features, domain, plan))
            if domain == SOURCE:
                detection, rois, regions = self._detection_losses(features, samples, plan)
                losses.update(detection)
            elif plan.weight('orthogonality'):
                rois, regions = self._target_rois(features, samples), {}
            if plan.weight('orthogonality'):
                vectors = [self._pooled(features, name, rois, regions) for name in ('invariant', 'specific')]
                losses[f'loss_orth_{domain}'] = plan.weight('orthogonality') * self.orthogonality_loss(*vectors)
        return losses

    @staticmethod
    def _needs_target(plan: Stage) -> bool:
        return any(plan.weight(term) for term in TERMS[2:])

    def _domain_losses(self, features: DomainFeatures, domain: str, plan: Stage) -> Losses:
        """Losses of the domain classifiers behind the gradient reversal, and their accuracies."""
        losses: Losses = {}
        label = DOMAINS[domain]
        for name in CLASSIFIERS:
            weight = plan.weight(f'domain_{name}')
            if not weight:
                continue
            maps = getattr(features, name)
            if name != 'specific' or self.reverse_specific:
                maps = self.reversal(maps)
            classifier = getattr(self, f'{name}_classifier')
            scores, _ = classifier(maps)
            loss = self.pixel_domain_loss if name == 'pixel' else self.image_domain_loss
            losses[f'loss_domain_{name}_{domain}'] = weight * loss(scores, label)
            losses[f'acc_domain_{name}_{domain}'] = classifier.accuracy(scores, label)
        return losses

    def _contexts_of(
        self, features: DomainFeatures, branches: Sequence[str], no_grad: Sequence[str] = ()
    ) -> Dict[str, List[Tensor]]:
        """Contexts of each branch; each classifier is called once, on a map without gradient."""
        found: Dict[str, Tensor] = {}
        for name in [each for branch in branches for each in self.contexts[branch]]:
            if name not in found:
                with _gradient_unless(f'{name}_classifier' in no_grad):
                    found[name] = getattr(self, f'{name}_classifier')(getattr(features, name).detach())[1]
        return {branch: [found[name] for name in self.contexts[branch]] for branch in branches}

    def _detection_losses(
        self, features: DomainFeatures, samples: SampleList, plan: Stage
    ) -> Tuple[Losses, Tensor, Dict[str, Tensor]]:
        """Losses of proposals and box heads, the sampled regions ``[N, 5]``, and their features for each branch."""
        losses, proposals = self._propose(features, samples, plan.weight('rpn'))
        sampled = self.roi_head.sample(proposals, samples)
        rois = bbox2roi([result.priors for result in sampled])
        if not plan.weight('roi'):
            return losses, rois, {}
        contexts = self._contexts_of(features, plan.branches, plan.no_grad)
        regions = {name: self.roi_head.regions(getattr(features, name), rois) for name in plan.branches}
        for name in plan.branches:
            found = self.roi_head.branch_loss(name, regions[name], rois, contexts[name], sampled)
            losses.update({key: plan.weight('roi') * value if 'loss' in key else value for key, value in found.items()})
        return losses, rois, regions

    def _propose(self, features: DomainFeatures, samples: SampleList, weight: float) -> Tuple[Losses, InstanceList]:
        cfg = self.train_cfg.get('rpn_proposal', self.test_cfg.get('rpn'))
        objects = copy.deepcopy(samples)
        for sample in objects:
            sample.gt_instances.labels = torch.zeros_like(sample.gt_instances.labels)
        with self._single_precision(features) as maps:
            found, proposals = self.rpn_head.loss_and_predict(maps, objects, proposal_cfg=cfg)
        for proposal in proposals:
            proposal.bboxes = proposal.bboxes.detach()
        losses = {
            key: weight * (sum(value) if isinstance(value, (list, tuple)) else value) for key, value in found.items()
        }
        return (losses if weight else {}), proposals

    @torch.no_grad()
    def _target_rois(self, features: DomainFeatures, samples: SampleList) -> Tensor:
        """Random proposals of target images, made as in a test, ``[N, 5]``; drawn from the global random numbers.

        mmdet draws the regions of the source from those, too, and a run that is resumed restores them.
        """
        boxes = [proposal.bboxes for proposal in self._proposals(features, samples)]
        return bbox2roi([each[torch.randperm(len(each), device=each.device)[: self.target_rois]] for each in boxes])

    def _pooled(self, features: DomainFeatures, name: str, rois: Tensor, regions: Dict[str, Tensor]) -> Tensor:
        """Mean vectors ``[N, C]`` of the regions of a map; ``regions`` holds those that were extracted before."""
        feature = getattr(features, name)
        if len(rois) == 0:
            return feature.mean(dim=(2, 3))[:0]
        found = regions[name] if name in regions else self.roi_head.regions(feature, rois)
        return found.mean(dim=(2, 3))

    def predict(self, batch_inputs: Tensor, batch_data_samples: SampleList, rescale: bool = True) -> SampleList:
        """Detect in images ``[B, 3, H, W]``; fills ``pred_instances`` of the samples."""
        features = self.extract_feat(batch_inputs)
        proposals = self._proposals(features, batch_data_samples)
        maps, contexts = self._branch_inputs(features)
        results = self.roi_head.predict(maps, contexts, proposals, batch_data_samples, rescale=rescale)
        return self.add_pred_to_datasample(batch_data_samples, results)

    def _forward(self, batch_inputs: Tensor, batch_data_samples: Optional[SampleList] = None) -> Tuple[Tensor, Tensor]:
        """Logits and deltas of the proposals of images; samples are made up where there are none."""
        features = self.extract_feat(batch_inputs)
        proposals = self._proposals(features, batch_data_samples or plain_samples(batch_inputs))
        return self.roi_head.scores(*self._branch_inputs(features), bbox2roi([each.bboxes for each in proposals]))

    def _proposals(self, features: DomainFeatures, samples: SampleList) -> InstanceList:
        with self._single_precision(features) as maps:
            return self.rpn_head.predict(maps, samples, rescale=False)

    @contextlib.contextmanager
    def _single_precision(self, features: DomainFeatures) -> Iterator[Tuple[Tensor]]:
        """The map of the proposals, in single precision also where mixed precision is on.

        In half precision boxes of a large image lie on a grid of pixels, and the suppression of boxes knows it on a GPU
        alone.
        """
        feature = getattr(features, self.rpn_feature)
        with torch.autocast(feature.device.type, enabled=False):
            yield (feature.float(),)

    def _branch_inputs(self, features: DomainFeatures) -> Tuple[Dict[str, Tensor], Dict[str, List[Tensor]]]:
        branches = [name for name, weight in self.roi_head.branch_weights.items() if weight]
        branches = branches if self.roi_head.skip_unused else self.roi_head.branches
        return {name: getattr(features, name) for name in branches}, self._contexts_of(features, branches)


def _gradient_unless(off: bool) -> contextlib.AbstractContextManager:
    return torch.no_grad() if off else contextlib.nullcontext()
