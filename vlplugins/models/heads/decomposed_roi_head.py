"""Two box heads on the same regions: one reads the domain-invariant map, one the whole map."""

from typing import Dict, List, Optional, Sequence, Tuple

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.models.utils import empty_instances, unpack_gt_instances
from mmdet.structures import SampleList
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import InstanceList
from mmengine.model import BaseModule
from torch import Tensor

from vlplugins.registry import MODELS

# How the losses of a branch are named in the log.
TAGS = dict(invariant='di', base='base')
Contexts = Dict[str, Sequence[Tensor]]


class RoIBranch(BaseModule):
    """A box head, and before it what is shared by its class scores and deltas.

    Args:
        bbox_head: Config of a ``ContextBBoxHead``.
        shared_head: Config of layers on the features of the regions, such as ``mmdet.ResLayer``.
    """

    def __init__(self, bbox_head: dict, shared_head: Optional[dict] = None) -> None:
        super().__init__()
        self.shared_head = MODELS.build(shared_head) if shared_head else None
        self.bbox_head = MODELS.build(bbox_head)

    def forward(self, regions: Tensor, contexts: Sequence[Tensor], image_ids: Tensor) -> Tuple[Tensor, Tensor]:
        """Logits ``[N, num_classes + 1]`` and deltas of regions ``[N, C, S, S]`` of the images ``image_ids [N]``."""
        if self.shared_head is not None:
            regions = self.shared_head(regions)
        logits, deltas = self.bbox_head(regions, contexts, image_ids)
        return logits.float(), deltas.float()


