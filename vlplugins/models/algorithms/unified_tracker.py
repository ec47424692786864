"""One network that follows single given targets and many objects."""

import copy
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy
from mmengine.model import BaseModel
from torch import Tensor, nn

from vlplugins.models.algorithms.detection_losses import detection_losses
from vlplugins.models.algorithms.online_tracker import OnlineTracker
from vlplugins.models.algorithms.tracking_batches import (
    PairedTargets,
    frame_sizes,
    frames_of,
    one_box_each,
    padding_of,
    pair_levels,
    pair_targets,
    targets_of_detections,
    task_of,
)
from vlplugins.models.heads.target_transformer import SearchedTargets, TrackedBoxes
from vlplugins.models.layers.search_windows import padding_of_map
from vlplugins.registry import MODELS, TASK_UTILS

Losses = Dict[str, Any]
Maps = Sequence[Tensor]


@MODELS.register_module()
class UnifiedTracker(BaseModel):
    """Unified Transformer Tracker (UTT, Fan et al., CVPR 2022), and what it is made of.

    Targets are features at boxes of a reference frame. Their first boxes in a search frame come from the maps of their
    corners (single objects), or are those of the frame before (many objects; in training, true boxes with noise); a
    target transformer refines them. A Deformable DETR on the same backbone finds the objects that there are, and an
    associator says which of them is which. A batch has one task, ``sot`` or ``mot``, in the metainfo ``task`` of its
    samples: with ``sot`` every frame of a clip has one box, with ``mot`` a clip is a reference and a search frame whose
    boxes are matched by ``instances_ids``. In tests frames come one by one, in order; see :class:`OnlineTracker`.

    Args:
        detector: Config of a detector as mmdet's ``DeformableDETR``; its backbone serves both tasks.
        target_encoder: Config of a :class:`RoITargetEncoder`.
        target_transformer: Config of a :class:`TargetTransformer`.
        tracking_neck: Config of the neck of the tracking branch; by default one like the detector's, which starts with
            the same weights and is trained apart.
        target_decoder: Config of a :class:`TargetDecoder` for single objects; ``None`` leaves it out.
        proposal_decoder: Config of a :class:`CornerProposalDecoder` for single objects; ``None``: their search starts
            at the last box, in training at the true one with noise.
        box_loss: Config of the loss of boxes.
        score_loss: Config of the loss of scores, where the target transformer gives any.
        noisy_boxes: Config of what makes starts of true boxes.
        search: Config of a :class:`SingleObjectSearch`: how single objects are looked for in tests.
        associator: Config of an associator: identities of many objects in tests.
        sot_level: Level of the map that single objects are looked for in; 1 is stride 16.
        mot_levels: ``'all'``: crops of many objects are taken by size; ``'single'``: all of ``sot_level``, as in the
            release.
        det_loss_on: Frame of a pair in which detection is trained: ``'reference'`` (paper) or ``'search'`` (release).
        freeze_reference: Leave out the gradient of reference frames of pairs (release); saves memory.
        mot_reference: Targets of a pair: ``'gt'``, the true boxes of the reference frame (paper), or
            ``'matched_pred'``, all its detections, of which those matched with true boxes are trained (release).
        random_reference: Take any frame of a clip of a single object for its reference, not the first.
        detections: Of many objects in tests: ``'private'``, by the detector; ``'public'``, given in the sample.
        det_min_score: Score of detections below which the associator never sees them.
        follow: Whether targets are followed in tests. Otherwise single ones stay at their first box, and objects are
            associated by their boxes of the frame before: the baselines.
        data_preprocessor: Config of an ``mmdet.TrackDataPreprocessor``.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: a switch of an unknown value, or switches that do not fit each other.
    """

    def __init__(
        self,
        detector: dict,
        target_encoder: dict,
        target_transformer: dict,
        tracking_neck: Optional[dict] = None,
        target_decoder: Optional[dict] = None,
        proposal_decoder: Optional[dict] = None,
        box_loss: dict = dict(type='vlplugins.TrackBoxLoss'),  # noqa: B006  (a config, never changed)
        score_loss: dict = dict(type='vlplugins.CentrenessScoreLoss'),  # noqa: B006
        noisy_boxes: dict = dict(type='vlplugins.NoisyBoxGenerator'),  # noqa: B006
        search: dict = dict(type='vlplugins.SingleObjectSearch'),  # noqa: B006
        associator: dict = dict(type='vlplugins.GIoUAssociator'),  # noqa: B006
        sot_level: int = 1,
        mot_levels: str = 'all',
        det_loss_on: str = 'reference',
        freeze_reference: bool = False,
        mot_reference: str = 'gt',
        random_reference: bool = True,
        detections: str = 'private',
        det_min_score: float = 0.1,
        follow: bool = True,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.detector = MODELS.build(detector)
        if hasattr(self.detector, 'level_embed'):
            # Until init_weights draws it, mmdet leaves it as whatever the memory holds, which may be no number.
            nn.init.zeros_(self.detector.level_embed)
        self.copies_neck = tracking_neck is None
        self.tracking_neck = MODELS.build(detector['neck'] if self.copies_neck else tracking_neck)
        self.target_encoder = MODELS.build(target_encoder)
        self.target_decoder = MODELS.build(target_decoder) if target_decoder else None
        self.proposal_decoder = MODELS.build(proposal_decoder) if proposal_decoder else None
        self.target_transformer = MODELS.build(target_transformer)
        self.box_loss, self.score_loss = MODELS.build(box_loss), MODELS.build(score_loss)
        self.noisy_boxes, self.search = TASK_UTILS.build(noisy_boxes), TASK_UTILS.build(search)
        self.associator = TASK_UTILS.build(associator)
        self.sot_level, self.mot_levels, self.det_loss_on = sot_level, mot_levels, det_loss_on
        self.freeze_reference, self.mot_reference = freeze_reference, mot_reference
        self.random_reference, self.follow = random_reference, follow
        self.detections, self.det_min_score = detections, det_min_score
        self._online: Optional[OnlineTracker] = None
        self._check()

    def _check(self) -> None:
        choices = dict(
            mot_levels=('all', 'single'),
            det_loss_on=('reference', 'search'),
            mot_reference=('gt', 'matched_pred'),
            detections=('private', 'public'),
        )
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f'{name} {getattr(self, name)!r} is unknown; expected one of {known}')
        if self.freeze_reference and self.det_loss_on == 'reference':
            raise ValueError("det_loss_on='reference' trains the frame that freeze_reference keeps from being trained")
        if self.target_transformer.attention == 'cross' and self.mot_levels == 'all':
            raise ValueError("attention='cross' attends to one map; it goes with mot_levels='single'")

    def init_weights(self) -> None:
        """Initialise all parts; a neck that is like the detector's starts with the same weights."""
        super().init_weights()
        if self.copies_neck:
            self.tracking_neck.load_state_dict(copy.deepcopy(self.detector.neck.state_dict()))

    @property
    def mot_level(self) -> Optional[int]:
        """The map that many objects are cropped of; ``None`` for that of their size."""
        return None if self.mot_levels == 'all' else self.sot_level

    def forward(self, inputs: Tensor, data_samples: Optional[List[Any]] = None, mode: str = 'tensor') -> Any:
        """Losses, predictions, or the maps of the tracking branch.

        Args:
            inputs: Frames ``[N, T, 3, H, W]``.
            data_samples: N ``mmdet.TrackDataSample`` of T frames each.
            mode: ``'loss'``, ``'predict'`` or ``'tensor'``.

        Raises:
            ValueError: another mode, samples of several tasks, or samples that do not fit the task.
        """
        if mode == 'tensor':
            return self.tracking_maps(inputs.flatten(0, 1))
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode != 'loss':
            raise ValueError(f"mode {mode!r} is unknown; expected 'loss', 'predict' or 'tensor'")
        task = task_of(data_samples)
        if task == 'sot':
            return self.sot_loss(inputs, data_samples)
        if task == 'mot':
            return self.mot_loss(inputs, data_samples)
        raise ValueError(f'task {task!r} is for tests; training has sot and mot by turns')

    def tracking_maps(self, images: Tensor) -> Tuple[Tensor, ...]:
        """Maps ``[B, C, h, w]`` of the tracking branch, of images ``[B, 3, H, W]``."""
        return self.tracking_neck(self.detector.backbone(images))

    def sot_loss(self, inputs: Tensor, samples: Sequence[Any]) -> Losses:
        """Losses of clips of one target: every frame is searched for the target of the reference frame of its clip."""
        clips, length = inputs.shape[:2]
        frames = frames_of(samples)
        maps = self.tracking_maps(inputs.flatten(0, 1))
        boxes, sizes = one_box_each(frames), frame_sizes(frames, inputs)
        padding = padding_of(frames, inputs.shape[-2:], inputs)
        chosen = torch.zeros(clips, dtype=torch.long, device=inputs.device)
        if self.random_reference:
            chosen = torch.randint(length, (clips,), device=inputs.device)
        chosen = chosen + length * torch.arange(clips, device=inputs.device)
        targets = self.target_encoder([each[chosen] for each in maps], boxes[chosen], self.sot_level)
        start = None if self.proposal_decoder is not None else self.noisy_boxes(boxes.flatten(0, 1)).view_as(boxes)
        found = self.search_targets(maps, targets.repeat_interleave(length, dim=0), padding, start)
        first = [] if self.proposal_decoder is None else [found.proposals]
        return self._box_losses(first, found.tracked, boxes, sizes)

    def search_targets(
        self, maps: Maps, targets: Tensor, padding: Tensor, start: Optional[Tensor] = None
    ) -> SearchedTargets:
        """Find single targets anywhere in search frames.

        Args:
            maps: Of the frames, ``[B, C, h, w]``; that of ``sot_level`` is read.
            targets: ``[B, N, C]``.
            padding: Booleans ``[B, H, W]``, true where frames show nothing.
            start: Boxes ``[B, N, 4]`` to begin at where there is no proposal decoder.
        """
        search = maps[self.sot_level]
        hidden = padding_of_map(padding, search.shape[-2:])
        if self.target_decoder is not None:
            targets = self.target_decoder(targets, search, hidden)
        if self.proposal_decoder is not None:
            size = targets.new_tensor([padding.size(2), padding.size(1)] * 2, dtype=torch.float32)
            start = self.proposal_decoder(targets, search, hidden).boxes * size
        tracked = self.target_transformer(maps, targets, start, level=self.sot_level, padding=hidden)
        return SearchedTargets(start, tracked)

    def mot_loss(self, inputs: Tensor, samples: Sequence[Any]) -> Losses:
        """Losses of pairs of frames: detection in one of them, tracking of the objects that are in both.

        Raises:
            ValueError: clips of another length than 2.
        """
        if inputs.size(1) != 2:
            raise ValueError(f'clips of many objects have {inputs.size(1)} frames; expected a reference and a search')
        reference, search = ([sample[index] for sample in samples] for index in range(2))
        levels = pair_levels(self.detector.backbone, inputs, self.freeze_reference)
        on_reference, head = self.det_loss_on == 'reference', self.detector.bbox_head
        trained = reference if on_reference else search
        detected = self.detect(levels[0 if on_reference else 1], trained)
        outputs = head(detected['hidden_states'], detected['references'])
        losses = detection_losses(head, outputs, detected, trained)
        pairs = pair_targets(reference, search)
        if self.mot_reference == 'matched_pred':
            if not on_reference:
                with torch.no_grad():
                    detected = self.detect(levels[0], reference)
                    outputs = head(detected['hidden_states'], detected['references'])
            boxes = outputs[1][-1].detach()
            boxes = bbox_cxcywh_to_xyxy(boxes) * frame_sizes(reference, boxes)
            pairs = targets_of_detections(boxes, pairs, [len(each.gt_instances) for each in reference])
        maps = [self.tracking_neck(each) for each in levels]
        losses.update(self._track_losses(maps, pairs, search, inputs))
        return losses

    def detect(self, levels: Maps, frames: Sequence[Any]) -> Dict[str, Any]:
        """What the head of the detector takes, of levels of the backbone and samples of frames."""
        return self.detector.forward_transformer(self.detector.neck(levels), frames)

    def _track_losses(
        self, maps: Sequence[Maps], pairs: PairedTargets, search: Sequence[Any], inputs: Tensor
    ) -> Losses:
        """Losses of the targets of pairs; they start at their true boxes with noise."""
        targets = self.target_encoder(maps[0], pairs.reference, self.mot_level)
        start = self.noisy_boxes(pairs.search.flatten(0, 1)).view_as(pairs.search)
        # Nothing is known of where the others are: they start where they were.
        start = torch.where(pairs.present[..., None], start, pairs.reference)
        hidden = None
        if self.mot_level is not None:
            hidden = padding_of(search, inputs.shape[-2:], inputs)
            hidden = padding_of_map(hidden, maps[1][self.mot_level].shape[-2:])
        real = pairs.present if self.mot_reference == 'gt' else None
        tracked = self.target_transformer(maps[1], targets, start, real, self.mot_level, hidden)
        return self._box_losses([], tracked, pairs.search, frame_sizes(search, inputs), pairs.present)

    def _box_losses(
        self,
        first: List[Tensor],
        tracked: TrackedBoxes,
        truth: Tensor,
        sizes: Tensor,
        counted: Optional[Tensor] = None,
    ) -> Losses:
        """Losses of boxes in pixels, as shares of the frames without their padding."""
        stages = [boxes / sizes for boxes in [*first, *tracked.boxes]]
        losses = self.box_loss(stages, truth / sizes, counted)
        if tracked.scores is not None:
            losses['loss_score'] = self.score_loss(tracked.scores, tracked.boxes, truth, counted)
        return losses

    def predict(self, inputs: Tensor, samples: List[Any]) -> List[Any]:
        """Follow targets through one or more frames of one video; fills ``pred_track_instances`` of the frames.

        The metainfo ``seconds`` of a frame is the time that it took.

        Raises:
            ValueError: more than one video; or as :meth:`OnlineTracker.step`.
        """
        if len(samples) != 1:
            raise ValueError(f'a batch of {len(samples)} videos; frames of one video at a time are followed')
        if self._online is None:
            self._online = OnlineTracker(self)
        task = task_of(samples)
        for image, frame in zip(inputs[0], samples[0].video_data_samples):
            begin = time.perf_counter()
            frame.pred_track_instances = self._online.step(image, frame, task)
            if image.is_cuda:
                torch.cuda.synchronize(image.device)
            frame.set_metainfo(dict(seconds=time.perf_counter() - begin))
        return samples
