"""Widths of slimmable networks: what they are, which channels each one owns, and how one is selected.

A slimmable network holds several sub-networks in one set of weights. Each is named by its width, the share of
channels that it keeps: 1.0 is the full network. Widths are always kept in descending order, so index 0 is the full
network wherever something is stored per width.
"""

from contextlib import contextmanager
from typing import Iterator, Optional, Sequence, Tuple, Union

from torch import nn

from vlplugins.utils.widths import check_widths

Channels = Union[int, Sequence[int]]


def scale_channels(channels: Channels, widths: Sequence[float], name: str = 'layer') -> Tuple[int, ...]:
    """Channel count for each width: ``int(channels * width)`` for an int, a sequence of counts as it is.

    Raises:
        ValueError: a width leaves no channel, or the sequence does not hold one count per width, largest first.
    """
    if isinstance(channels, int):
        counts = tuple(int(channels * width) for width in widths)
    else:
        counts = tuple(int(count) for count in channels)
        if len(counts) != len(widths):
            raise ValueError(f'{name}: {len(counts)} channel counts {counts} for {len(widths)} widths {widths}')
    for width, count in zip(widths, counts):
        if count < 1:
            raise ValueError(f'{name}: width {width} of {counts[0]} channels leaves no channel')
    if max(counts) != counts[0]:
        raise ValueError(f'{name}: channel counts {counts} are not largest first')
    return counts


def channel_ranges(counts: Sequence[int], overlap: bool = True) -> Tuple[slice, ...]:
    """The channels that each width owns, given its channel counts (largest first).

    With ``overlap`` every width takes the leading channels. Without it (an ablation of SlimCLR) the sub-networks take
    disjoint ranges, smallest first, and the full network takes all; a side whose count is the same for all widths
    (image channels, the embedding) is always whole.

    Raises:
        ValueError: without overlap, the sub-networks need more channels than the full network has.
    """
    if overlap or len(set(counts)) == 1:
        return tuple(slice(0, count) for count in counts)
    if sum(counts[1:]) > counts[0]:
        raise ValueError(
            f'channel counts {tuple(counts)} cannot be disjoint: the sub-networks need {sum(counts[1:])} of '
            f'{counts[0]} channels; without overlap the widths may sum to at most 2'
        )
    ranges = [slice(0, counts[0])] * len(counts)
    start = 0
    for index in sorted(range(1, len(counts)), key=lambda i: counts[i]):
        ranges[index] = slice(start, start + counts[index])
        start += counts[index]
    return tuple(ranges)


class WidthModule(nn.Module):
    """A module that can run at several widths.

    The width of a call is, in this order: the ``width`` argument of ``forward``, the width of the innermost
    :func:`use_width` around the call, ``default_width``.

    Args:
        widths: The widths that the module knows, in any order.
        default_width: The width used when nothing else is said. Defaults to the full network.
    """

    def __init__(self, widths: Sequence[float], default_width: float = 1.0) -> None:
        super().__init__()
        self.widths = check_widths(widths)
        self._active_width: Optional[float] = None
        self.default_width = self.widths[self._index_of(default_width)]

    def _index_of(self, width: float) -> int:
        try:
            return self.widths.index(width)
        except ValueError:
            raise ValueError(f'unknown width {width}; known widths: {self.widths}') from None

    def width_index(self, width: Optional[float] = None) -> int:
        """Index in ``widths`` of the width that a call with this argument runs at.

        Raises:
            ValueError: the width is not among ``widths``.
        """
        if width is None:
            width = self.default_width if self._active_width is None else self._active_width
        return self._index_of(width)

    def parameters_at(self, width: Optional[float] = None) -> Optional[int]:
        """Own parameters that a call at this width uses; ``None``: those of its children say it."""
        return None

    def __getstate__(self) -> dict:
        # A copy taken inside `use_width` must not stay at that width after the context has ended.
        state = self.__dict__.copy()
        state['_active_width'] = None
        return state


def _width_modules(module: nn.Module) -> Iterator[WidthModule]:
    return (child for child in module.modules() if isinstance(child, WidthModule))


def widths_of(module: nn.Module) -> Tuple[float, ...]:
    """The widths that every slimmable part of ``module`` knows.

    Raises:
        ValueError: ``module`` has no slimmable part, or two parts with different widths.
    """
    found = {child.widths for child in _width_modules(module)}
    if len(found) != 1:
        raise ValueError(
            f'{type(module).__name__} has parts of different widths: {sorted(found, reverse=True)}'
            if found
            else f'{type(module).__name__} has no slimmable part'
        )
    return found.pop()


def set_width(module: nn.Module, width: float) -> None:
    """Make ``width`` the default width of every slimmable part of ``module``.

    Raises:
        ValueError: a part does not know the width; then nothing is changed.
    """
    children = list(_width_modules(module))
    indices = [child.width_index(width) for child in children]
    for child, index in zip(children, indices):
        child.default_width = child.widths[index]


def count_parameters(module: nn.Module, width: Optional[float] = None) -> int:
    """Parameters that ``module`` uses at a width: of a shared weight its slice, of switchable parts the one in use."""
    own = module.parameters_at(width) if isinstance(module, WidthModule) else None
    if own is not None:
        return own
    direct = sum(parameter.numel() for parameter in module.parameters(recurse=False))
    return direct + sum(count_parameters(child, width) for child in module.children())


@contextmanager
def use_width(module: nn.Module, width: float) -> Iterator[None]:
    """Run every slimmable part of ``module`` at ``width`` inside the ``with`` block.

    Contexts nest; the width before is restored even when the block raises.

    Raises:
        ValueError: a part does not know the width.
    """
    children = list(_width_modules(module))
    for child in children:
        child.width_index(width)
    before = [child._active_width for child in children]
    try:
        for child in children:
            child._active_width = width
        yield
    finally:
        for child, active in zip(children, before):
            child._active_width = active
