"""Pictures of lifted poses, and sheets of generated ones."""

from typing import Any, Optional, Sequence, Union

import numpy as np
import torch
from matplotlib.figure import Figure

from vlplugins.registry import VISUALIZERS
from vlplugins.structures.skeleton_layout import SkeletonLayout, get_layout
from vlplugins.visualization.base import TaskVisualizer
from vlplugins.visualization.skeleton import draw_skeleton, frame_space, to_display

# Where the pose in space is seen from: the camera's place, and from its right.
_VIEWS = ((-90.0, 'from the camera'), (0.0, 'from the right'))


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


@VISUALIZERS.register_module()
class PoseLiftingVisualizer(TaskVisualizer):
    """Shows the pose on the screen, and the lifted pose (coloured) with the truth (black, dashed) from two sides.

    Args:
        layout: Layout of the joints.
        name: Name of the instance.
        kwargs: Further arguments of MMEngine's ``Visualizer``.
    """

    def __init__(self, layout: Union[str, SkeletonLayout] = 'h36m16', name: str = 'visualizer', **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.layout = get_layout(layout)

    def read_input(self, item: Any) -> np.ndarray:
        """The 2D pose ``[V, 2]`` of a record of the inferencer, or of an array."""
        return _array(item['keypoints'] if isinstance(item, dict) else item)

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of a 2D pose ``[V, 2]`` and its sample.

        Raises:
            ValueError: the prediction is to be drawn and there is none.
        """
        truth = _field(data_sample, 'gt_keypoints_3d') if draw_gt else None
        lifted = _field(data_sample, 'pred_keypoints_3d') if draw_pred else None
        if draw_pred and data_sample is not None and lifted is None:
            raise ValueError('the sample holds no pred_keypoints_3d to draw')
        poses = [to_display(pose) for pose in (truth, lifted) if pose is not None]
        figure = Figure(figsize=(4 * (1 + 2 * bool(poses)), 4), layout='constrained')
        axes = figure.add_subplot(1, 3 if poses else 1, 1)
        screen = _field(data_sample, 'keypoints_2d')
        self._draw_screen(axes, _array(inputs).reshape(-1, 2) if screen is None else screen)
        for index, (azimuth, title) in enumerate(_VIEWS if poses else ()):
            axes = figure.add_subplot(1, 3, 2 + index, projection='3d')
            if truth is not None:
                label = 'truth' if index == 0 else None
                draw_skeleton(axes, to_display(truth), self.layout, colour='black', label=label, linestyle='--')
            if lifted is not None:
                draw_skeleton(axes, to_display(lifted), self.layout, label='lifted' if index == 0 else None)
            frame_space(axes, np.concatenate(poses), azimuth=azimuth)
            axes.set_title(title)
            if index == 0:
                axes.legend(fontsize='small', loc='upper left')
        if truth is not None and lifted is not None:
            error = 1000 * np.linalg.norm(truth - lifted, axis=1).mean()
            figure.suptitle(f'mean error of a joint: {error:.0f} mm')
        return figure

    def _draw_screen(self, axes: Any, screen: np.ndarray) -> None:
        draw_skeleton(axes, screen, self.layout)
        axes.set_aspect('equal')
        axes.invert_yaxis()
        axes.set_title('on the screen')


def _field(sample: Any, name: str) -> Optional[np.ndarray]:
    value = None if sample is None else sample.get(name)
    return None if value is None else _array(value)


def pose_sheet(
    poses: np.ndarray,
    weights: Optional[Sequence[float]] = None,
    columns: int = 6,
    layout: Union[str, SkeletonLayout] = 'h36m16',
    titles: Sequence[str] = (),
) -> Figure:
    """Figure of poses in space ``[N, V, 3]`` (camera coordinates), row by row, each with its weight.

    Args:
        poses: The poses.
        weights: A weight for each; the frame of a pose is the stronger the larger it is.
        columns: Poses in a row.
        layout: Layout of the joints.
        titles: A title for each, before its weight.

    Raises:
        ValueError: no pose, or another number of weights.
    """
    if not len(poses):
        raise ValueError('no pose to draw')
    if weights is not None and len(weights) != len(poses):
        raise ValueError(f'{len(weights)} weights for {len(poses)} poses')
    columns = min(columns, len(poses))
    rows = -(-len(poses) // columns)
    figure = Figure(figsize=(2.2 * columns, 2.4 * rows), layout='constrained')
    for index, pose in enumerate(_array(poses)):
        axes = figure.add_subplot(rows, columns, index + 1, projection='3d')
        shown = to_display(pose)
        draw_skeleton(axes, shown, layout)
        frame_space(axes, shown, azimuth=-60.0)
        parts = [titles[index]] if index < len(titles) else []
        if weights is not None:
            parts.append(f'w = {float(weights[index]):.2f}')
        axes.set_title(' '.join(parts), fontsize='small')
    return figure