@MODELS.register_module()
class DecomposedRoIHead(StandardRoIHead):
    """Samples regions once, and trains and evaluates the branches ``invariant`` and ``base`` on them.

    In prediction, class probabilities and raw deltas of the branches are averaged before boxes are decoded.

    Args:
        bbox_roi_extractor: Config of the region extractor, for one map.
        invariant: Arguments of :class:`RoIBranch` for the branch on the invariant map; ``None`` leaves it out.
        base: The same for the branch on the whole map.
        branch_weights: Weight of each branch in prediction; they sum to 1.
        skip_unused: Do not evaluate a branch whose weight is 0.
        train_cfg: As in mmdet's ``StandardRoIHead``.
        test_cfg: As in mmdet's ``StandardRoIHead``.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: no branch, or weights that are negative, do not sum to 1, or name a branch that is left out.
    """

    def __init__(
        self,
        bbox_roi_extractor: dict,
        invariant: Optional[dict] = None,
        base: Optional[dict] = None,
        branch_weights: Optional[Dict[str, float]] = None,
        skip_unused: bool = True,
        train_cfg: Optional[dict] = None,
        test_cfg: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(train_cfg=train_cfg, test_cfg=test_cfg, init_cfg=init_cfg)
        self.bbox_roi_extractor = MODELS.build(bbox_roi_extractor)
        self.branches = [name for name, cfg in (('invariant', invariant), ('base', base)) if cfg]
        for name, cfg in (('invariant', invariant), ('base', base)):
            setattr(self, name, RoIBranch(**cfg) if cfg else None)
        self.skip_unused = skip_unused
        self.branch_weights = self._checked_weights(branch_weights)

    def _checked_weights(self, weights: Optional[Dict[str, float]]) -> Dict[str, float]:
        if not self.branches:
            raise ValueError("expected one of the branches 'invariant' and 'base', or both; found none")
        if weights is None:
            weights = {'base' if 'base' in self.branches else 'invariant': 1.0}
        used = {name: float(weight) for name, weight in weights.items() if weight}
        if min(weights.values()) < 0 or abs(sum(used.values()) - 1) > 1e-6 or set(used) - set(self.branches):
            raise ValueError(
                f'branch_weights {dict(weights)}: expected numbers that are not negative and sum to 1, of the '
                f'branches {self.branches}'
            )
        return {name: used.get(name, 0.0) for name in self.branches}

    @property
    def with_bbox(self) -> bool:
        """There are box heads."""
        return True

    @property
    def num_classes(self) -> int:
        """Classes without the background."""
        return getattr(self, self.branches[0]).bbox_head.num_classes

    def regions(self, feature: Tensor, rois: Tensor) -> Tensor:
        """Features ``[N, C, S, S]`` of ``rois [N, 5]`` (image, box) on a map ``[B, C, h, w]``.

        In single precision: mmdet would round the boxes to the precision of the map.
        """
        return self.bbox_roi_extractor((feature.float(),), rois)

    def sample(self, proposals: InstanceList, data_samples: SampleList) -> List[SamplingResult]:
        """Assign the proposals of each image to its boxes, and sample the regions to train on."""
        boxes, ignored, _ = unpack_gt_instances(data_samples)
        results = []
        for proposal, gt, gt_ignored in zip(proposals, boxes, ignored):
            proposal.priors = proposal.pop('bboxes')
            assigned = self.bbox_assigner.assign(proposal, gt, gt_ignored)
            results.append(self.bbox_sampler.sample(assigned, proposal, gt))
        return results

    def branch_loss(
        self,
        name: str,
        regions: Tensor,
        rois: Tensor,
        contexts: Sequence[Tensor],
        sampled: List[SamplingResult],
    ) -> Dict[str, Tensor]:
        """Losses of a branch, and its accuracy.

        Args:
            name: ``'invariant'`` or ``'base'``.
            regions: Features of the sampled regions on the map of the branch, ``[N, C, S, S]``.
            rois: Their images and boxes, ``[N, 5]``.
            contexts: Contexts of the images, ``[B, c_i]`` each.
            sampled: What they were sampled as.

        Returns:
            ``loss_cls_TAG``, ``loss_bbox_TAG``, ``acc_TAG``, with the tag ``di`` or ``base``.
        """
        branch = getattr(self, name)
        logits, deltas = branch(regions, contexts, rois[:, 0].long())
        losses = branch.bbox_head.loss_and_target(logits, deltas, rois, sampled, self.train_cfg)['loss_bbox']
        return {f'{key}_{TAGS[name]}': value for key, value in losses.items()}

    def predict(
        self,
        features: Dict[str, Tensor],
        contexts: Contexts,
        proposals: InstanceList,
        data_samples: SampleList,
        rescale: bool = False,
    ) -> InstanceList:
        """Detect.

        Args:
            features: Map ``[B, C, h, w]`` of each branch.
            contexts: Contexts of each branch.
            proposals: Regions of each image.
            data_samples: Samples with the metainfo of the images.
            rescale: Give boxes in the image before it was resized.

        Returns:
            ``bboxes [N, 4]``, ``scores [N]``, ``labels [N]`` of each image.
        """
        metas = [sample.metainfo for sample in data_samples]
        boxes = [proposal.bboxes for proposal in proposals]
        rois = bbox2roi(boxes)
        bbox_head = getattr(self, self.branches[0]).bbox_head
        if len(rois) == 0:
            return empty_instances(metas, rois.device, 'bbox', num_classes=self.num_classes)
        logits, deltas = self.scores(features, contexts, rois)
        counts = [len(each) for each in boxes]
        return bbox_head.predict_by_feat(
            rois=rois.split(counts),
            cls_scores=logits.split(counts),
            bbox_preds=deltas.split(counts),
            batch_img_metas=metas,
            rcnn_test_cfg=self.test_cfg,
            rescale=rescale,
        )

    def scores(self, features: Dict[str, Tensor], contexts: Contexts, rois: Tensor) -> Tuple[Tensor, Tensor]:
        """Logits and deltas of ``rois``: those of the one branch with weight, or the weighted mean of both.

        The logits of a mean are the logarithms of the mean probabilities, whose softmax they are.
        """
        image_ids = rois[:, 0].long()
        found = {
            name: getattr(self, name)(self.regions(features[name], rois), contexts[name], image_ids)
            for name, weight in self.branch_weights.items()
            if weight > 0 or not self.skip_unused
        }
        used = [name for name in found if self.branch_weights[name] > 0]
        if len(used) == 1:
            return found[used[0]]
        probabilities = sum(self.branch_weights[name] * found[name][0].softmax(dim=1) for name in used)
        deltas = sum(self.branch_weights[name] * found[name][1] for name in used)
        return probabilities.clamp(min=torch.finfo(probabilities.dtype).tiny).log(), deltas
