"""The vision transformer of CLIP over frames, with layers between its blocks that shorten the token sequence."""

import copy
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.clip_block import CLIPBlocks, FullPrecisionLayerNorm
from vlplugins.registry import MODELS


class _Stage(NamedTuple):
    """What happens to a reducer's place at build time: it stands after block ``after_block`` (1-based)."""

    after_block: Optional[int]
    every_block: bool


@MODELS.register_module()
class CLIPVisionTransformer(BaseModule):
    """Vision transformer of CLIP (Radford et al., 2021) that encodes the frames, or segments of frames, of a video.

    ``token_reducers`` stand between the blocks (CenterCLIP, SIGIR 2022): one with ``after_block=a`` takes what block
    ``a`` (from 1; 0 is the embedding) puts out, and the residual of block ``a + 1`` has the short sequence already.
    ``dict(type='TokenClustering', after_block=6, num_segments=4, num_centers=49)`` is the B6-4,49 of the paper.
    A layer that keeps the shape may be given with ``every_block=True`` instead: it acts on the trunk of each block
    before the attention and before the MLP. The number of frames that a second reducer sees is that of the segments
    of the first.

    Parameters have the names of CLIP's ``visual.*``. Those of a reducer are ``token_reducers.{i}.*``; the usual
    reducers have none, so that a checkpoint fits whatever reducers there are.

    Args:
        img_size: Side of the frames in pixels, a multiple of ``patch_size``.
        patch_size: Side of a patch.
        width: D.
        layers: Number of blocks.
        heads: Heads of the attention (CLIP: D / 64).
        out_dim: E, size of the joint embedding.
        num_frames: T; only asked of the input where there are reducers.
        token_reducers: Configs of layers with the contract of :mod:`vlplugins.models.layers.token_reduction`, each
            with ``after_block`` (strictly ascending) or ``every_block=True``.
        linear_patch: ``'2d'``, or ``'3d'``: patches span three frames. A 2-D kernel becomes the middle time slice, at
            the start and when a 2-D checkpoint is loaded, so that the output is that of ``'2d'``.
        frozen_layers: The first n blocks and everything before them do not train (0: only what is before them); -1:
            everything trains. ``ln_post`` and ``proj`` always train.
        with_cp: Recompute blocks in the backward pass, for less memory.
        pos_init_std: Standard deviation of the positional embedding at the start, in units of ``D ** -0.5``.
        return_tokens: Also return all tokens.
        input_format: ``'NTCHW'``, or ``'NCTHW'`` as the 3-D recognizers of mmaction2 put their frames in.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: sizes that do not fit, or reducers that cannot stand where they are put; the key, the value and
            what was expected are named.
    """

    def __init__(
        self,
        img_size: int = 224,
        patch_size: int = 32,
        width: int = 768,
        layers: int = 12,
        heads: int = 12,
        out_dim: int = 512,
        num_frames: int = 12,
        token_reducers: Sequence[dict] = (),
        linear_patch: str = '2d',
        frozen_layers: int = -1,
        with_cp: bool = False,
        pos_init_std: float = 1.0,
        return_tokens: bool = False,
        input_format: str = 'NTCHW',
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if input_format not in ('NTCHW', 'NCTHW'):
            raise ValueError(f"input_format {input_format!r} is unknown; expected 'NTCHW' or 'NCTHW'")
        self.input_format = input_format
        if img_size % patch_size:
            raise ValueError(f'patch_size {patch_size} does not divide img_size {img_size}')
        if linear_patch not in ('2d', '3d'):
            raise ValueError(f"linear_patch {linear_patch!r} is unknown; expected '2d' or '3d'")
        if not -1 <= frozen_layers <= layers:
            raise ValueError(f'frozen_layers {frozen_layers} is outside -1..{layers}')
        self.img_size, self.num_frames, self.return_tokens = img_size, num_frames, return_tokens
        self.linear_patch, self.pos_init_std, self.frozen_layers = linear_patch, pos_init_std, frozen_layers
        self.num_patches = (img_size // patch_size) ** 2
        self.conv1 = self._make_patch_embedding(width, patch_size)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(self.num_patches + 1, width))
        self.ln_pre = FullPrecisionLayerNorm(width)
        self.transformer = CLIPBlocks(width, layers, heads, with_cp)
        self.ln_post = FullPrecisionLayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, out_dim))
        self.token_reducers = nn.ModuleList()
        self._stages: List[_Stage] = []
        for cfg in token_reducers:
            self._add_reducer(cfg)
        self.num_segments, _ = self._walk_shapes()
        self.reset_parameters()
        self._freeze()

    def _make_patch_embedding(self, width: int, patch_size: int) -> nn.Module:
        if self.linear_patch == '2d':
            return nn.Conv2d(3, width, patch_size, stride=patch_size, bias=False)
        kernel, stride = (3, patch_size, patch_size), (1, patch_size, patch_size)
        return nn.Conv3d(3, width, kernel, stride=stride, padding=(1, 0, 0), bias=False)

    def _add_reducer(self, cfg: dict) -> None:
        cfg = copy.deepcopy(dict(cfg))
        stage = _Stage(cfg.pop('after_block', None), cfg.pop('every_block', False))
        name, layers = cfg.get('type'), len(self.transformer.resblocks)
        if stage.every_block == (stage.after_block is not None):
            raise ValueError(f'{name}: give either after_block or every_block=True, found {stage}')
        if stage.after_block is not None:
            if not 0 <= stage.after_block < layers:
                raise ValueError(f'{name}: after_block={stage.after_block} is outside 0..{layers - 1}')
            before = [other.after_block for other in self._stages if other.after_block is not None]
            if before and stage.after_block <= before[-1]:
                raise ValueError(
                    f'{name}: after_block={stage.after_block} must be larger than {before[-1]}, the one before'
                )
        # A reducer sees as many frames as the one before it has left.
        cfg.setdefault('num_frames', self._walk_shapes()[0])
        cfg.setdefault('embed_dims', self.transformer.width)
        reducer = MODELS.build(cfg)
        if stage.every_block and not reducer.keeps_shape:
            raise ValueError(f'{name}: every_block=True needs a layer that keeps the shape')
        if stage.every_block:
            # It stands before and behind reducers, so the number of its frames changes.
            reducer.num_frames = None
        self.token_reducers.append(reducer)
        self._stages.append(stage)

    def _walk_shapes(self) -> Tuple[int, int]:
        """Segments and tokens that come out, by asking each reducer; this is the check at build time."""
        shape = (self.num_frames, self.num_patches)
        for reducer in self.token_reducers:
            shape = reducer.output_shape(*shape)
        return shape

    @property
    def frames_per_segment(self) -> int:
        """Frames that one output vector stands for."""
        return self.num_frames // self.num_segments

    def reset_parameters(self) -> None:
        """Initialise by the rules that CLIP uses for its text tower (the paper starts from trained weights)."""
        std = self.transformer.width**-0.5
        nn.init.normal_(self.class_embedding, std=std)
        nn.init.normal_(self.positional_embedding, std=std * self.pos_init_std)
        nn.init.normal_(self.proj, std=std)
        if self.linear_patch == '3d':
            with torch.no_grad():
                self.conv1.weight[:, :, 0] = self.conv1.weight[:, :, 2] = 0
        self.transformer.reset_parameters()
        for reducer in self.token_reducers:
            rows = _cluster_rows(reducer, self.positional_embedding)
            if rows is not None:
                reducer.cluster_embedding.data.copy_(rows)

    def _freeze(self) -> None:
        if self.frozen_layers < 0:
            return
        for parameter in (self.class_embedding, self.positional_embedding):
            parameter.requires_grad_(False)
        self.conv1.requires_grad_(False)
        self.ln_pre.requires_grad_(False)
        self.transformer.freeze(self.frozen_layers)

    def _load_from_state_dict(self, state_dict: Dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        """Take what a plain CLIP checkpoint lacks from what it has: a 3-D kernel and the cluster embeddings."""
        kernel = state_dict.get(f'{prefix}conv1.weight')
        if kernel is not None and kernel.dim() == 4 and self.linear_patch == '3d':
            blank = torch.zeros_like(kernel)
            state_dict[f'{prefix}conv1.weight'] = torch.stack([blank, kernel, blank], dim=2)
        positions = state_dict.get(f'{prefix}positional_embedding')
        for index, reducer in enumerate(self.token_reducers):
            name = f'{prefix}token_reducers.{index}.cluster_embedding'
            rows = None if positions is None else _cluster_rows(reducer, positions)
            if rows is not None and name not in state_dict:
                state_dict[name] = rows.clone()
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def forward(self, imgs: Tensor) -> Union[Tensor, Tuple[Tensor, Tensor]]:
        """Encode videos.

        Args:
            imgs: Normalised frames ``[B, T, 3, H, W]`` (``[B, 3, T, H, W]`` for the format NCTHW); or ``[B, 3, H, W]``,
                images, as videos of one frame.

        Returns:
            ``[B, S, E]``, not normalised (S = T without reducers). With ``return_tokens`` also all tokens
            ``[B, S, 1+K, E]``, likewise through the final norm and projection, the class token first.

        Raises:
            ValueError: another shape, size or number of frames.
        """
        imgs = self._check_images(imgs)
        num_videos, num_frames = imgs.shape[:2]
        tokens = self.ln_pre(self._embed(imgs))
        tokens, num_segments = self._run_blocks(tokens, num_frames)
        outputs = tokens if self.return_tokens else tokens[:, :1]
        outputs = self.ln_post(outputs) @ self.proj.to(outputs.dtype)
        outputs = outputs.unflatten(0, (num_videos, num_segments))
        features = outputs[:, :, 0]
        return (features, outputs) if self.return_tokens else features

    def _check_images(self, imgs: Tensor) -> Tensor:
        if imgs.dim() == 4:
            imgs = imgs[:, None]
        elif imgs.dim() == 5 and self.input_format == 'NCTHW':
            imgs = imgs.transpose(1, 2)
        if imgs.dim() != 5 or imgs.shape[2:] != (3, self.img_size, self.img_size):
            expected = f'[B, T, 3, {self.img_size}, {self.img_size}]'
            raise ValueError(f'imgs {tuple(imgs.shape)} do not have the shape {expected}')
        if len(self.token_reducers) and imgs.size(1) != self.num_frames:
            raise ValueError(
                f'imgs {tuple(imgs.shape)} have {imgs.size(1)} frames, but num_frames={self.num_frames}, '
                'for which the token reducers were checked'
            )
        return imgs

    def _embed(self, imgs: Tensor) -> Tensor:
        """Tokens ``[B*T, 1+L, D]`` with their positions."""
        if self.linear_patch == '3d':
            patches = self.conv1(imgs.transpose(1, 2)).transpose(1, 2).flatten(0, 1)
        else:
            patches = self.conv1(imgs.flatten(0, 1))
        patches = patches.flatten(2).transpose(1, 2)
        classes = self.class_embedding.to(patches.dtype).expand(patches.size(0), 1, -1)
        return torch.cat([classes, patches], dim=1) + self.positional_embedding.to(patches.dtype)

    def _run_blocks(self, tokens: Tensor, num_frames: int) -> Tuple[Tensor, int]:
        """Tokens ``[B*S, 1+K, D]`` after the last block, and S."""
        for index in range(len(self.transformer.resblocks)):
            residual = None
            for stage, reducer in zip(self._stages, self.token_reducers):
                if stage.after_block == index:
                    num_segments = reducer.output_shape(num_frames, tokens.size(1) - 1)[0]
                    residual = reducer.residual(tokens, num_frames) if reducer.mean_residual else None
                    tokens, num_frames = reducer(tokens, num_frames), num_segments
            tokens = self.transformer.run_block(
                index, tokens, residual=residual, shift=self._shift_of_blocks(num_frames)
            )
        return tokens, num_frames

    def _shift_of_blocks(self, num_frames: int):
        shifts = [reducer for stage, reducer in zip(self._stages, self.token_reducers) if stage.every_block]
        if not shifts:
            return None

        def shift(tokens: Tensor) -> Tensor:
            for layer in shifts:
                tokens = layer(tokens, num_frames)
            return tokens

        return shift


def _cluster_rows(reducer: nn.Module, positions: Tensor) -> Optional[Tensor]:
    """Rows 1..K of positional embeddings ``[1+L, D]``, from which a cluster embedding starts, where they suffice."""
    embedding = getattr(reducer, 'cluster_embedding', None)
    if embedding is None or embedding.size(0) >= positions.size(0):
        return None
    return positions[1 : embedding.size(0) + 1]
