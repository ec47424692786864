"""Scores of games between images and texts, for the estimators of :mod:`vlplugins.models.task_modules.shapley`.

A registered value holds the settings; its ``game(...)`` binds features, and gives a game as of
:mod:`vlplugins.models.task_modules.coalitions`. With fewer than ``min_texts`` texts, the own one among them, a game
says nothing.
"""

import math
from typing import Callable, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vlplugins.registry import TASK_UTILS

# Halvings of the interval in which a gain is sought.
_BISECTIONS = 30


class AdditiveLogitGame:
    """Probability of the own text, minus that of chance, under logits that are sums over the patches present.

    Args:
        logits: ``[*batch, n, K]``: what each of n patches adds to the logit of each of K texts, at a gain of 1.
        gain: ``[*batch, P]``: factor of the logits in the game of each own text.
        own: ``[*batch, P]`` integers: the own text of each of P games.
        candidates: ``[*batch, P, K]`` booleans: the texts that compete in each game, the own one among them.
    """

    def __init__(self, logits: Tensor, gain: Tensor, own: Tensor, candidates: Tensor) -> None:
        self.logits, self.gain, self.own, self.candidates = logits.float(), gain.float(), own, candidates
        self.num_candidates = candidates.sum(dim=-1)

    def take(self, index: Tensor) -> 'AdditiveLogitGame':
        """The games of the images ``index [R]`` of a batch ``[B]``."""
        return AdditiveLogitGame(*(each[index] for each in (self.logits, self.gain, self.own, self.candidates)))

    def __call__(self, masks: Tensor) -> Tensor:
        """Scores ``[*batch, N, P]`` of coalitions ``[*batch, N, n]``; exactly 0 for the empty one."""
        return self._of_exponentials(self._exponentials(masks.float() @ self.logits))

    def sampled_scores(self, subsets: Tensor, coalitions: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """Scores of subsets, of those with the coalition, and the sums of those with one member each.

        The softmax of a sum of logits is a product of exponentials, so those with one player more are one product of
        matrices, and no tensor holds samples, players and texts at once.

        Args:
            subsets: ``[*batch, C, T, n]`` booleans.
            coalitions: ``[*batch, C, n]`` booleans.

        Returns:
            Three times ``[*batch, C, T, P]``.
        """
        count, samples = subsets.shape[-3:-1]
        axis = subsets.dim() - 3
        base = subsets.flatten(-3, -2).float() @ self.logits
        joined = base + (coalitions.float() @ self.logits).repeat_interleave(samples, dim=-2)
        exponentials = self._exponentials(base)
        added = self.logits.unsqueeze(-3) * self.gain[..., None, None]
        added = (added - added.amax(dim=-1, keepdim=True)).exp()
        totals = torch.einsum('...spk,...pnk->...spn', exponentials, added)
        own = self.own[..., None, :, None]
        own_base = exponentials.gather(-1, own.expand(*exponentials.shape[:-1], 1))
        own_added = added.gather(-1, self.own[..., None, None].expand(*added.shape[:-1], 1)).squeeze(-1)
        alone = (own_base * own_added.unsqueeze(-3) / totals).unflatten(axis, (count, samples))
        alone = torch.where(coalitions[..., None, None, :], alone, 0.0).sum(dim=-1)
        sizes = coalitions.sum(dim=-1)[..., None, None]
        alone = alone - sizes / self.num_candidates[..., None, None, :]
        without = self._of_exponentials(exponentials).unflatten(axis, (count, samples))
        together = self._of_exponentials(self._exponentials(joined)).unflatten(axis, (count, samples))
        return without, together, alone

    def full_probability(self) -> Tensor:
        """Probability ``[*batch, P]`` of the own text when all patches are present."""
        scores = self(torch.ones_like(self.logits[..., 0], dtype=torch.bool).unsqueeze(-2)).squeeze(-2)
        return scores + 1 / self.num_candidates

    def _exponentials(self, logits: Tensor) -> Tensor:
        """Of logits ``[*batch, N, K]``, up to a factor, ``[*batch, N, P, K]``; 0 where a text does not compete."""
        logits = logits.unsqueeze(-2) * self.gain[..., None, :, None]
        logits = logits.masked_fill(~self.candidates.unsqueeze(-3), -torch.inf)
        return (logits - logits.amax(dim=-1, keepdim=True)).exp()

    def _of_exponentials(self, exponentials: Tensor) -> Tensor:
        own = self.own[..., None, :, None].expand(*exponentials.shape[:-1], 1)
        return (
            exponentials.gather(-1, own).squeeze(-1) / exponentials.sum(dim=-1) - 1 / self.num_candidates[..., None, :]
        )


@TASK_UTILS.register_module()
class MatchedProbValue:
    """Probability that the patches present are matched to the own text, minus that of chance.

    ``v(S) = softmax_k(gain <z(S), t_k>)[own] - 1/K`` with ``z(S)`` the sum of the patches of S, divided by the number
    of all patches, each of length 1. Cooperation is seen where the softmax is convex, up to a probability of about a
    half: the gain of a game is lowered until all patches together do not exceed ``max_full_prob``. Where chance, 1/K,
    already does, it falls to 0: a game needs more texts (``min_texts``). (A cosine of means saturates, and a dot
    product is additive: their interactions are negative, or 0.)

    Args:
        gain: Factor of the similarities.
        max_full_prob: Probability of all patches together at most; ``None``: the gain is never lowered.

    Raises:
        ValueError: a gain that is not positive, or a probability outside (0, 1].
    """

    def __init__(self, gain: float = 8.0, max_full_prob: Optional[float] = 0.5) -> None:
        if not gain > 0 or (max_full_prob is not None and not 0 < max_full_prob <= 1):
            raise ValueError(
                f'found gain {gain} and max_full_prob {max_full_prob}; expected gain > 0 and 0 < prob <= 1'
            )
        self.gain, self.max_full_prob = gain, max_full_prob

    @property
    def min_texts(self) -> int:
        """Fewest texts of a game: chance must be below the greatest probability, and there must be a rival."""
        return 1 + math.floor(1 / (self.max_full_prob or 1.0))

    @torch.no_grad()
    def game(
        self, tokens: Tensor, texts: Tensor, own: Tensor, candidates: Optional[Tensor] = None
    ) -> AdditiveLogitGame:
        """Bind features.

        Args:
            tokens: ``[*batch, n, D]``; normalised here.
            texts: ``[*batch, K, D]``; normalised here.
            own: ``[*batch, P]`` integers: the own text of each of P games of these patches.
            candidates: ``[*batch, P, K]`` booleans: texts that compete. Those that equal the own text must not: they
                would cap its probability. The own text always competes. All by default.
        """
        tokens, texts = F.normalize(tokens.float(), dim=-1), F.normalize(texts.float(), dim=-1)
        logits = tokens @ texts.transpose(-1, -2) / tokens.size(-2)
        is_own = F.one_hot(own, texts.size(-2)).bool()
        candidates = torch.ones_like(is_own) if candidates is None else candidates | is_own
        # What does not compete must not spread NaN of padding.
        logits = logits.masked_fill(~candidates.any(dim=-2)[..., None, :], 0.0)
        gain = torch.full_like(own, self.gain, dtype=logits.dtype)
        game = AdditiveLogitGame(logits, gain, own, candidates)
        if self.max_full_prob is not None:
            game.gain = self._capped(game)
        return game

    def _capped(self, game: AdditiveLogitGame) -> Tensor:
        """Gains at which all patches together have at most the greatest probability, by bisection."""
        # With a probability above that of every other text it grows with the gain.
        total = game.logits.sum(dim=-2)[..., None, :].masked_fill(~game.candidates, -torch.inf)
        own = game.own[..., None]

        def probability(gain: Tensor) -> Tensor:
            scaled = torch.where(game.candidates, total * gain[..., None], -torch.inf)
            return scaled.softmax(dim=-1).gather(-1, own).squeeze(-1)

        low, high = torch.zeros_like(game.gain), game.gain
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            above = probability(middle) > self.max_full_prob
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return torch.where(probability(game.gain) > self.max_full_prob, low, game.gain)


class CosineGame:
    """Cosine between the sum of the patches present and a text.

    Args:
        tokens: ``[*batch, n, D]``, each of length 1.
        chosen: ``[*batch, P, D]``: the own text of each of P games, each of length 1.
    """

    def __init__(self, tokens: Tensor, chosen: Tensor) -> None:
        self.tokens, self.chosen = tokens, chosen

    def take(self, index: Tensor) -> 'CosineGame':
        """The games of the images ``index [R]`` of a batch ``[B]``."""
        return CosineGame(self.tokens[index], self.chosen[index])

    def __call__(self, masks: Tensor) -> Tensor:
        """Scores ``[*batch, N, P]`` of coalitions ``[*batch, N, n]``; exactly 0 for the empty one."""
        # The mean and the sum have one direction; normalize leaves the zero vector of nobody as it is.
        return F.normalize(masks.float() @ self.tokens, dim=-1) @ self.chosen.transpose(-1, -2)


@TASK_UTILS.register_module()
class CosineValue:
    """Cosine between the mean of the patches present and the own text; the obvious score, which saturates.

    Kept to compare: its interactions come out negative, the more so the larger the coalition.
    """

    # Texts do not compete.
    min_texts = 1

    @torch.no_grad()
    def game(self, tokens: Tensor, texts: Tensor, own: Tensor, candidates: Optional[Tensor] = None) -> CosineGame:
        """Bind features, as :meth:`MatchedProbValue.game` does; ``candidates`` are not used."""
        tokens, texts = F.normalize(tokens.float(), dim=-1), F.normalize(texts.float(), dim=-1)
        return CosineGame(tokens, texts.gather(-2, own[..., None].expand(*own.shape, texts.size(-1))))


class ReencodeGame:
    """Probability of the own text under an encoder that sees the patches present, minus that of nobody's.

    Args:
        patches: ``[*batch, n, E]``: embedded patches.
        encode: From patches ``[N, n, E]`` to features ``[N, D]``, each of the length of the gain.
        texts: ``[*batch, K, D]``, each of length 1.
        own: ``[*batch, P]`` integers.
        candidates: ``[*batch, P, K]`` booleans.
        nobody: ``[*batch, 1, P]``: probabilities without any patch; found by a pass of the encoder by default.
    """

    def __init__(
        self,
        patches: Tensor,
        encode: Callable[[Tensor], Tensor],
        texts: Tensor,
        own: Tensor,
        candidates: Tensor,
        nobody: Optional[Tensor] = None,
    ) -> None:
        self.patches, self.encode = patches, encode
        self.texts, self.own, self.candidates = texts, own, candidates
        self.nobody = nobody
        if nobody is None:
            self.nobody = self._probability(torch.zeros_like(patches[..., 0], dtype=torch.bool).unsqueeze(-2))

    def take(self, index: Tensor) -> 'ReencodeGame':
        """The games of the images ``index [R]`` of a batch ``[B]``."""
        patches, *others = (each[index] for each in (self.patches, self.texts, self.own, self.candidates, self.nobody))
        return ReencodeGame(patches, self.encode, *others)

    def __call__(self, masks: Tensor) -> Tensor:
        """Scores ``[*batch, N, P]`` of coalitions ``[*batch, N, n]``."""
        # Exactly 0 for nobody, whatever the encoder rounds in batches of another size.
        return torch.where(masks.any(dim=-1)[..., None], self._probability(masks) - self.nobody, 0.0)

    def _probability(self, masks: Tensor) -> Tensor:
        kept = torch.where(masks[..., None], self.patches.unsqueeze(-3), 0.0)
        logits = self.encode(kept.flatten(0, -3)).unflatten(0, masks.shape[:-1]) @ self.texts.transpose(-1, -2)
        logits = logits.unsqueeze(-2).masked_fill(~self.candidates.unsqueeze(-3), -torch.inf)
        index = self.own[..., None, :, None].expand(*logits.shape[:-1], 1)
        return logits.softmax(dim=-1).gather(-1, index).squeeze(-1)


@TASK_UTILS.register_module()
class ReencodeValue:
    """As :class:`MatchedProbValue`, but the encoder runs again on each set of patches; the absent ones are zeros.

    ``v(S)`` is the probability of the own text minus that of the image without any patch. A forward pass for each
    coalition: for small encoders, and where sampling is to be costly.

    Args:
        gain: Factor of the cosines between image and texts.
    """

    # An algorithm hands in embedded patches, and the rest of its encoder.
    reencodes = True
    min_texts = 2

    def __init__(self, gain: float = 8.0) -> None:
        self.gain = gain

    @torch.no_grad()
    def game(
        self,
        patches: Tensor,
        texts: Tensor,
        own: Tensor,
        candidates: Optional[Tensor] = None,
        encode: Optional[Callable[[Tensor], Tensor]] = None,
    ) -> ReencodeGame:
        """Bind images.

        Args:
            patches: ``[*batch, n, E]``: embedded patches.
            texts: ``[*batch, K, D]``.
            own: ``[*batch, P]`` integers.
            candidates: ``[*batch, P, K]`` booleans, as of :meth:`MatchedProbValue.game`.
            encode: Embedded patches ``[N, n, E]`` to features ``[N, D]`` of images, of any length.
        """
        texts = F.normalize(texts.float(), dim=-1)
        is_own = F.one_hot(own, texts.size(-2)).bool()
        candidates = torch.ones_like(is_own) if candidates is None else candidates | is_own

        def scaled(kept: Tensor) -> Tensor:
            return self.gain * F.normalize(encode(kept).float(), dim=-1)

        return ReencodeGame(patches, scaled, texts, own, candidates)
