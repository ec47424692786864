"""Localisation in time that is learned from labels of whole clips, by one or two modalities."""

from typing import Any, Dict, List, NamedTuple, Optional, Union

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from vlplugins.registry import MODELS, TASK_UTILS

Inputs = Dict[str, Any]


class _Branch(NamedTuple):
    features: Tensor
    weights: Optional[Tensor]
    logits: Tensor
    clip_logits: Tensor


@MODELS.register_module()
class WeaklySupervisedTemporalLocalizer(BaseModel):
    """A branch and a head for each modality, which do not see each other, and late fusion of their logits.

    The losses: of the labels of clips, for each branch and for the fusion; of consensus between the branches; and,
    where the set has boundaries and it is asked for, of the labels of segments.

    Args:
        branches: ``{modality: config of a branch}``, such as :class:`DilatedContextIntegratedBranch`; ``None``: no
            such branch.
        head: Config of the head, without ``in_channels``; each branch has its own.
        fusion_weights: Weight of the logits of each branch, in the order of ``branches``; equal ones by default. Where
            a clip lacks a modality, the others take its share.
        clip_loss: Config of the loss of clips.
        consensus_loss: Config of :class:`TemporalConsensusLoss`.
        pseudo_loss: Config of :class:`ConsensusPseudoLabelLoss`.
        align_loss: Config of :class:`SegmentAlignmentLoss`, without ``channels``.
        segment_loss: Config of the loss of segments (full supervision).
        proposals: Config of the generator of proposals.
        given_labels: Look for the classes that the sample has, instead of those that are predicted.
        data_preprocessor: Config of :class:`FeatureSequencePreprocessor`.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: a loss between modalities without two of them, or another number of weights than of branches.
    """

    def __init__(
        self,
        branches: Dict[str, dict],
        head: dict = dict(type='vlplugins.EmotionActivationHead'),  # noqa: B006
        fusion_weights: Optional[List[float]] = None,
        clip_loss: Optional[dict] = dict(type='vlplugins.MultiLabelClipLoss'),  # noqa: B006
        consensus_loss: Optional[dict] = None,
        pseudo_loss: Optional[dict] = None,
        align_loss: Optional[dict] = None,
        segment_loss: Optional[dict] = None,
        proposals: dict = dict(type='vlplugins.MultiThresholdProposalGenerator'),  # noqa: B006
        given_labels: bool = False,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(data_preprocessor or dict(type='vlplugins.FeatureSequencePreprocessor'), init_cfg)
        self.modalities = tuple(name for name, branch in branches.items() if branch is not None)
        for name, loss in dict(consensus_loss=consensus_loss, pseudo_loss=pseudo_loss, align_loss=align_loss).items():
            if loss is not None and len(self.modalities) != 2:
                raise ValueError(f'{name} compares two modalities, the model has {self.modalities}; set {name}=None')
        weights = [1 / len(self.modalities)] * len(self.modalities) if fusion_weights is None else list(fusion_weights)
        if len(weights) != len(self.modalities):
            raise ValueError(f'{len(weights)} fusion_weights for the branches {self.modalities}')
        self.register_buffer('fusion_weights', torch.tensor(weights, dtype=torch.float), persistent=False)
        self.branches = nn.ModuleDict({name: MODELS.build(branches[name]) for name in self.modalities})
        channels = {name: branch.channels for name, branch in self.branches.items()}
        self.heads = nn.ModuleDict(
            {name: MODELS.build(dict(head, in_channels=channels[name])) for name in self.modalities}
        )
        self.clip_loss = self._build(clip_loss)
        self.consensus_loss, self.pseudo_loss = self._build(consensus_loss), self._build(pseudo_loss)
        self.align_loss = self._build(align_loss, channels=next(iter(channels.values())))
        self.segment_loss = self._build(segment_loss)
        self.proposals, self.given_labels = TASK_UTILS.build(proposals), given_labels

    @staticmethod
    def _build(cfg: Optional[dict], **more: Any) -> Optional[nn.Module]:
        return None if cfg is None else MODELS.build(dict(cfg, **more))

    def forward(
        self, inputs: Inputs, data_samples: Optional[List] = None, mode: str = 'tensor'
    ) -> Union[Dict[str, Tensor], List]:
        """Run the model on B clips of up to N segments.

        Args:
            inputs: Features ``[B, N, D]`` of each modality, ``mask [B, N]`` booleans, ``times [B, N, 2]`` seconds and
                ``present`` ``{modality: [B] booleans}`` (all true where absent).
            data_samples: One :class:`TemporalDataSample` for each clip.
            mode: ``'loss'``: dict of losses; ``'tensor'``: logits ``{modality: [B, N, C]}``, with ``'fused'`` among
                them; ``'predict'``: the samples with ``segment_scores``, ``clip_scores``, ``pred_instances``,
                ``branch_scores`` and ``granularity_weights``.

        Raises:
            ValueError: another mode, or inputs that lack a modality.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            found = self.run_branches(inputs)
            fused, _ = self.fuse(found, inputs)
            return {'fused': fused, **{name: branch.logits for name, branch in found.items()}}
        raise ValueError(f"mode {mode!r} is unknown; expected 'loss', 'predict' or 'tensor'")

    def run_branches(self, inputs: Inputs) -> Dict[str, _Branch]:
        """Features and logits of each modality for itself."""
        missing = [name for name in self.modalities if name not in inputs]
        if missing:
            raise ValueError(f'the inputs have {sorted(inputs)}; the model needs {missing}')
        found = {}
        for name, branch in self.branches.items():
            features, weights = branch(inputs[name], inputs['mask'], inputs['times'])
            found[name] = _Branch(features, weights, *self.heads[name](features, inputs['mask']))
        return found

    def _present(self, inputs: Inputs) -> Tensor:
        """Which modalities each clip has, booleans ``[B, M]``."""
        flags, mask = inputs.get('present', {}), inputs['mask']
        return torch.stack([flags.get(name, mask.new_ones(len(mask))) for name in self.modalities], dim=1)

    def fuse(self, found: Dict[str, _Branch], inputs: Inputs) -> tuple:
        """Fused logits of segments ``[B, N, C]`` and clips ``[B, C]``."""
        present = self._present(inputs).float()
        weights = self.fusion_weights * present
        total = weights.sum(dim=1, keepdim=True)
        # The share of an absent modality goes to the others, also where their own weight is 0.
        even = present / present.sum(dim=1, keepdim=True).clamp(min=1)
        weights = self.fusion_weights.sum() * torch.where(total > 0, weights / total.clamp(min=1e-6), even)
        logits = sum(w[:, None, None] * each.logits for w, each in zip(weights.T, found.values()))
        pool = next(iter(self.heads.values())).pool
        if pool.needs_features:
            return logits, sum(w[:, None] * each.clip_logits for w, each in zip(weights.T, found.values()))
        return logits, pool(logits, inputs['mask'])

    def loss(self, inputs: Inputs, data_samples: List) -> Dict[str, Tensor]:
        """Losses of a batch: ``loss_mil_<modality>``, ``loss_mil_fused``, ``loss_consensus``, ``loss_pseudo``, ..."""
        found = self.run_branches(inputs)
        fused, fused_clip = self.fuse(found, inputs)
        labels = torch.stack([sample.gt_labels for sample in data_samples]).to(fused.device)
        present = self._present(inputs)
        losses = self._clip_losses(found, fused_clip, labels, present, data_samples)
        mask, pair = inputs['mask'], list(found.values())
        both = present.all(dim=1)
        for name, loss in (('consensus', self.consensus_loss), ('pseudo', self.pseudo_loss)):
            if loss is not None:
                losses[f'loss_{name}'] = loss(pair[0].logits, pair[1].logits, mask, labels, both)
        if self.align_loss is not None:
            shared = mask & both[:, None]
            losses['loss_align'] = self.align_loss(pair[0].features, pair[1].features, shared, inputs['times'])
        if self.segment_loss is not None:
            truth = self._truth_of_segments(data_samples).to(fused.device)
            losses['loss_segment_fused'] = self.segment_loss(fused, truth, mask)
            for index, (name, each) in enumerate(found.items()):
                real = mask & present[:, index, None]
                losses[f'loss_segment_{name}'] = self.segment_loss(each.logits, truth, real)
        return losses

    def _clip_losses(
        self, found: Dict[str, _Branch], fused: Tensor, labels: Tensor, present: Tensor, data_samples: List
    ) -> Dict[str, Tensor]:
        if self.clip_loss is None:
            return {}
        counts = None
        if all('gt_label_counts' in sample for sample in data_samples):
            counts = torch.stack([sample.gt_label_counts for sample in data_samples]).to(fused.device)
        losses = {
            f'loss_mil_{name}': self.clip_loss(each.clip_logits, labels, counts, present[:, index])
            for index, (name, each) in enumerate(found.items())
        }
        if len(found) > 1:
            losses['loss_mil_fused'] = self.clip_loss(fused, labels, counts)
        return losses

    @staticmethod
    def _truth_of_segments(data_samples: List) -> Tensor:
        """Booleans ``[B, N, C]``."""
        missing = [sample.get('video_id') for sample in data_samples if 'gt_segments' not in sample]
        if missing:
            raise ValueError(f'segment_loss needs boundaries, which {missing[0]} lacks; set require_segments=True')
        return pad_sequence([sample.gt_segments for sample in data_samples], batch_first=True)

    def predict(self, inputs: Inputs, data_samples: List) -> List:
        """Put scores and proposals into the samples."""
        found = self.run_branches(inputs)
        fused, fused_clip = self.fuse(found, inputs)
        scores, clip_scores, counts = fused.sigmoid(), fused_clip.sigmoid(), inputs['mask'].sum(dim=1).tolist()
        for index, (sample, count) in enumerate(zip(data_samples, counts)):
            sample.segment_scores, sample.clip_scores = scores[index, :count], clip_scores[index]
            labels = sample.gt_labels.to(scores.device) if self.given_labels else None
            times = inputs['times'][index, :count]
            sample.pred_instances = self.proposals(sample.segment_scores, sample.clip_scores, times, labels)
            shown = {name: each.logits[index, :count].sigmoid() for name, each in found.items()}
            weights = {n: each.weights[index, :count] for n, each in found.items() if each.weights is not None}
            sample.branch_scores, sample.granularity_weights = shown, weights
        return data_samples
