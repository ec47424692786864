"""Drawing of a skeleton, in the plane or in space."""

from typing import Any, Optional, Union

import numpy as np
from matplotlib.axes import Axes

from vlplugins.structures.skeleton_layout import SkeletonLayout, get_layout

SIDE_COLOURS = dict(left='tab:blue', right='tab:red', centre='tab:gray')


def draw_skeleton(
    axes: Axes,
    points: np.ndarray,
    layout: Union[str, SkeletonLayout],
    valid: Optional[np.ndarray] = None,
    colour: Optional[str] = None,
    label: Optional[str] = None,
    **line: Any,
) -> None:
    """Draw bones as lines and joints as dots.

    Args:
        axes: Axes of matplotlib, of the plane or of space as the points are.
        points: ``[V, 2]`` or ``[V, 3]``, in the coordinates of the axes.
        layout: The layout of the skeleton.
        valid: ``[V]``, True for the joints to draw, with the bones between them; by default those that are finite.
        colour: One colour for all; by default the left side is blue, the right one red.
        label: Name for the legend.
        line: Arguments of ``axes.plot``: ``linestyle``, ``alpha``, ...

    Raises:
        RecordError: another number of joints than the layout has.
    """
    layout = get_layout(layout)
    points = np.asarray(points, dtype=float)
    layout.check(points)
    valid = np.isfinite(points).all(axis=1) if valid is None else np.asarray(valid, dtype=bool)
    line = {'linewidth': 1.5, **line}
    for child, parent in (*layout.bones, *layout.extra_links):
        if valid[child] and valid[parent]:
            ends = points[[child, parent]].T
            axes.plot(*ends, color=colour or SIDE_COLOURS[layout.sides[child]], label=label, **line)
            label = None
    dots = [SIDE_COLOURS[side] if colour is None else colour for side, shown in zip(layout.sides, valid) if shown]
    axes.scatter(*points[valid].T, c=dots, s=6, alpha=line.get('alpha'))


def to_display(points: np.ndarray) -> np.ndarray:
    """Camera coordinates ``[..., 3]`` (x right, y down, z forward) as those of axes whose third points up."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def frame_space(axes: Axes, points: np.ndarray, elevation: float = 10.0, azimuth: float = -90.0) -> None:
    """Set limits of equal scale around the points ``[..., 3]``, and the place that axes of space are seen from.

    Args:
        axes: Axes of matplotlib with ``projection='3d'``.
        points: What must be inside, in the coordinates of the axes; others than finite ones are left out.
        elevation: Degrees above the ground.
        azimuth: Degrees; -90 looks along the second axis.
    """
    points = np.asarray(points, dtype=float).reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, max(float((high - low).max()) / 2, 1e-3) * 1.05
    for name, centre in zip('xyz', middle):
        getattr(axes, f'set_{name}lim')(centre - half, centre + half)
        getattr(axes, f'set_{name}ticklabels')([])
    axes.set_box_aspect((1, 1, 1))
    axes.view_init(elev=elevation, azim=azimuth)
