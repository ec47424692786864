"""Names and rules of widths, for every part that speaks of them."""

from typing import Sequence, Tuple


def check_widths(widths: Sequence[float]) -> Tuple[float, ...]:
    """Return ``widths`` as floats in descending order.

    Raises:
        ValueError: no width, a width outside (0, 1], a width given twice, or 1.0 missing.
    """
    checked = tuple(sorted((float(width) for width in widths), reverse=True))
    if not checked:
        raise ValueError('widths is empty; expected at least (1.0,)')
    for width in checked:
        if not 0 < width <= 1:
            raise ValueError(f'width {width} is outside (0, 1] in widths {checked}')
    if len(set(checked)) != len(checked):
        raise ValueError(f'widths {checked} names one width twice')
    if checked[0] != 1.0:
        raise ValueError(f'widths {checked} lacks 1.0, the full network that all others are cut from')
    return checked


def width_name(width: float) -> str:
    """Name of a width in logs and metrics: ``w0.75``; more digits only where two do not tell it exactly."""
    return f'w{width:.2f}' if round(width, 2) == width else f'w{width:g}'
