"""ResNet whose channels can be cut to several widths (SlimCLR, Zhao et al., IJCV 2024, sec. 3)."""

from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from vlplugins.models.backbones.slimmable_resnet_blocks import (
    SlimmableBasicBlock,
    SlimmableBottleneck,
    build_switchable_norm,
)
from vlplugins.models.layers.slimmable import SlimmableConv2d
from vlplugins.models.layers.widths import WidthModule, scale_channels
from vlplugins.registry import MODELS

# Block and blocks per stage of each depth. 20 is the network of the CIFAR studies, with three stages.
_ARCHITECTURES: Dict[int, Tuple[type, Tuple[int, ...]]] = {
    18: (SlimmableBasicBlock, (2, 2, 2, 2)),
    20: (SlimmableBasicBlock, (3, 3, 3)),
    34: (SlimmableBasicBlock, (3, 4, 6, 3)),
    50: (SlimmableBottleneck, (3, 4, 6, 3)),
    101: (SlimmableBottleneck, (3, 4, 23, 3)),
    152: (SlimmableBottleneck, (3, 8, 36, 3)),
}


@MODELS.register_module()
class SlimmableResNet(WidthModule, BaseModule):
    """ResNet v1.5 with shared weights and switchable batch normalisation for several widths.

    At width ``w`` a stage of ``C`` channels has ``int(C * w)``. Without a ``width`` argument it runs at
    ``default_width`` and is an ordinary backbone for any OpenMMLab model: with ``depth=50, default_width=0.5`` the
    neck takes ``in_channels=[128, 256, 512, 1024]``. Ordinary ResNet weights (``conv1, bn1, layer1.0.conv1, ...``)
    load into it: convolutions as they are, each normalisation into all widths.

    Args:
        depth: 18, 34, 50, 101, 152, or 20 (three stages, for small images).
        widths: The widths, in any order; 1.0 must be among them.
        default_width: The width of a call that names none.
        in_channels: Channels of the image.
        base_channels: Channels of the stem at full width.
        stage_blocks: Blocks per stage, in place of those of ``depth``; the block type stays that of ``depth``.
        strides: Stride of each stage; by default 1, then 2.
        out_indices: Stages whose maps are returned, 0 the first. ``None`` stands for the last alone.
        as_tuple: Return a tuple of maps, as mmdet and mmpretrain take it; ``False``: the map of the one stage itself,
            as the recognizers of mmaction2 take it.
        stem: ``'imagenet'`` (7x7 stride 2, then max pooling: stride 4) or ``'small'`` (3x3 stride 1).
        norm_cfg: ``dict(type='BN')`` or ``dict(type='SyncBN')``, with ``eps``, ``momentum`` or ``requires_grad``.
        switchable_bn: ``False`` shares one normalisation, cut to each width (ablation).
        overlap_weight: ``False`` gives the widths disjoint channels (ablation); they may then sum to at most 2.
        pad_outputs: Pad the maps of narrow widths with zero channels to those of the full width, so that one neck
            and one head serve all widths.
        norm_eval: Keep normalisation in eval mode during training.
        frozen_stages: Freeze the stem (0) and so many stages (1 to all); -1 freezes nothing.
        zero_init_residual: Start the last normalisation of each residual branch at scale 0, for every width.
        with_cp: Recompute blocks in the backward pass, to save memory.
        channels_last: Keep the weights, and so the maps, with the channels innermost in memory, which makes
            convolutions faster on CPUs and on GPUs under AMP. Results and checkpoints stay the same but for rounding.
        init_cfg: MMEngine initialisation, e.g. ``dict(type='Pretrained', checkpoint=...)``.

    Raises:
        ValueError: an argument outside the values above, or a width that leaves a layer without channels.
    """

    def __init__(
        self,
        depth: int = 50,
        widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
        default_width: float = 1.0,
        in_channels: int = 3,
        base_channels: int = 64,
        stage_blocks: Optional[Sequence[int]] = None,
        strides: Optional[Sequence[int]] = None,
        out_indices: Optional[Sequence[int]] = None,
        as_tuple: bool = True,
        stem: str = 'imagenet',
        norm_cfg: Optional[dict] = None,
        switchable_bn: bool = True,
        overlap_weight: bool = True,
        pad_outputs: bool = False,
        norm_eval: bool = False,
        frozen_stages: int = -1,
        zero_init_residual: bool = True,
        with_cp: bool = False,
        channels_last: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(widths, default_width)
        self.init_cfg = init_cfg
        if depth not in _ARCHITECTURES:
            raise ValueError(f'depth {depth} is unknown; expected one of {sorted(_ARCHITECTURES)}')
        block, default_blocks = _ARCHITECTURES[depth]
        stage_blocks = tuple(stage_blocks or default_blocks)
        stages = len(stage_blocks)
        strides = tuple(strides or (1,) + (2,) * (stages - 1))
        self.out_indices = (stages - 1,) if out_indices is None else tuple(out_indices)
        self._check_stages(stages, strides, frozen_stages, stem)
        if not as_tuple and len(self.out_indices) > 1:
            raise ValueError(f'as_tuple=False returns one map; out_indices {self.out_indices} name several stages')
        self.as_tuple = as_tuple
        self.pad_outputs, self.norm_eval, self.with_cp = pad_outputs, norm_eval, with_cp
        self.frozen_stages, self.stem = frozen_stages, stem

        layer_args = dict(widths=self.widths, overlap=overlap_weight)
        norm_args = dict(layer_args, norm_cfg=norm_cfg or dict(type='BN'), switchable=switchable_bn)
        counts = scale_channels(base_channels, self.widths, 'stem')
        image = (in_channels,) * len(self.widths)
        size = dict(kernel_size=7, stride=2, padding=3) if stem == 'imagenet' else dict(kernel_size=3, padding=1)
        self.conv1 = SlimmableConv2d(image, counts, bias=False, **size, **layer_args)
        self.bn1 = build_switchable_norm(counts, **norm_args)
        self.stage_channels: List[Tuple[int, ...]] = []
        for stage, blocks in enumerate(stage_blocks):
            channels = base_channels * 2**stage * block.expansion
            outputs = scale_channels(channels, self.widths, f'stage {stage + 1}')
            layers = []
            for index in range(blocks):
                stride = strides[stage] if index == 0 else 1
                layers.append(block(counts, outputs, stride, layer_args, norm_args, zero_init_residual))
                counts = outputs
            self.add_module(f'layer{stage + 1}', nn.Sequential(*layers))
            self.stage_channels.append(outputs)
        self._freeze_stages()
        if channels_last:
            self.to(memory_format=torch.channels_last)

    def _check_stages(self, stages: int, strides: Sequence[int], frozen_stages: int, stem: str) -> None:
        if len(strides) != stages:
            raise ValueError(f'{len(strides)} strides {strides} for {stages} stages')
        if not self.out_indices or any(not 0 <= index < stages for index in self.out_indices):
            raise ValueError(f'out_indices {self.out_indices} must name stages 0 to {stages - 1}')
        if not -1 <= frozen_stages <= stages:
            raise ValueError(f'frozen_stages {frozen_stages} must be between -1 and {stages}')
        if stem not in ('imagenet', 'small'):
            raise ValueError(f"stem {stem!r} is unknown; expected 'imagenet' or 'small'")

    @property
    def stages(self) -> List[nn.Sequential]:
        """The stages, first to last."""
        return [getattr(self, f'layer{index + 1}') for index in range(len(self.stage_channels))]

    def forward(self, inputs: Tensor, width: Optional[float] = None) -> Union[Tensor, Tuple[Tensor, ...]]:
        """Compute the maps of the stages in ``out_indices`` at one width.

        Args:
            inputs: Images ``[N, in_channels, H, W]``, normalised.
            width: The width; ``None`` stands for the width of ``use_width``, else ``default_width``.

        Returns:
            For each stage of ``out_indices`` its map ``[N, int(C_stage * width), H / s, W / s]`` (with ``pad_outputs``
            ``[N, C_stage, ...]``); with ``as_tuple=False`` the map itself.
        """
        index = self.width_index(width)
        width = self.widths[index]
        maps = F.relu(self.bn1(self.conv1(inputs, width), width), inplace=True)
        if self.stem == 'imagenet':
            maps = F.max_pool2d(maps, kernel_size=3, stride=2, padding=1)
        outputs = []
        for stage, layer in enumerate(self.stages):
            for block in layer:
                if self.with_cp and maps.requires_grad:
                    maps = checkpoint(block, maps, width, use_reentrant=False)
                else:
                    maps = block(maps, width)
            if stage in self.out_indices:
                outputs.append(self._pad(maps, stage) if self.pad_outputs else maps)
        return tuple(outputs) if self.as_tuple else outputs[0]

    def _pad(self, maps: Tensor, stage: int) -> Tensor:
        missing = self.stage_channels[stage][0] - maps.size(1)
        return F.pad(maps, (0, 0, 0, 0, 0, missing)) if missing else maps

    def _freeze_stages(self) -> None:
        if self.frozen_stages < 0:
            return
        for module in [self.conv1, self.bn1, *self.stages[: self.frozen_stages]]:
            module.eval()
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> 'SlimmableResNet':
        """Set train or eval mode; frozen stages, and with ``norm_eval`` all normalisation, stay in eval mode."""
        super().train(mode)
        self._freeze_stages()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self
