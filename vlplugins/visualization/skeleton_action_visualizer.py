"""Pictures of skeleton actions: the moving skeleton, key frames, enhanced images, attention."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlplugins.datasets.formats.skeleton_input import read_skeletons
from vlplugins.datasets.transforms.functional.inverse_cdf import sample_at_times
from vlplugins.datasets.transforms.key_frame import KeyFrameEnhance
from vlplugins.datasets.transforms.skeleton_clean import SanitizeSkeleton
from vlplugins.datasets.transforms.skeleton_features import BoneVectorEnhance, KeyJointEnhance, TemporalEnhance
from vlplugins.datasets.transforms.skeleton_normalize import BodyFrameNormalize
from vlplugins.registry import VISUALIZERS
from vlplugins.structures.skeleton_layout import get_layout
from vlplugins.visualization.base import TaskVisualizer, render
from vlplugins.visualization.skeleton import draw_skeleton


def to_pixels(values: np.ndarray) -> np.ndarray:
    """Three channels ``[L, V, 3]`` as an RGB picture 0..1: zero is grey, the largest magnitude an end."""
    limit = max(float(np.abs(values).max()), 1e-9)
    return 0.5 + 0.5 * values / limit


@VISUALIZERS.register_module()
class SkeletonActionVisualizer(TaskVisualizer):
    """Draws a clip at its key frames, its energy, its images before and after each enhancement, and the attention.

    Args:
        layout: Layout of the joints.
        length: Rows of the images that are drawn of a raw clip.
        strength: As in :class:`KeyFrameEnhance`, for such a clip.
        columns: Skeletons in a row.
        name: Name of the instance.
        kwargs: Further arguments of MMEngine's ``Visualizer``.
    """

    def __init__(
        self,
        layout: Any = 'nturgb+d',
        length: int = 32,
        strength: float = 0.8,
        columns: int = 8,
        name: str = 'visualizer',
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self.layout, self.length, self.strength, self.columns = get_layout(layout), length, strength, columns

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of a packed image ``[clips, M, C, L, V]``, or of a raw clip, an array ``[M, T, V, 3]``.

        Of a packed image the streams of the first clip are drawn, each person for itself.
        """
        title = self._title(data_sample, draw_gt, draw_pred)
        if isinstance(inputs, np.ndarray) and inputs.ndim == 4:
            return self._draw_clip(inputs, data_sample, title)
        image = torch.as_tensor(inputs)[0].float().cpu().numpy()
        channels = _meta(data_sample, 'stream_channels', (image.shape[1],))
        energy, times = (_meta(data_sample, key) for key in ('frame_energy', 'key_times'))
        figure = Figure(figsize=(3.2 * len(channels), 2.6 * len(image) + 2.4), layout='constrained')
        grid = figure.add_gridspec(len(image) + 1, len(channels))
        for person, maps in enumerate(image):
            begin = 0
            for column, count in enumerate(channels):
                axes = figure.add_subplot(grid[person, column])
                _draw_map(axes, maps[begin : begin + min(count, 3)], f'person {person}, channels {begin}+')
                begin += count
        if energy is not None:
            self._draw_energy(figure.add_subplot(grid[len(image), :]), energy, np.asarray(times)[0])
        figure.suptitle(title)
        return figure

    def read_input(self, item: Any) -> np.ndarray:
        """Joints ``[M, T, V, 3]`` of a file, an array or a record."""
        return np.asarray(read_skeletons(item)['keypoint'], dtype=np.float64)

    def _title(self, sample: Any, draw_gt: bool, draw_pred: bool) -> str:
        classes = (getattr(self, 'dataset_meta', None) or {}).get('classes')
        parts = []
        for shown, key in ((draw_gt, 'gt_label'), (draw_pred, 'pred_label')):
            if shown and sample is not None and key in sample:
                label = int(sample.get(key))
                name = classes[label] if classes else f'class {label}'
                score = f' {float(sample.pred_score[label]):.2f}' if key == 'pred_label' else ''
                parts.append(f'{"truth" if key == "gt_label" else "recognised"}: {name}{score}')
        return ', '.join(parts)

    def stages(self, keypoint: np.ndarray) -> Tuple[Dict[str, Any], List[Tuple[str, np.ndarray]]]:
        """What the enhancements make of a clip.

        Args:
            keypoint: ``[M, T, V, 3]`` in metres.

        Returns:
            The results of the pipeline, and of each stage the name and three channels ``[L, V, 3]`` of the main person.
        """
        raw = SanitizeSkeleton()(dict(keypoint=keypoint, frame_dir='clip'))
        camera = raw['keypoint'] - raw['keypoint'][0, :1, :1]
        results = BodyFrameNormalize(self.layout)(dict(raw))
        results = KeyFrameEnhance(self.length, self.strength)(results)
        for transform in (KeyJointEnhance(self.layout), BoneVectorEnhance(self.layout), TemporalEnhance(self.layout)):
            results = transform(results)
        even = np.linspace(0, results['keypoint'].shape[1] - 1, self.length)[None]
        streams, times = results['streams'], results['key_times']
        shown = [
            ('joints, camera', camera, even),
            ('joints, body frame', results['keypoint'], even),
            ('at key frames', results['keypoint'], times),
            ('from a key joint', streams['key'], times),
            ('bones', streams['bone'], times),
            ('motion', streams['motion'], times),
        ]
        order = list(self.layout.order)
        maps = [
            (name, sample_at_times(values, results['presence'], at)[0, 0][:, order, :3]) for name, values, at in shown
        ]
        return results, maps

    def _draw_clip(self, keypoint: np.ndarray, sample: Any, title: str) -> Figure:
        results, maps = self.stages(keypoint)
        times = _meta(sample, 'key_times', results['key_times'])
        energy = _meta(sample, 'frame_energy', results['frame_energy'])
        attention = _meta(sample, 'joint_attention')
        figure = Figure(figsize=(14, 9), layout='constrained')
        figure.suptitle(title)
        skeletons, middle, images = figure.subfigures(3, 1, height_ratios=(1.1, 1.0, 1.1))
        chosen = np.asarray(times)[0][np.linspace(0, np.shape(times)[-1] - 1, self.columns).round().astype(int)]
        self._draw_skeletons(skeletons, results, chosen)
        curve, body = middle.subplots(1, 2, width_ratios=(5, 1))
        self._draw_energy(curve, energy, np.asarray(times)[0])
        self._draw_attention(body, results['keypoint'][0, 0], attention)
        for axes, (name, values) in zip(images.subplots(1, len(maps)), maps):
            _draw_map(axes, values.transpose(2, 0, 1), name)
        return figure

    def _draw_skeletons(self, figure: Any, results: Dict[str, Any], times: np.ndarray) -> None:
        points = sample_at_times(results['keypoint'], results['presence'], times)
        there = points.any(axis=(2, 3))
        low, high = (getattr(points[there], name)(axis=(0, 1))[:2] for name in ('min', 'max'))
        for number, axes in enumerate(figure.subplots(1, len(times))):
            for person in np.flatnonzero(there[:, number]):
                # From the front: the person's left is at the right of the picture.
                draw_skeleton(axes, points[person, number, :, :2], self.layout, alpha=1.0 if person == 0 else 0.5)
            axes.set(xlim=(low[0] - 0.2, high[0] + 0.2), ylim=(low[1] - 0.2, high[1] + 0.2), aspect='equal')
            axes.set_title(f'frame {times[number]:.1f}', fontsize='small')
            axes.axis('off')

    @staticmethod
    def _draw_energy(axes: Axes, energy: Any, times: np.ndarray) -> None:
        axes.fill_between(np.arange(len(energy)), energy, color='tab:orange', alpha=0.6, label='energy')
        axes.vlines(times, 0, max(float(np.max(energy)), 1e-9) * 0.25, color='tab:blue', label='key times')
        axes.set(xlabel='frame', yticks=[], xlim=(-0.5, len(energy) - 0.5))
        axes.legend(fontsize='small')

    def _draw_attention(self, axes: Axes, points: np.ndarray, attention: Optional[np.ndarray]) -> None:
        draw_skeleton(axes, points[:, :2], self.layout, colour='lightgray')
        size = 30.0 if attention is None else 4 + 50 * np.asarray(attention) / max(float(np.max(attention)), 1e-9)
        keys = list(self.layout.key_joints)
        if attention is not None:
            axes.scatter(*points[:, :2].T, s=size, c=attention, cmap='viridis', zorder=3)
        axes.scatter(*points[keys, :2].T, s=70, facecolors='none', edgecolors='tab:red', zorder=4)
        axes.margins(x=0.4)
        axes.set_title('key joints (red)' + (', attention' if attention is not None else ''), fontsize='small')
        axes.set_aspect('equal')
        axes.axis('off')

    def animate(
        self, keypoint: np.ndarray, sample: Any, out_file: str, fps: float = 15.0, max_frames: int = 150
    ) -> None:
        """Write the moving skeleton, seen from the front, with the energy and the moment, as GIF or MP4.

        Args:
            keypoint: ``[M, T, V, 3]`` in metres.
            sample: Sample with a prediction, or ``None``.
            out_file: Path ending in ``.gif`` or ``.mp4``.
            fps: Pictures a second.
            max_frames: Longer clips are thinned out to so many.

        Raises:
            ValueError: another ending.
        """
        suffix = Path(out_file).suffix
        if suffix not in ('.gif', '.mp4'):
            raise ValueError(f'{out_file} must end in .gif or .mp4')
        results, _ = self.stages(np.asarray(keypoint, dtype=np.float64))
        frames = results['keypoint'].shape[1]
        shown = np.unique(np.linspace(0, frames - 1, min(frames, max_frames)).round().astype(int))
        pictures = [render(self._frame_figure(results, sample, frame)) for frame in shown]
        Path(out_file).parent.mkdir(parents=True, exist_ok=True)
        (_write_gif if suffix == '.gif' else _write_mp4)(pictures, out_file, fps)

    def _frame_figure(self, results: Dict[str, Any], sample: Any, frame: int) -> Figure:
        figure = Figure(figsize=(3.2, 4.4), dpi=80, layout='constrained')
        body, curve = figure.subplots(2, 1, height_ratios=(5, 1))
        points, presence = results['keypoint'], results['presence']
        for person in np.flatnonzero(presence[:, frame]):
            draw_skeleton(body, points[person, frame, :, :2], self.layout, alpha=1.0 if person == 0 else 0.5)
        low, high = (getattr(points[presence], name)(axis=(0, 1))[:2] for name in ('min', 'max'))
        body.set(xlim=(low[0] - 0.2, high[0] + 0.2), ylim=(low[1] - 0.2, high[1] + 0.2), aspect='equal')
        body.set_title(self._title(sample, True, True), fontsize='small')
        body.axis('off')
        self._draw_energy(curve, results['frame_energy'], results['key_times'][0])
        curve.get_legend().remove()
        curve.axvline(frame, color='black')
        return figure


def _meta(sample: Any, key: str, default: Any = None) -> Any:
    return sample.get(key) if sample is not None and key in sample else default


def _draw_map(axes: Axes, channels: np.ndarray, title: str) -> None:
    """Up to three channels ``[C, L, V]`` as a picture."""
    three = np.zeros((3, *channels.shape[1:]))
    three[: len(channels)] = channels
    axes.imshow(to_pixels(three.transpose(1, 2, 0)), aspect='auto', interpolation='nearest')
    axes.set_title(title, fontsize='small')
    axes.set(xlabel='joint', ylabel='row', xticks=[])


def _write_gif(pictures: List[np.ndarray], path: str, fps: float) -> None:
    from PIL import Image

    first, *rest = [Image.fromarray(each) for each in pictures]
    first.save(path, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0)


def _write_mp4(pictures: List[np.ndarray], path: str, fps: float) -> None:
    import cv2

    height, width = pictures[0].shape[0] // 2 * 2, pictures[0].shape[1] // 2 * 2
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), fps, (width, height))
    if not writer.isOpened():
        raise OSError(f'OpenCV cannot encode {path}; write a .gif')
    for picture in pictures:
        writer.write(np.ascontiguousarray(picture[:height, :width, ::-1]))
    writer.release()
