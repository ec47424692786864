"""Token clustering: the tokens of a video segment go on as the medoids of their clusters (CenterCLIP)."""

from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.models.layers.token_reduction import (
    TokenReducer,
    check_centers,
    check_segments,
    frame_mean,
    segment_class_tokens,
    segment_tokens,
)
from vlplugins.registry import MODELS, TASK_UTILS


@MODELS.register_module()
class TokenClustering(TokenReducer):
    """Clusters the patch tokens of each segment of consecutive frames and keeps one token per cluster.

    Multi-segment token clustering (CenterCLIP, Zhao et al., SIGIR 2022, sec. 3.2): ``[B*T, 1+L, D] -> [B*S, 1+K, D]``.
    The choice of the medoids has no gradient and is made in single precision; what goes on are the tokens themselves,
    in the order in which they stood. The class token of a segment is the mean over its frames.

    Under ``torch.compile`` the clustering is the one place that is left out of the graph.

    Args:
        num_segments: S, a divisor of T.
        num_centers: K, at most the tokens of a segment.
        algorithm: Config of :class:`KMedoids` or :class:`SpectralClustering`.
        aggregation: ``None``: the medoid stands for its cluster; ``'mean'``: the mean of its members.
        cluster_embedding: Add a learned vector to each kept token, by its place. Needs ``embed_dims``.
        frame_embedding: Add a learned vector to the tokens of each frame of a segment before they are clustered.
            Needs ``embed_dims`` and ``num_frames``.
        adaptive_cls: Multiply the class token of each frame by a learned factor, 1 at the start. Needs ``num_frames``.
        mean_residual: The block that follows adds its attention to the mean of the frames and not to the kept
            tokens; needs K = L. A tower that knows the attribute does it.
        record: Keep ``last_assign [B*S, f*L]`` and ``last_medoids [B*S, K]`` of the last pass.
        embed_dims: D.
        num_frames: T.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: an unknown aggregation, or an option without the size that it needs.
    """

    def __init__(
        self,
        num_segments: int,
        num_centers: int,
        algorithm: Optional[dict] = None,
        aggregation: Optional[str] = None,
        cluster_embedding: bool = False,
        frame_embedding: bool = False,
        adaptive_cls: bool = False,
        mean_residual: bool = False,
        record: bool = False,
        embed_dims: Optional[int] = None,
        num_frames: Optional[int] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(embed_dims, num_frames, init_cfg)
        if aggregation not in (None, 'mean'):
            raise ValueError(f"aggregation {aggregation!r} is unknown; expected None or 'mean'")
        if num_centers < 1:
            raise ValueError(f'num_centers {num_centers} must be at least 1')
        self.num_segments, self.num_centers = num_segments, num_centers
        self.algorithm = TASK_UTILS.build(algorithm or dict(type='vlplugins.KMedoids'))
        self.aggregation, self.mean_residual, self.record = aggregation, mean_residual, record
        self.cluster_embedding = self.frame_embedding = self.class_weights = None
        if cluster_embedding:
            self.cluster_embedding = self._embedding('cluster_embedding', num_centers)
        if adaptive_cls or frame_embedding:
            self._need('num_frames', 'adaptive_cls' if adaptive_cls else 'frame_embedding')
            check_segments(type(self).__name__, num_segments, num_frames)
        if frame_embedding:
            self.frame_embedding = self._embedding('frame_embedding', num_frames // num_segments, 1)
        if adaptive_cls:
            self.class_weights = nn.Parameter(torch.ones(1, num_frames, 1, 1))

    def _need(self, size: str, option: str) -> None:
        if getattr(self, size) is None:
            raise ValueError(f'{option}=True needs {size}')

    def _embedding(self, option: str, *shape: int) -> nn.Parameter:
        self._need('embed_dims', option)
        return nn.Parameter(torch.randn(*shape, self.embed_dims) * self.embed_dims**-0.5)

    def output_shape(self, num_frames: int, num_tokens: int) -> Tuple[int, int]:
        """S and K."""
        check_segments(type(self).__name__, self.num_segments, num_frames)
        check_centers(type(self).__name__, self.num_centers, self.num_segments, num_frames, num_tokens)
        if self.mean_residual and self.num_centers != num_tokens:
            raise ValueError(
                f'mean_residual=True needs num_centers={self.num_centers} equal to the {num_tokens} tokens'
            )
        return self.num_segments, self.num_centers

    def residual(self, tokens: Tensor, num_frames: int) -> Tensor:
        """Mean ``[B*S, 1+L, D]`` over the frames of ``tokens [B*T, 1+L, D]``, for ``mean_residual``."""
        num_videos, num_segments, _ = self.check_tokens(tokens, num_frames)
        return frame_mean(tokens, num_videos, num_segments)

    def forward(self, tokens: Tensor, num_frames: int) -> Tensor:
        """Reduce.

        Args:
            tokens: ``[B*T, 1+L, D]``; the class token first; frames of a video in a row.
            num_frames: T.

        Returns:
            ``[B*S, 1+K, D]``, the segments of a video in a row.

        Raises:
            ValueError: another shape; in eval mode also tokens that are not finite.
        """
        num_videos, num_segments, _ = self.check_tokens(tokens, num_frames)
        patches = segment_tokens(tokens, num_videos, num_segments)
        frames_per_segment = num_frames // num_segments
        if self.frame_embedding is not None:
            frames = patches.unflatten(1, (frames_per_segment, -1))
            patches = (frames + self.frame_embedding.to(patches.dtype)).flatten(1, 2)
        assign, medoids, is_finite = self._cluster(patches, frames_per_segment)
        if self.record:
            self.last_assign, self.last_medoids = assign, medoids
        kept = self._aggregate(patches, assign, medoids)
        if self.cluster_embedding is not None:
            kept = kept + self.cluster_embedding.to(kept.dtype)
        classes = self._class_tokens(tokens, num_videos)
        # A token that is not finite may not be kept; the loss must still tell.
        classes = classes.masked_fill(~is_finite[:, None, None], torch.nan)
        return torch.cat([classes, kept], dim=1)

    @torch.compiler.disable
    @torch.no_grad()
    def _cluster(self, patches: Tensor, frames_per_segment: int) -> Tuple[Tensor, Tensor, Tensor]:
        # A sum is finite only if all of its terms are.
        is_finite = patches.sum(dim=(1, 2), dtype=torch.float).isfinite()
        if not self.training and not bool(is_finite.all()):
            bad = is_finite.logical_not().nonzero().flatten().tolist()
            raise ValueError(f'tokens {tuple(patches.shape)} of segments {bad[:10]} of the batch are not finite')
        return (*self.algorithm(patches.detach(), self.num_centers, frames_per_segment), is_finite)

    def _aggregate(self, patches: Tensor, assign: Tensor, medoids: Tensor) -> Tensor:
        """Tokens ``[B*S, K, D]`` that stand for the clusters."""
        if self.aggregation is None:
            return patches.gather(1, medoids[:, :, None].expand(-1, -1, patches.size(2)))
        members = F.one_hot(assign, self.num_centers).transpose(1, 2).to(patches.dtype)
        return members @ patches / members.sum(dim=2, keepdim=True)

    def _class_tokens(self, tokens: Tensor, num_videos: int) -> Tensor:
        if self.class_weights is not None:
            classes = tokens[:, :1].unflatten(0, (num_videos, -1)) * self.class_weights.to(tokens.dtype)
            return segment_class_tokens(classes.flatten(0, 1), num_videos, self.num_segments)
        return segment_class_tokens(tokens, num_videos, self.num_segments)
