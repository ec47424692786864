"""The texts that compete in the games of the images of a batch."""

from typing import NamedTuple

import torch
from torch import Tensor

# An odd factor of a polynomial over token ids, in 64 bits that wrap around.
_FACTOR = 6364136223846793005


class GameTexts(NamedTuple):
    """Texts of B images with up to P own texts each.

    Attributes:
        texts: ``[B, K, D]``, the own ones first.
        own: ``[B, P]`` integers, columns of the own texts.
        valid: ``[B, P]`` booleans: own texts that there are.
        candidates: ``[B, P, K]`` booleans: texts that compete in the game of each own text.
    """

    texts: Tensor
    own: Tensor
    valid: Tensor
    candidates: Tensor

    def with_rivals(self, min_texts: int) -> 'GameTexts':
        """The same, with those own texts alone valid in whose game ``min_texts`` compete, the own one among them."""
        return self._replace(valid=self.valid & (self.candidates.sum(dim=2) >= min_texts))


def phrase_keys(text_ids: Tensor, members: Tensor) -> Tensor:
    """A number for the tokens of each phrase, equal for equal phrases: ``[B, N]`` integers.

    Args:
        text_ids: ``[B, L]`` integers.
        members: ``[B, N, L]`` booleans, the tokens of each phrase.
    """
    # Places are counted from the first token of the phrase.
    place = members.long().cumsum(dim=-1).clamp(min=1) - 1
    powers = torch.full((members.size(-1),), _FACTOR, device=text_ids.device).cumprod(dim=0)
    terms = (text_ids.long()[:, None] + 1) * powers[place]
    return torch.where(members, terms, 0).sum(dim=-1)


def gather_game_texts(
    features: Tensor, keys: Tensor, valid: Tensor, max_texts: int, generator: torch.Generator
) -> GameTexts:
    """The own texts of each image, and others of the batch, drawn once for all images.

    A text competes once, however often it is in the batch, and no copy of the own text competes with it: that would cap
    its probability.

    Args:
        features: ``[B, P, D]``.
        keys: ``[B, P]`` integers, equal for equal texts.
        valid: ``[B, P]`` booleans.
        max_texts: K at most, but never fewer than P.
        generator: Source of the draw.
    """
    batch, count = keys.shape
    others = min(max(max_texts - count, 0), batch * count)
    draw = torch.rand(batch * count, generator=generator, device=keys.device)
    drawn = draw.masked_fill(~valid.flatten(), -1).topk(others).indices

    def joined(values: Tensor) -> Tensor:
        shared = values.flatten(0, 1)[drawn]
        return torch.cat([values, shared.expand(batch, *shared.shape)], dim=1)

    texts, all_keys, all_valid = joined(features), joined(keys), joined(valid)
    equal = all_keys[:, :, None] == all_keys[:, None]
    # Of copies the first one competes.
    earlier = (equal & all_valid[:, None]).tril(diagonal=-1).any(dim=-1)
    candidates = (all_valid & ~earlier)[:, None] & ~equal[:, :count]
    own = torch.arange(count, device=keys.device).expand(batch, count)
    is_own = torch.arange(texts.size(1), device=keys.device) == own[..., None]
    return GameTexts(texts, own, valid, candidates | is_own)
