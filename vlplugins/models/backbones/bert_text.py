"""The text encoder of BERT."""

from typing import Optional

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.clip_block import CLIPAttention
from vlplugins.registry import MODELS


class BertBlock(nn.Module):
    """``norm1(x + attn(x))``, then ``norm2(x + mlp(x))``, with exact GELU.

    Args:
        width: D.
        heads: Heads of the attention, a divisor of D.
        dropout: Of the outputs of both parts; the weights of the attention have none.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attn = CLIPAttention(width, heads)
        self.norm1 = nn.LayerNorm(width, eps=1e-12)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Transform ``tokens [B, L, D]``, of which ``mask``, ``[B, 1, 1, L]`` booleans, are seen."""
        tokens = self.norm1(tokens + self.dropout(self.attn(tokens, mask)))
        return self.norm2(tokens + self.dropout(self.fc2(F.gelu(self.fc1(tokens)))))


@MODELS.register_module()
class BertTextEncoder(BaseModule):
    """Post-norm transformer of BERT (Devlin et al., 2019) on PyTorch alone; the defaults are those of BERT-Small.

    It has no token types: a converter adds the first of them to the positions.

    Args:
        vocab_size: Number of token ids.
        width: D.
        depth: Number of blocks.
        heads: Heads of the attention.
        max_len: Most tokens of a text.
        dropout: Of the embeddings and in the blocks.
        init_cfg: MMEngine initialisation.
    """

    # A config is checked for texts that are longer.
    max_tokens_key = 'max_len'

    def __init__(
        self,
        vocab_size: int = 30522,
        width: int = 512,
        depth: int = 4,
        heads: int = 8,
        max_len: int = 64,
        dropout: float = 0.1,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.max_len, self.width = max_len, width
        self.token_embedding = nn.Embedding(vocab_size, width)
        self.position_embedding = nn.Embedding(max_len, width)
        self.embed_norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(BertBlock(width, heads, dropout) for _ in range(depth))
        self.apply(_reset)

    def forward(self, text_ids: Tensor, text_mask: Tensor) -> Tensor:
        """Encode texts.

        Args:
            text_ids: ``[B, L]`` integers, L at most ``max_len``; the first one is ``[CLS]``.
            text_mask: ``[B, L]`` booleans, True is a token; at least the first of each text.

        Returns:
            ``[B, L, D]``; what stands at padding has no meaning.

        Raises:
            ValueError: another shape, or more tokens than ``max_len``.
        """
        if text_ids.dim() != 2 or text_ids.size(1) > self.max_len or text_mask.shape != text_ids.shape:
            raise ValueError(
                f'text_ids {tuple(text_ids.shape)} and text_mask {tuple(text_mask.shape)} are not both [B, L] with '
                f'L at most {self.max_len}'
            )
        tokens = self.token_embedding(text_ids.long()) + self.position_embedding.weight[: text_ids.size(1)]
        tokens = self.dropout(self.embed_norm(tokens))
        for layer in self.layers:
            tokens = layer(tokens, text_mask[:, None, None])
        return tokens


def _reset(module: nn.Module) -> None:
    """Initialise as BERT does."""
    weights = [module.in_proj_weight] if isinstance(module, CLIPAttention) else []
    weights += [module.weight] if isinstance(module, (nn.Linear, nn.Embedding)) else []
    for weight in weights:
        nn.init.trunc_normal_(weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
