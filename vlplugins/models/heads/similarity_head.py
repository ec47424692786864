"""Similarity of texts and videos by mean pooling, and its contrastive loss."""

import math
from typing import Dict, Optional

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.clip_block import CLIPBlocks
from vlplugins.registry import MODELS

_TEMPORAL = (None, 'transformer')


@MODELS.register_module()
class MeanPoolSimilarityHead(BaseModule):
    """Scaled cosine of a text and the mean of the vectors of a video (CLIP4Clip, arXiv 2104.08860; CenterCLIP).

    The vectors of the frames or segments are scaled to unit norm, the mean over the valid ones is taken, and it is
    scaled again: no frame counts for more because its vector is long. All in single precision.

    Args:
        loss: Config of a contrastive loss ``loss(queries, keys, scale=...)``; by default the two-sided
            :class:`InfoNCELoss` over the batch of all processes.
        logit_scale_init: Logarithm of the factor of the cosines at the start: ln(1 / 0.07); the checkpoints of CLIP
            hold ln(100). It is learned; :class:`ClampLogitScaleHook` keeps it in its range.
        temporal: ``None``; or ``'transformer'`` (seqTransf of CLIP4Clip): a transformer over the valid vectors, whose
            output is added to them.
        embed_dims: E, for the transformer.
        temporal_layers: Its blocks.
        temporal_heads: Its heads.
        max_segments: Most vectors of a video that it has positions for.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: an unknown ``temporal``.
    """

    def __init__(
        self,
        loss: Optional[dict] = None,
        logit_scale_init: float = math.log(1 / 0.07),
        temporal: Optional[str] = None,
        embed_dims: int = 512,
        temporal_layers: int = 4,
        temporal_heads: int = 8,
        max_segments: int = 77,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if temporal not in _TEMPORAL:
            raise ValueError(f'temporal {temporal!r} is unknown; expected one of {_TEMPORAL}')
        self.loss_module = MODELS.build(loss or dict(type='vlplugins.InfoNCELoss', symmetric=True))
        self.logit_scale = nn.Parameter(torch.tensor(float(logit_scale_init)))
        self.temporal = temporal
        if temporal == 'transformer':
            self.positional_embedding = nn.Parameter(torch.randn(max_segments, embed_dims) * 0.01)
            self.transformer = CLIPBlocks(embed_dims, temporal_layers, temporal_heads)

    @staticmethod
    def segment_mask(frame_mask: Tensor, num_segments: int) -> Tensor:
        """Which segments count.

        Args:
            frame_mask: ``[B, T]`` booleans, true where a frame was sampled, false where the last one was repeated.
            num_segments: S, a divisor of T.

        Returns:
            ``[B, S]`` booleans: a segment counts if its last frame does; the first one counts where none would.

        Raises:
            ValueError: S does not divide T.
        """
        if frame_mask.size(1) % num_segments:
            raise ValueError(f'frame_mask {tuple(frame_mask.shape)} does not split into {num_segments} segments')
        mask = frame_mask.bool().unflatten(1, (num_segments, -1))[:, :, -1]
        none = ~mask.any(dim=1, keepdim=True)
        return torch.cat([mask[:, :1] | none, mask[:, 1:]], dim=1)

    def video_vectors(self, features: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        """Unit vectors ``[B, E]`` of videos.

        Args:
            features: ``[B, S, E]``.
            mask: ``[B, S]`` booleans, true where a vector counts; all by default.

        Raises:
            ValueError: shapes that do not match.
        """
        if mask is None:
            mask = features.new_ones(features.shape[:2], dtype=torch.bool)
        if features.dim() != 3 or mask.shape != features.shape[:2]:
            raise ValueError(f'features {tuple(features.shape)} and mask {tuple(mask.shape)} are not [B, S, E], [B, S]')
        if self.temporal == 'transformer':
            features = features + self._over_time(features, mask)
        with torch.autocast(features.device.type, enabled=False):
            unit = F.normalize(features.float(), dim=2)
            total = (unit * mask[:, :, None]).sum(dim=1)
            return F.normalize(total / mask.sum(dim=1, keepdim=True).clamp(min=1), dim=1)

    def _over_time(self, features: Tensor, mask: Tensor) -> Tensor:
        most = len(self.positional_embedding)
        if features.size(1) > most:
            raise ValueError(f'features {tuple(features.shape)} have more segments than max_segments={most}')
        tokens = features + self.positional_embedding[: features.size(1)].to(features.dtype)
        return self.transformer(tokens, mask[:, None, None, :])

    def text_vectors(self, features: Tensor) -> Tensor:
        """Unit vectors ``[N, E]`` of texts, from ``features [N, E]``."""
        with torch.autocast(features.device.type, enabled=False):
            return F.normalize(features.float(), dim=1)

    def forward(self, video_features: Tensor, mask: Optional[Tensor], text_features: Tensor) -> Tensor:
        """Similarities ``[N, B]``, the cosines times ``exp(logit_scale)``, of texts (rows) and videos.

        Args:
            video_features: ``[B, S, E]``.
            mask: ``[B, S]`` booleans or ``None``.
            text_features: ``[N, E]``.
        """
        videos, texts = self.video_vectors(video_features, mask), self.text_vectors(text_features)
        with torch.autocast(videos.device.type, enabled=False):
            return self.logit_scale.exp() * texts @ videos.T

    def loss(self, video_features: Tensor, mask: Optional[Tensor], text_features: Tensor) -> Dict[str, Tensor]:
        """Contrastive loss of videos and the texts of their rows.

        Args:
            video_features: ``[B, S, E]``.
            mask: ``[B, S]`` booleans or ``None``.
            text_features: ``[B, E]``.

        Returns:
            ``loss_contrastive``, and ``logit_scale`` to be logged.

        Raises:
            ValueError: another number of texts than of videos.
        """
        if len(video_features) != len(text_features):
            raise ValueError(
                f'{len(video_features)} videos and {len(text_features)} texts: training needs one text each'
            )
        videos, texts = self.video_vectors(video_features, mask), self.text_vectors(text_features)
        loss = self.loss_module(texts, videos, scale=self.logit_scale.exp())
        return dict(loss_contrastive=loss, logit_scale=self.logit_scale.detach().clone())
