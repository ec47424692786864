"""Classification of skeleton maps from several streams."""

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.score_fusion import fused_log_probability
from vlplugins.registry import MODELS

Maps = Union[Tensor, Sequence[Tensor]]
_FUSIONS = ('score', 'logit', 'concat')
_POOLS = ('max', 'mean', 'unmasked')


@MODELS.register_module()
class SkeletonFusionHead(BaseModule):
    """Pools maps over space and persons, classifies each stream, and fuses the streams.

    Loss: mean cross-entropy of the streams, plus ``fused_loss_weight`` times that of the fused score. With a weight of
    zero each stream is trained exactly as if it were alone (up to the factor of the mean). With ``fusion='concat'``
    there is one classifier on all streams together, and one loss.

    A person whose maps are zero in all streams is absent, and takes no part in the pooling.

    Args:
        num_classes: Number of classes K.
        in_channels: Channels of a stream's map.
        num_streams: Number of streams S.
        stream_names: Names of the streams in the log; ``('stream0', ...)`` by default.
        fusion: ``'score'``: weighted mean of probabilities; ``'logit'``: of logits; ``'concat'``: of features. Early
            fusion is a backbone of a single stream with all channels.
        weights: Of the streams: not negative, of sum 1 (equal by default), or ``'learned'``: the softmax of free
            numbers, trained by the fused loss alone.
        person_pool: ``'max'`` or ``'mean'`` over the persons that are present; ``'unmasked'`` is the mean over all
            slots, as mmaction2's ``GCNHead`` has it.
        fused_loss_weight: Factor of the fused loss; 1 by default with learned weights, else 0.
        dropout: Probability before the classifiers.
        loss_cls: Loss on logits and labels.
        label_smooth_eps: Label smoothing.
        topk: Accuracies in the log; those above K are left out.
        average_clips: ``'prob'``: mean probability of the clips of a sample; ``'score'``: of their log-scores.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: an unknown option; weights that do not fit.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        num_streams: int = 1,
        stream_names: Optional[Sequence[str]] = None,
        fusion: str = 'score',
        weights: Union[None, str, Sequence[float]] = None,
        person_pool: str = 'max',
        fused_loss_weight: Optional[float] = None,
        dropout: float = 0.0,
        loss_cls: dict = dict(type='mmaction.CrossEntropyLoss'),  # noqa: B006  (a config, never changed)
        label_smooth_eps: float = 0.0,
        topk: Sequence[int] = (1, 5),
        average_clips: str = 'prob',
        init_cfg: Any = dict(type='Normal', layer='Linear', std=0.01),  # noqa: B006
    ) -> None:
        super().__init__(init_cfg)
        for name, value, known in (
            ('fusion', fusion, _FUSIONS),
            ('person_pool', person_pool, _POOLS),
            ('average_clips', average_clips, ('prob', 'score')),
        ):
            if value not in known:
                raise ValueError(f'{name} {value!r} is unknown; expected one of {known}')
        self.stream_names = tuple(stream_names or (f'stream{index}' for index in range(num_streams)))
        if len(self.stream_names) != num_streams:
            raise ValueError(f'stream_names {self.stream_names} must name {num_streams} streams')
        self.num_classes, self.num_streams, self.fusion, self.person_pool = (
            num_classes,
            num_streams,
            fusion,
            person_pool,
        )
        self.label_smooth_eps, self.average_clips = label_smooth_eps, average_clips
        self.topk = tuple(k for k in topk if k <= num_classes)
        self._set_weights(weights, fused_loss_weight)
        self.dropout = nn.Dropout(dropout)
        heads = 1 if fusion == 'concat' else num_streams
        channels = in_channels * num_streams if fusion == 'concat' else in_channels
        self.fcs = nn.ModuleList(nn.Linear(channels, num_classes) for _ in range(heads))
        self.loss_cls = MODELS.build(loss_cls)

    def _set_weights(self, weights: Any, fused_loss_weight: Optional[float]) -> None:
        self.learns_weights = weights == 'learned'
        self.fused_loss_weight = float(self.learns_weights) if fused_loss_weight is None else fused_loss_weight
        if self.learns_weights:
            if self.fusion == 'concat' or self.fused_loss_weight <= 0:
                raise ValueError("weights='learned' needs fusion 'score' or 'logit', and a fused_loss_weight above 0")
            self.free_weights = nn.Parameter(torch.zeros(self.num_streams))
            return
        values = [1 / self.num_streams] * self.num_streams if weights is None else list(weights)
        if len(values) != self.num_streams or min(values) < 0 or abs(sum(values) - 1) > 1e-6:
            raise ValueError(f'weights {values} must be {self.num_streams} numbers of at least 0 whose sum is 1')
        self.register_buffer('fixed_weights', torch.tensor(values), persistent=False)

    @property
    def stream_weights(self) -> Tensor:
        """Weights ``[S]`` of the streams."""
        return self.free_weights.softmax(dim=0) if self.learns_weights else self.fixed_weights

    def pool(self, maps: Sequence[Tensor]) -> List[Tensor]:
        """Features ``[N, D]`` of each stream, of its maps ``[N, M, D, L', V']``."""
        if self.person_pool == 'unmasked':
            return [each.mean(dim=(1, 3, 4)) for each in maps]
        present = torch.stack([each.flatten(2).ne(0).any(dim=2) for each in maps]).any(dim=0)
        nobody = ~present.any(dim=1, keepdim=True)
        features = []
        for each in maps:
            pooled = each.mean(dim=(3, 4))
            if self.person_pool == 'mean':
                mask = present[..., None].to(pooled)
                features.append((pooled * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1))
            else:
                highest = pooled.masked_fill(~present[..., None], -torch.inf).amax(dim=1)
                features.append(highest.masked_fill(nobody, 0))
        return features

    def scores(self, feats: Maps) -> Tensor:
        """Logits ``[S, N, K]`` of the streams (``[1, N, K]`` with ``fusion='concat'``).

        Raises:
            ValueError: another number of streams.
        """
        maps = [feats] if isinstance(feats, Tensor) else list(feats)
        if len(maps) != self.num_streams:
            raise ValueError(f'found maps of {len(maps)} streams; the head has num_streams={self.num_streams}')
        features = [self.dropout(each) for each in self.pool(maps)]
        if self.fusion == 'concat':
            features = [torch.cat(features, dim=1)]
        return torch.stack([fc(each) for fc, each in zip(self.fcs, features)])

    def fuse(self, scores: Tensor) -> Tensor:
        """Logarithms of fused probabilities ``[N, K]`` of the streams' logits ``[S, N, K]``."""
        if self.fusion == 'concat':
            return scores[0].float().log_softmax(dim=1)
        if self.fusion == 'logit':
            return torch.einsum('s,snk->nk', self.stream_weights, scores.float()).log_softmax(dim=1)
        return fused_log_probability(scores, self.stream_weights)

    def forward(self, feats: Maps, **kwargs: Any) -> Tensor:
        """Logarithms of fused probabilities ``[N, K]``; their softmax is the probabilities."""
        return self.fuse(self.scores(feats))

    def loss(self, feats: Maps, data_samples: Sequence[Any], **kwargs: Any) -> Dict[str, Tensor]:
        """Losses and accuracies (fractions, of the fused score)."""
        scores = self.scores(feats)
        labels = torch.stack([sample.gt_label for sample in data_samples]).to(scores.device)
        labels = labels.flatten() if labels.numel() == len(labels) else labels
        # Clips of a sample share its label.
        labels = labels.repeat_interleave(scores.size(1) // len(data_samples), dim=0)
        targets = self._smooth(labels)
        names = self.stream_names if len(scores) == self.num_streams > 1 else ('cls',)
        losses = {f'loss_{name}': self.loss_cls(each, targets) / len(scores) for name, each in zip(names, scores)}
        # Without weight in the loss, the fused score is a number for the log.
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.fused_loss_weight > 0):
            fused = self.fuse(scores)
        if self.fused_loss_weight > 0 and self.fusion != 'concat':
            losses['loss_fused'] = self.fused_loss_weight * self.loss_cls(fused, targets)
        losses.update(self._accuracies(fused.detach(), labels))
        if self.learns_weights:
            losses.update({f'weight_{name}': each for name, each in zip(names, self.stream_weights.detach())})
        return losses

    def _smooth(self, labels: Tensor) -> Tensor:
        if not self.label_smooth_eps:
            return labels
        if labels.dim() == 1:
            labels = F.one_hot(labels, self.num_classes)
        return (1 - self.label_smooth_eps) * labels + self.label_smooth_eps / self.num_classes

    def _accuracies(self, scores: Tensor, labels: Tensor) -> Dict[str, Tensor]:
        if labels.dim() > 1:
            return {}
        hits = scores.topk(max(self.topk), dim=1).indices == labels[:, None]
        return {f'top{k}_acc': hits[:, :k].any(dim=1).float().mean() for k in self.topk}

    def predict(self, feats: Maps, data_samples: List[Any], **kwargs: Any) -> List[Any]:
        """Set ``pred_score [K]``, probabilities, and ``pred_label [1]`` of each sample, the mean of its clips."""
        scores = self.clip_scores(self(feats), len(data_samples))
        for sample, score in zip(data_samples, scores):
            sample.set_pred_score(score)
            sample.set_pred_label(score.argmax(dim=0, keepdim=True))
        return data_samples

    def clip_scores(self, logs: Tensor, num_samples: int) -> Tensor:
        """Probabilities ``[B, K]`` of samples, of log-probabilities ``[B * clips, K]``."""
        logs = logs.unflatten(0, (num_samples, -1))
        return logs.exp().mean(dim=1) if self.average_clips == 'prob' else logs.mean(dim=1).softmax(dim=1)


def stream_slices(stream_channels: Sequence[int]) -> List[Tuple[int, int]]:
    """First channel, and the one after the last, of each stream of an image."""
    ends = torch.tensor(stream_channels).cumsum(0).tolist()
    return list(zip([0, *ends[:-1]], ends))
