"""The light CNN of AFE-CNN, over images of skeleton features."""

import copy
import warnings
from typing import Any, Iterable, List, Optional, Sequence, Tuple, Union

import torch
from mmcv.cnn import build_norm_layer
from mmcv.cnn.bricks import DropPath
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vlplugins.models.layers.joint_time_attention import JointTimeAttention
from vlplugins.models.layers.merged_branches import fold_normalization, merge_branches
from vlplugins.registry import MODELS

# Also the last normalisation of a block starts as the identity, not as zero.
_INIT = [
    dict(type='Kaiming', layer=['Conv1d', 'Conv2d']),
    dict(type='Constant', layer=['_BatchNorm', 'GroupNorm'], val=1),
]


class SkeletonBlock(nn.Module):
    """Depth-wise convolution over time and joints, point-wise convolution, attention, shortcut.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Stride along both axes.
        kernel: Odd size of the depth-wise kernel along time and joints.
        attention: Arguments of :class:`JointTimeAttention`, or ``None``.
        drop_path: Probability to drop the branch of a sample.
        norm_cfg: Normalisation layer.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        kernel: Tuple[int, int],
        attention: Optional[dict],
        drop_path: float,
        norm_cfg: dict,
    ) -> None:
        super().__init__()
        padding = tuple(size // 2 for size in kernel)
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, kernel, stride, padding, groups=in_channels, bias=False),
            build_norm_layer(norm_cfg, in_channels)[1],
            nn.ReLU(inplace=True),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            build_norm_layer(norm_cfg, out_channels)[1],
        )
        self.attention = nn.Identity() if attention is None else JointTimeAttention(out_channels, **attention)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), build_norm_layer(norm_cfg, out_channels)[1]
            )

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, T, V]`` to ``[N, C', T', V']``."""
        return (self.drop_path(self.attention(self.branch(x))) + self.shortcut(x)).relu()


class SkeletonStream(nn.Sequential):
    """The network of one stream: normalised input, a convolution, stages of :class:`SkeletonBlock`.

    Args:
        in_channels: Channels of the image.
        widths: Channels of each stage; every stage but the first halves both axes.
        blocks: Blocks of a stage.
        kernel: As in :class:`SkeletonBlock`.
        attention: As in :class:`SkeletonBlock`.
        drop_path: Probability in the last block; it grows linearly from zero.
        norm_cfg: Normalisation layer.
    """

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        blocks: int,
        kernel: Tuple[int, int],
        attention: Optional[dict],
        drop_path: float,
        norm_cfg: dict,
    ) -> None:
        layers: List[nn.Module] = [
            build_norm_layer(norm_cfg, in_channels)[1],
            nn.Conv2d(in_channels, widths[0], 3, padding=1, bias=False),
            build_norm_layer(norm_cfg, widths[0])[1],
            nn.ReLU(inplace=True),
        ]
        rates = torch.linspace(0, drop_path, len(widths) * blocks).tolist()
        channels = widths[0]
        for index, rate in enumerate(rates):
            stage, first = index // blocks, index % blocks == 0
            stride = 2 if stage and first else 1
            layers.append(SkeletonBlock(channels, widths[stage], stride, kernel, attention, rate, norm_cfg))
            channels = widths[stage]
        super().__init__(*layers)


class MergedStreams(nn.Module):
    """Trained streams as one network of convolutions in groups, for inference: a third of the launches.

    Args:
        streams: Streams of equal widths. They are copied; batch normalisation is folded into the convolutions.
    """

    # The first layers of a stream, whose channels differ from stream to stream.
    STEM = 4

    def __init__(self, streams: Sequence[SkeletonStream]) -> None:
        super().__init__()
        folded = [nn.Sequential(*fold_normalization(copy.deepcopy(stream))) for stream in streams]
        self.stems = nn.ModuleList(stream[: self.STEM] for stream in folded)
        self.body = merge_branches([stream[self.STEM :] for stream in folded])

    def stem(self, parts: Sequence[Tensor]) -> Tensor:
        """Maps ``[N, S * C, L, V]`` of the images ``[N, C_s, L, V]`` of the streams."""
        return torch.cat([stem(part) for stem, part in zip(self.stems, parts)], dim=1)

    def forward(self, parts: Sequence[Tensor]) -> List[Tensor]:
        """Maps ``[N, D, L', V']`` of the streams, of their images."""
        return list(self.body(self.stem(parts)).chunk(len(self.stems), dim=1))


