"""What a statement and its premise are to a model, in tensors."""

from typing import NamedTuple

from torch import Tensor


class Statement(NamedTuple):
    """N statements of up to M events.

    ``whole [N, d]``; ``events [N, M, d]``, ``event_mask [N, M]``; ``rows [R, 2]``, statement and number of each real
    event; ``memory [N, A, d]`` of what the statement claims (events and atoms), ``memory_mask [N, A]``; ``roles
    [N, 46, 1 + M, 1 + M]``, edges between the statement and its events.
    """

    whole: Tensor
    events: Tensor
    event_mask: Tensor
    rows: Tensor
    memory: Tensor
    memory_mask: Tensor
    roles: Tensor


class Premise(NamedTuple):
    """Segments of B clips.

    ``frames [B, K, F, d]``, ``frame_mask [B, K, F]``; ``words [B, K, W, d]``, ``word_mask [B, K, W]``; ``mask [B, K]``
    of real segments; ``has_video`` and ``has_text`` booleans ``[B, K]``, whether the segment has a node of that
    modality (one of silence too); ``times [B, K, 2]`` as shares of the clip.
    """

    frames: Tensor
    frame_mask: Tensor
    words: Tensor
    word_mask: Tensor
    mask: Tensor
    has_video: Tensor
    has_text: Tensor
    times: Tensor

    def repeat(self, times: int) -> 'Premise':
        """Every clip so many times, one after the other."""
        return Premise(*(each.repeat_interleave(times, dim=0) for each in self)) if times > 1 else self
