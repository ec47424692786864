"""Frames and words of the segments of a clip."""

from typing import Any, Dict, Optional, Sequence

import torch
from torch import Tensor, nn

from vlplugins.models.layers.inference_states import Premise
from vlplugins.registry import MODELS


def feature_projection(in_channels: int, dim: int, dropout: float) -> nn.Sequential:
    """Dropout of the input, a linear map, GELU and normalisation."""
    layers = nn.Sequential(nn.Dropout(dropout), nn.Linear(in_channels, dim), nn.GELU(), nn.LayerNorm(dim))
    nn.init.xavier_uniform_(layers[1].weight)
    nn.init.zeros_(layers[1].bias)
    return layers


@MODELS.register_module()
class PremiseEncoder(nn.Module):
    """Projects frames, and puts frames and projected words into their segments, each with a vector of its modality.

    Args:
        video_channels: D_v; ``None`` without video.
        dim: d.
        input_dropout: Dropout of the features.
        modalities: Those that are used, of ``'video'`` and ``'subtitle'``.
        local_positions: Rows of a table of the places in a segment; ``None``: frames and words of a segment are sets.

    Raises:
        ValueError: an unknown modality, video without ``video_channels``, or a table without rows; (in ``forward``)
            segments with more places than the table has.
    """

    def __init__(
        self,
        video_channels: Optional[int] = None,
        dim: int = 256,
        input_dropout: float = 0.5,
        modalities: Sequence[str] = ('video', 'subtitle'),
        local_positions: Optional[int] = None,
    ) -> None:
        super().__init__()
        unknown = sorted(set(modalities) - {'video', 'subtitle'})
        if unknown:
            raise ValueError(f"modalities {tuple(modalities)}; expected some of ('video', 'subtitle')")
        if 'video' in modalities and video_channels is None:
            raise ValueError("video_channels is missing; it is needed by the modality 'video'")
        if local_positions is not None and local_positions < 1:
            raise ValueError(f'local_positions {local_positions} must be at least 1, or None for no table')
        self.dim, self.modalities = dim, tuple(modalities)
        self.video_proj = feature_projection(video_channels, dim, input_dropout) if 'video' in modalities else None
        self.kinds = nn.Parameter(0.02 * torch.randn(2, dim))
        self.places = None if local_positions is None else nn.Parameter(0.02 * torch.randn(local_positions, dim))

    def forward(self, inputs: Dict[str, Any], words: Optional[Tensor]) -> Premise:
        """Encode B clips.

        Args:
            inputs: As :class:`InferenceDataPreprocessor` gives them.
            words: Projected words of the subtitles, ``[B, L, d]``; ``None`` without subtitles.

        Raises:
            ValueError: inputs that lack a modality.
        """
        mask, start = inputs['segment_mask'], inputs['segment_times']
        frame_mask, word_mask = inputs['frame_mask'], inputs['word_mask']
        has_video, has_text = torch.zeros_like(mask), torch.zeros_like(mask)
        if self.video_proj is not None:
            if 'video' not in inputs:
                raise ValueError(f'the inputs have {sorted(inputs)}; the model needs video')
            frames = self._place(self.video_proj(inputs['video']), inputs['frame_index'], frame_mask, 0)
            has_video = mask
        else:
            frames, frame_mask = self._nothing(frame_mask)
        if 'subtitle' in self.modalities:
            if words is None:
                raise ValueError(f'the inputs have {sorted(inputs)}; the model needs sub')
            placed, has_text = self._place(words, inputs['word_index'], word_mask, 1), mask
        else:
            placed, word_mask = self._nothing(word_mask)
        times = start / inputs['duration'][:, None, None]
        return Premise(frames, frame_mask, placed, word_mask, mask, has_video, has_text, times)

    def _place(self, features: Tensor, index: Tensor, mask: Tensor, kind: int) -> Tensor:
        flat = index.flatten(1)[..., None].expand(-1, -1, features.size(-1))
        found = features.gather(1, flat).unflatten(1, index.shape[1:]) + self.kinds[kind]
        if self.places is not None:
            if index.size(-1) > len(self.places):
                found_places = f'{index.size(-1)} places in a segment for local_positions={len(self.places)}'
                raise ValueError(f'{found_places}; set max_frames and max_words of AlignSegments to at most that')
            found = found + self.places[: index.size(-1)]
        return found * mask[..., None]

    def _nothing(self, mask: Tensor) -> tuple:
        return self.kinds.new_zeros(*mask.shape, self.dim), torch.zeros_like(mask)
