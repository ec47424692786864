"""Layers that shorten, or mix along time, the token sequences of the frames of a video.

One contract: ``layer(tokens [B*T, 1+L, D], num_frames=T) -> [B*S, 1+K, D]``. A video has T frames in a row, each of
one class token and L patch tokens; S segments of T / S consecutive frames come out, each of one class token and K
others. Such a layer stands between the blocks of any transformer over tokens of frames.
"""

from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from vlplugins.registry import MODELS


class TokenReducer(BaseModule):
    """Base of the layers with the contract above.

    Args:
        embed_dims: D, where the layer needs it (a tower fills it in).
        num_frames: T, where the layer needs it (a tower fills it in).
        init_cfg: MMEngine initialisation.
    """

    # Keys of its config that a tower reads: where the layer stands.
    keys_for_owner = ('after_block', 'every_block')
    # Whether S = T and K = L, so that the layer may stand before every block.
    keeps_shape = False
    # Whether the block after the layer adds its attention to the mean over the frames, not to the reduced sequence.
    mean_residual = False

    def __init__(
        self, embed_dims: Optional[int] = None, num_frames: Optional[int] = None, init_cfg: Optional[dict] = None
    ) -> None:
        super().__init__(init_cfg)
        self.embed_dims, self.num_frames = embed_dims, num_frames

    def output_shape(self, num_frames: int, num_tokens: int) -> Tuple[int, int]:
        """Segments S and tokens K that come out when T frames of L tokens go in.

        Raises:
            ValueError: the layer cannot take them; the option and its value are named.
        """
        raise NotImplementedError

    def check_tokens(self, tokens: Tensor, num_frames: int) -> Tuple[int, int, int]:
        """Numbers (B, S, K) of an input.

        Raises:
            ValueError: the shape does not fit ``num_frames`` or the options of the layer.
        """
        shape = tuple(tokens.shape)
        if tokens.dim() != 3 or num_frames < 1 or shape[0] % num_frames or shape[1] < 2:
            raise ValueError(f'tokens {shape} are not [B * T, 1 + L, D] with T = num_frames = {num_frames}')
        if self.num_frames is not None and num_frames != self.num_frames:
            raise ValueError(
                f'num_frames {num_frames} of tokens {shape}, but the layer is for {self.num_frames} frames'
            )
        if self.embed_dims is not None and shape[2] != self.embed_dims:
            raise ValueError(f'tokens {shape} have {shape[2]} channels, but the layer is for {self.embed_dims}')
        return (shape[0] // num_frames, *self.output_shape(num_frames, shape[1] - 1))


def check_segments(name: str, num_segments: int, num_frames: int) -> None:
    """Check that T frames make S equal segments.

    Raises:
        ValueError: they do not.
    """
    if num_segments < 1 or num_frames % num_segments:
        raise ValueError(f'{name}: num_segments={num_segments} does not divide the {num_frames} frames that arrive')


def check_centers(name: str, num_centers: int, num_segments: int, num_frames: int, num_tokens: int) -> None:
    """Check that K of the tokens of a segment can be kept.

    Raises:
        ValueError: they cannot.
    """
    available = num_frames // num_segments * num_tokens
    if not 1 <= num_centers <= available:
        raise ValueError(
            f'{name}: num_centers={num_centers} is outside 1..{available}, the tokens of a segment '
            f'({num_frames // num_segments} frames of {num_tokens})'
        )


def segment_tokens(tokens: Tensor, num_videos: int, num_segments: int) -> Tensor:
    """Patch tokens ``[B*S, f*L, D]`` of the segments of ``tokens [B*T, 1+L, D]``; the frames of a segment in a row."""
    return tokens[:, 1:].reshape(num_videos * num_segments, -1, tokens.size(2))


def segment_class_tokens(tokens: Tensor, num_videos: int, num_segments: int) -> Tensor:
    """Mean class token ``[B*S, 1, D]`` over the frames of each segment of ``tokens [B*T, 1+L, D]``."""
    return tokens[:, :1].reshape(num_videos * num_segments, -1, tokens.size(2)).mean(dim=1, keepdim=True)


def frame_mean(tokens: Tensor, num_videos: int, num_segments: int) -> Tensor:
    """Mean ``[B*S, 1+L, D]`` over the frames of each segment of ``tokens [B*T, 1+L, D]``, place by place."""
    return tokens.reshape(num_videos * num_segments, -1, *tokens.shape[1:]).mean(dim=1)


def shift_frames(values: Tensor, fold: int) -> Tensor:
    """Temporal shift (Lin et al., ICCV 2019) of ``values [B, T, ..., D]``.

    Channels ``[0, fold)`` come from the next frame, ``[fold, 2 * fold)`` from the one before, zero beyond the ends of
    the video; the rest stays.
    """
    following, preceding, rest = values.split([fold, fold, values.size(-1) - 2 * fold], dim=-1)
    frame_axes = (0, 0) * (values.dim() - 2)
    following = F.pad(following[:, 1:], (*frame_axes, 0, 1))
    preceding = F.pad(preceding[:, :-1], (*frame_axes, 1, 0))
    return torch.cat([following, preceding, rest], dim=-1)


@MODELS.register_module()
class TokenPooling(TokenReducer):
    """Mean over the frames of a segment, place by place, the class token included: K = L.

    Args:
        num_segments: S, a divisor of T.
        embed_dims: Not needed.
        num_frames: Not needed.
        init_cfg: MMEngine initialisation.
    """

    def __init__(
        self,
        num_segments: int,
        embed_dims: Optional[int] = None,
        num_frames: Optional[int] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(embed_dims, num_frames, init_cfg)
        self.num_segments = num_segments

    def output_shape(self, num_frames: int, num_tokens: int) -> Tuple[int, int]:
        """S and L."""
        check_segments(type(self).__name__, self.num_segments, num_frames)
        return self.num_segments, num_tokens

    def forward(self, tokens: Tensor, num_frames: int) -> Tensor:
        """Pool ``tokens [B*T, 1+L, D]`` to ``[B*S, 1+L, D]``."""
        num_videos, num_segments, _ = self.check_tokens(tokens, num_frames)
        return frame_mean(tokens, num_videos, num_segments)


@MODELS.register_module()
class TokenSparseSampling(TokenReducer):
    """Keeps K of the N = f*L tokens of a segment by their index alone; the class token is the mean over the frames.

    In training one token is drawn from each of K bins of N // K tokens, the same for all videos of a batch; in
    testing the middles of K equal parts are taken, ``int(N / K / 2 + N / K * i)``.

    Args:
        num_segments: S, a divisor of T.
        num_centers: K, at most N.
        record: Keep ``last_medoids [B*S, K]``, the indices of the tokens that were kept.
        generator: Source of the random numbers; the global one of the device by default.
        embed_dims: Not needed.
        num_frames: Not needed.
        init_cfg: MMEngine initialisation.
    """

    def __init__(
        self,
        num_segments: int,
        num_centers: int,
        record: bool = False,
        generator: Optional[torch.Generator] = None,
        embed_dims: Optional[int] = None,
        num_frames: Optional[int] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(embed_dims, num_frames, init_cfg)
        self.num_segments, self.num_centers = num_segments, num_centers
        self.record, self.generator = record, generator

    def output_shape(self, num_frames: int, num_tokens: int) -> Tuple[int, int]:
        """S and K."""
        check_segments(type(self).__name__, self.num_segments, num_frames)
        check_centers(type(self).__name__, self.num_centers, self.num_segments, num_frames, num_tokens)
        return self.num_segments, self.num_centers

    def indices(self, num_points: int, device: torch.device) -> Tensor:
        """Indices ``[S, K]`` of the tokens to keep, ascending."""
        slots = torch.arange(self.num_centers, device=device)
        if not self.training:
            # floor(N / 2K + N / K * i) in whole numbers.
            kept = (2 * slots + 1) * num_points // (2 * self.num_centers)
            return kept.expand(self.num_segments, -1)
        width = num_points // self.num_centers
        shape = (self.num_segments, self.num_centers)
        source = device if self.generator is None else self.generator.device
        return slots * width + torch.randint(width, shape, generator=self.generator, device=source).to(device)

    def forward(self, tokens: Tensor, num_frames: int) -> Tensor:
        """Sample ``tokens [B*T, 1+L, D]`` to ``[B*S, 1+K, D]``."""
        num_videos, num_segments, _ = self.check_tokens(tokens, num_frames)
        patches = segment_tokens(tokens, num_videos, num_segments)
        kept = self.indices(patches.size(1), tokens.device).repeat(num_videos, 1)
        if self.record:
            self.last_medoids = kept
        kept = patches.gather(1, kept[:, :, None].expand(-1, -1, patches.size(2)))
        return torch.cat([segment_class_tokens(tokens, num_videos, num_segments), kept], dim=1)


class _Shift(TokenReducer):
    keeps_shape = True

    def __init__(
        self,
        fold_div: int = 8,
        embed_dims: Optional[int] = None,
        num_frames: Optional[int] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(embed_dims, num_frames, init_cfg)
        if fold_div < 2:
            raise ValueError(f'fold_div={fold_div}: two parts of the channels are shifted, so it must be at least 2')
        self.fold_div = fold_div

    def output_shape(self, num_frames: int, num_tokens: int) -> Tuple[int, int]:
        """T and L."""
        return num_frames, num_tokens

    def _shift(self, tokens: Tensor, num_frames: int) -> Tensor:
        num_videos = self.check_tokens(tokens, num_frames)[0]
        frames = tokens.reshape(num_videos, num_frames, *tokens.shape[1:])
        return shift_frames(frames, tokens.size(2) // self.fold_div).reshape(tokens.shape)


@MODELS.register_module()
class TemporalShift(_Shift):
    """Temporal shift of the patch tokens; class tokens and the number of frames stay.

    Args:
        fold_div: One part in ``fold_div`` of the channels comes from the next frame, one from the frame before.
        embed_dims: Not needed.
        num_frames: Not needed.
        init_cfg: MMEngine initialisation.
    """

    def forward(self, tokens: Tensor, num_frames: int) -> Tensor:
        """Shift ``tokens [B*T, 1+L, D]``; the shape stays."""
        return torch.cat([tokens[:, :1], self._shift(tokens, num_frames)[:, 1:]], dim=1)


@MODELS.register_module()
class TokenShift(_Shift):
    """Temporal shift of the class tokens alone (Zhang et al., "Token Shift Transformer", ACM MM 2021).

    Made for every block: a tower applies it to the trunk before the attention and again before the MLP.

    Args:
        fold_div: One part in ``fold_div`` of the channels comes from the next frame, one from the frame before.
        embed_dims: Not needed.
        num_frames: Not needed.
        init_cfg: MMEngine initialisation.
    """

    def forward(self, tokens: Tensor, num_frames: int) -> Tensor:
        """Shift the class tokens of ``tokens [B*T, 1+L, D]``; the shape stays."""
        num_videos = self.check_tokens(tokens, num_frames)[0]
        classes = tokens[:, 0].reshape(num_videos, num_frames, -1)
        shifted = shift_frames(classes, tokens.size(2) // self.fold_div).reshape(tokens.size(0), 1, -1)
        return torch.cat([shifted, tokens[:, 1:]], dim=1)
