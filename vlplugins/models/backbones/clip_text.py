"""The text transformer of CLIP."""

from typing import Optional, Tuple, Union

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.clip_block import CLIPBlocks, FullPrecisionLayerNorm
from vlplugins.registry import MODELS


@MODELS.register_module()
class CLIPTextTransformer(BaseModule):
    """Causal text transformer of CLIP (Radford et al., 2021), under the parameter names of its checkpoints.

    Args:
        vocab_size: Number of token ids; the largest one ends a text.
        context_length: Most tokens of a text.
        width: D.
        layers: Number of blocks.
        heads: Heads of the attention.
        out_dim: E, size of the joint embedding.
        frozen_layers: The first n blocks and the embeddings do not train (0: the embeddings alone); -1: everything
            trains. ``ln_final`` and ``text_projection`` always train.
        with_cp: Recompute blocks in the backward pass, for less memory.
        return_tokens: Also return all tokens.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: ``frozen_layers`` beyond the blocks, or heads that do not divide the width.
    """

    def __init__(
        self,
        vocab_size: int = 49408,
        context_length: int = 77,
        width: int = 512,
        layers: int = 12,
        heads: int = 8,
        out_dim: int = 512,
        frozen_layers: int = -1,
        with_cp: bool = False,
        return_tokens: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if not -1 <= frozen_layers <= layers:
            raise ValueError(f'frozen_layers {frozen_layers} is outside -1..{layers}')
        self.context_length, self.return_tokens, self.frozen_layers = context_length, return_tokens, frozen_layers
        self.token_embedding = nn.Embedding(vocab_size, width)
        self.positional_embedding = nn.Parameter(torch.empty(context_length, width))
        self.transformer = CLIPBlocks(width, layers, heads, with_cp)
        self.ln_final = FullPrecisionLayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, out_dim))
        self.reset_parameters()
        if frozen_layers >= 0:
            self.token_embedding.requires_grad_(False)
            self.positional_embedding.requires_grad_(False)
            self.transformer.freeze(frozen_layers)

    def reset_parameters(self) -> None:
        """Initialise as CLIP does."""
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.positional_embedding, std=0.01)
        nn.init.normal_(self.text_projection, std=self.transformer.width**-0.5)
        self.transformer.reset_parameters()

    def forward(self, text_ids: Tensor) -> Union[Tensor, Tuple[Tensor, Tensor]]:
        """Encode texts.

        Args:
            text_ids: ``[B, M]`` integers, M at most ``context_length``; padded with 0 after the end token.

        Returns:
            ``[B, E]``, the output at the end token (the first largest id), not normalised. With ``return_tokens``
            also the outputs ``[B, M, E]`` at all tokens.

        Raises:
            ValueError: another shape, or more tokens than ``context_length``.
        """
        if text_ids.dim() != 2 or text_ids.size(1) > self.context_length:
            raise ValueError(f'text_ids {tuple(text_ids.shape)} are not [B, M] with M at most {self.context_length}')
        text_ids = text_ids.long()
        tokens = self.token_embedding(text_ids) + self.positional_embedding[: text_ids.size(1)]
        tokens = self.transformer(tokens, is_causal=True)
        rows, ends = torch.arange(len(text_ids), device=text_ids.device), text_ids.argmax(dim=1)
        if self.return_tokens:
            outputs = self._project(tokens)
            return outputs[rows, ends], outputs
        return self._project(tokens[rows, ends])

    def _project(self, tokens: Tensor) -> Tensor:
        return self.ln_final(tokens) @ self.text_projection.to(tokens.dtype)