def _attention_of(layers: Iterable[nn.Module], x: Tensor) -> List[Tuple[Tensor, Tensor]]:
    """Factors of the attention in each of a chain of layers."""
    kept = []
    for layer in layers:
        if isinstance(layer, SkeletonBlock) and isinstance(layer.attention, JointTimeAttention):
            kept.append(layer.attention.weights(layer.branch(x)))
        x = layer(x)
    return kept


@MODELS.register_module()
class AFECNN(BaseModule):
    """A small CNN for each stream of a skeleton image (AFE-CNN, arXiv 2208.03444; its layers are inferred here).

    Persons share the weights, streams do not. A person whose image is all zero is absent: it is not computed, so that
    it touches no statistics, and its map is zero, by which :class:`SkeletonFusionHead` knows it.

    With ``dense=True`` absent persons are computed and their maps set to zero afterwards: shapes do not depend on the
    data (``torch.compile`` without graph breaks, ONNX), no wait for the GPU. Evaluation is equal; in training
    the black images enter the statistics of the normalisation.

    :meth:`switch_to_deploy` turns a trained network into a faster one of the same outputs.

    Args:
        stream_channels: Channels of each stream; the image has their sum.
        widths: Channels of each stage.
        blocks: Blocks of a stage.
        kernel: Depth-wise kernel along time and joints, odd.
        attention: Arguments of :class:`JointTimeAttention`, or ``None`` for none.
        drop_path: Stochastic depth of the last block.
        dense: Compute absent persons too.
        norm_cfg: Normalisation layer.
        norm_eval: Keep the normalisation in evaluation mode while training.
        init_cfg: By default Kaiming-normal convolutions (fan-out), and every normalisation as the identity.

    Raises:
        ValueError: no stream, an even kernel, no stage.
    """

    def __init__(
        self,
        stream_channels: Sequence[int] = (15, 3, 6),
        widths: Sequence[int] = (32, 64, 128, 256),
        blocks: int = 2,
        kernel: Tuple[int, int] = (5, 3),
        attention: Optional[dict] = dict(joint=True, time=True),  # noqa: B006  (a config, never changed)
        drop_path: float = 0.0,
        dense: bool = False,
        norm_cfg: dict = dict(type='BN'),  # noqa: B006
        norm_eval: bool = False,
        init_cfg: Any = _INIT,
    ) -> None:
        super().__init__(init_cfg)
        if not stream_channels or min(stream_channels) < 1:
            raise ValueError(f'stream_channels {tuple(stream_channels)} must be one positive number for each stream')
        if not widths or blocks < 1:
            raise ValueError(f'widths {tuple(widths)} and blocks {blocks} make no network')
        if len(kernel) != 2 or any(size % 2 == 0 for size in kernel):
            raise ValueError(f'kernel {tuple(kernel)} must be two odd sizes, along time and joints')
        self.stream_channels, self.out_channels = tuple(stream_channels), widths[-1]
        self.halvings = len(widths) - 1
        self.dense, self.norm_eval = dense, norm_eval
        self.merged: Optional[MergedStreams] = None
        shared = (tuple(widths), blocks, tuple(kernel), attention, drop_path, norm_cfg)
        self.streams = nn.ModuleList(SkeletonStream(channels, *shared) for channels in stream_channels)

    def switch_to_deploy(self) -> None:
        """Fold batch normalisation into the convolutions and compute all streams as one, for inference.

        Outputs are equal up to rounding. Keys of the state dict change: save the network before.
        """
        if self.merged is None:
            self.merged = MergedStreams(self.streams).eval()
            self.streams = nn.ModuleList()
            self.eval()

    def train(self, mode: bool = True) -> 'AFECNN':
        """Set the mode, of the normalisation only if it is not kept in evaluation mode.

        Raises:
            RuntimeError: training after :meth:`switch_to_deploy`.
        """
        if mode and self.merged is not None:
            raise RuntimeError('AFECNN was switched to deployment, which cannot be trained; build it anew')
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def forward(self, x: Tensor) -> Union[Tensor, Tuple[Tensor, ...]]:
        """Encode images.

        Args:
            x: ``[N, M, C, L, V]``: clips, persons, channels of all streams, rows (time), columns (joints).

        Returns:
            For each stream a map ``[N, M, D, L', V']``; of a single stream the map itself, as mmaction2's heads take.

        Raises:
            ValueError: other numbers of axes or channels.
        """
        expected = sum(self.stream_channels)
        if x.dim() != 5 or x.size(2) != expected:
            raise ValueError(
                f'found an input {tuple(x.shape)}; expected [N, M, {expected}, L, V] for the streams '
                f'{self.stream_channels}'
            )
        flat = x.flatten(0, 1)
        # The largest magnitude is several times as fast as any() on a CPU; NaN is not zero either.
        present = flat.flatten(1).abs().amax(dim=1).ne(0)
        run = self._run_all if self.dense else self._run_present
        maps = tuple(each.unflatten(0, x.shape[:2]) for each in run(flat, present))
        return maps if len(maps) > 1 else maps[0]

    def _parts(self, flat: Tensor) -> List[Tensor]:
        parts = flat.split(self.stream_channels, dim=1)
        if self.merged is not None:
            return self.merged(parts)
        return [stream(part) for stream, part in zip(self.streams, parts)]

    def _run_all(self, flat: Tensor, present: Tensor) -> List[Tensor]:
        mask = present[:, None, None, None]
        return [maps.masked_fill(~mask, 0) for maps in self._parts(flat)]

    def _run_present(self, flat: Tensor, present: Tensor) -> List[Tensor]:
        indices = present.nonzero().flatten()
        if len(indices) == len(flat):
            return self._parts(flat)
        if len(indices) == 0:
            warnings.warn('AFECNN: no person is present in the whole batch; its features are zero', stacklevel=3)
            return self._zeros(flat)
        return [maps.new_zeros(len(flat), *maps.shape[1:]).index_copy(0, indices, maps)
                for maps in self._parts(flat[indices])]  # fmt: skip

    def _zeros(self, flat: Tensor) -> List[Tensor]:
        """Zero maps that every parameter takes part in, so that a backward pass goes through."""
        streams = [self.merged] * len(self.stream_channels) if self.merged is not None else self.streams
        size = flat.shape[2:]
        for _ in range(self.halvings):
            size = [(length + 1) // 2 for length in size]
        tied = [sum(parameter.sum() for parameter in stream.parameters()) * 0 for stream in streams]
        return [flat.new_zeros(len(flat), self.out_channels, *size) + each for each in tied]

    @torch.no_grad()
    def attention_maps(self, x: Tensor) -> List[List[Tuple[Tensor, Tensor]]]:
        """Factors of rows and columns of every attention layer, for pictures.

        Args:
            x: As in :meth:`forward`.

        Returns:
            For each stream and layer, ``[N * M, D, T, 1]`` and ``[N * M, D, 1, V]``.
        """
        parts = x.flatten(0, 1).split(self.stream_channels, dim=1)
        if self.merged is None:
            return [_attention_of(stream, part) for stream, part in zip(self.streams, parts)]
        factors = _attention_of(self.merged.body, self.merged.stem(parts))
        chunks = [[each.chunk(len(parts), dim=1) for each in pair] for pair in factors]
        return [[(rows[index], columns[index]) for rows, columns in chunks] for index in range(len(parts))]
