"""Parts of a batch to tensors, with errors that say which parts do not fit."""

from typing import List, Sequence, Tuple, Union

import torch
from torch import Tensor

Parts = Union[Tensor, Sequence[Tensor]]


def stack(parts: Parts, name: str) -> Tensor:
    """B tensors of one shape to one ``[B, ...]``; a tensor stays as it is.

    Raises:
        ValueError: several shapes; ``name`` is what the message calls the parts.
    """
    if isinstance(parts, Tensor):
        return parts
    shapes = {tuple(part.shape) for part in parts}
    if len(shapes) > 1:
        raise ValueError(f'{name} of one batch differ in shape: {sorted(shapes)}; the pipeline must make them equal')
    return torch.stack(list(parts))


def join_texts(parts: Parts) -> Tuple[Tensor, List[int]]:
    """Token ids of B items: one text each ``[B, M]``, and an empty list; several: ``[sum of C, M]``, and the counts.

    Raises:
        ValueError: items with one text and with several, or tokens of several lengths.
    """
    parts = list(parts)
    if all(part.dim() == 1 for part in parts):
        return stack(parts, 'text_ids'), []
    if any(part.dim() != 2 for part in parts) or len({part.size(1) for part in parts}) > 1:
        shapes = [tuple(part.shape) for part in parts]
        raise ValueError(f'text_ids have shapes {shapes}; expected all [M], or all [C, M] with one M')
    return torch.cat(parts), [len(part) for part in parts]
