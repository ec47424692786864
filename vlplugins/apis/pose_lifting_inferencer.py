"""Lifting of the 2D poses of a detector into space."""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer.infer import ModelType

from vlplugins.apis.base import BaseInferencer
from vlplugins.registry import INFERENCERS, TRANSFORMS
from vlplugins.structures.skeleton_layout import LAYOUTS, convert_joints, convert_scores, get_layout
from vlplugins.utils.records import RecordError

_EXPECTED = 'keypoints [V, 2 or 3] or [T, V, 2 or 3] in pixels'
Pose = Union[str, Path, np.ndarray, Dict[str, Any]]


@INFERENCERS.register_module()
class PoseLiftingInferencer(BaseInferencer):
    """Lifts 2D poses in pixels to poses in space, in millimetres relative to the pelvis.

    An input is an array ``[V, 2]`` or ``[V, 3]`` (with scores) or a sequence ``[T, V, 2 or 3]`` of 17 joints of COCO,
    or of 16 or 17 of Human3.6M; a dict with ``keypoints``, and optionally ``keypoint_scores`` and ``image_size``; or a
    file: ``.npy`` or ``.npz`` with such an array (``.npz``: under ``keypoints``), or the ``.json`` of mmpose's
    inferencer. A prediction is ``dict(keypoints_3d, layout, frame, source)``, x right, y down, z forward.

    Args:
        model: Path of a config, or a config.
        weights: Checkpoint.
        image_size: Width and height of the pictures in pixels, where an input does not say.
        layout: Layout of the inputs; by default that with as many joints (17: ``'coco17'``).
        min_score: Scores below it raise a warning.
        device: As in :class:`BaseInferencer`.
        show_progress: Show a progress bar.

    Raises:
        RecordError: an input of another shape or layout, or without the size of its picture.
    """

    extensions = ('.json', '.npy', '.npz')

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        image_size: Optional[Sequence[float]] = None,
        layout: Optional[str] = None,
        min_score: float = 0.3,
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        self.image_size, self.layout, self.min_score = image_size, layout, min_score
        if layout is not None:
            get_layout(layout)
        super().__init__(model, weights, device, show_progress)

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` for this task."""
        group = parser.add_argument_group('pose lifting (the inputs are files of 2D poses in pixels)')
        group.add_argument('--image-size', nargs=2, type=float, metavar=('W', 'H'), help='size of the pictures')
        group.add_argument('--layout', choices=sorted(LAYOUTS), help='layout of the joints (default: by their number)')

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Take the arguments of :meth:`add_arguments`."""
        self.image_size = args.image_size or self.image_size
        self.layout = args.layout or self.layout

    def _init_pipeline(self, cfg: Config) -> Callable:
        steps = [dict(type='vlplugins.ScreenNormalize'), dict(type='vlplugins.PackLiftingInputs')]
        with TRANSFORMS.switch_scope_and_registry('vlplugins') as registry:
            pipeline = Compose([registry.build(step) for step in steps])
        return lambda item: pipeline(self.to_record(item))

    def _inputs_to_list(self, inputs: Union[Pose, Sequence[Pose]]) -> List[Dict[str, Any]]:
        """One record for each pose of each input."""
        if isinstance(inputs, (np.ndarray, dict)):
            inputs = [inputs]
        records: List[Dict[str, Any]] = []
        for number, item in enumerate(super()._inputs_to_list(inputs)):
            source = str(item) if isinstance(item, (str, Path)) else f'input {number}'
            for found in self._read(item, source):
                records += self._frames(found, found.get('source', source))
        return records

    def _read(self, item: Pose, source: str) -> List[Dict[str, Any]]:
        if isinstance(item, np.ndarray):
            return [dict(keypoints=item)]
        if isinstance(item, dict):
            return [dict(item)]
        suffix = Path(item).suffix.lower()
        if suffix == '.json':
            return _read_json(str(item))
        try:
            content = np.load(item, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise RecordError(source, f'no readable array ({error})', _EXPECTED) from None
        if suffix == '.npy':
            return [dict(keypoints=content)]
        if 'keypoints' not in content:
            raise RecordError(source, f'the keys {sorted(content)}', "'keypoints'")
        return [{key: content[key] for key in content.files}]

    def _frames(self, item: Dict[str, Any], source: str) -> List[Dict[str, Any]]:
        """Records of the poses of one item, with joints of Human3.6M."""
        keypoints = np.asarray(item.get('keypoints'), dtype=np.float32)
        if keypoints.ndim == 2:
            keypoints = keypoints[None]
        if keypoints.ndim != 3 or keypoints.shape[2] not in (2, 3):
            raise RecordError(source, f'keypoints of shape {keypoints.shape}', _EXPECTED)
        scores = item.get('keypoint_scores')
        if scores is None:
            scores = keypoints[..., 2] if keypoints.shape[2] == 3 else np.ones(keypoints.shape[:2])
        scores = np.asarray(scores, dtype=np.float32).reshape(keypoints.shape[:2])
        bad = ~np.isfinite(keypoints[..., :2]).all(axis=2)
        if bad.any():
            raise RecordError(source, f'joint {np.argwhere(bad)[0][1]} that is not finite', 'numbers', 'keypoints')
        points, scores = self._to_h36m(keypoints[..., :2], scores, source)
        low = (scores < self.min_score).any(axis=1)
        if low.any():
            warnings.warn(
                f'{source}: {int(low.sum())} of {len(low)} poses have joints with a score below {self.min_score:g}; '
                'their lifted poses may be wrong',
                stacklevel=3,
            )
        size = item.get('image_size') if item.get('image_size') is not None else self.image_size
        if size is None:
            raise RecordError(source, 'no size of its picture', 'image_size=(width, height)')
        size = tuple(float(each) for each in size)
        return [dict(keypoints=pose, image_size=size, source=source, frame=index) for index, pose in enumerate(points)]

    def _to_h36m(self, points: np.ndarray, scores: np.ndarray, source: str) -> Tuple[np.ndarray, np.ndarray]:
        count = points.shape[1]
        layout = self.layout or {17: 'coco17', 16: 'h36m16'}.get(count)
        if layout is None:
            raise RecordError(source, f'{count} joints', '17 of COCO, or 16 or 17 of Human3.6M (layout=...)')
        get_layout(layout).check(points, source)
        return convert_joints(points, layout, 'h36m16'), convert_scores(scores, layout, 'h36m16')

    def to_record(self, item: Dict[str, Any]) -> Dict[str, Any]:
        """The record of a pose for the pipeline."""
        return dict(item, keypoints=item['keypoints'][None])

    def to_plain(self, sample: Any) -> Dict[str, Any]:
        """Joints in millimetres, and where the pose is from."""
        joints = (1000 * sample.pred_keypoints_3d).cpu().numpy()
        return dict(
            keypoints_3d=np.round(joints, 2).tolist(),
            layout='h36m16',
            frame=int(sample.get('frame', 0)),
            source=sample.get('source', ''),
        )

    def picture_name(self, index: int, item: Dict[str, Any]) -> str:
        """File name of the picture of a pose."""
        return f'{index:06d}_{Path(item["source"]).stem}_{item["frame"]:06d}.png'


def _read_json(path: str) -> List[Dict[str, Any]]:
    """Poses of a JSON file: one, a list of them, or the predictions of mmpose's inferencer, frame by frame."""
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except ValueError as error:
        raise RecordError(path, f'malformed JSON ({error})', _EXPECTED) from None
    found: List[Dict[str, Any]] = []
    todo = [(content, path)]
    while todo:
        node, source = todo.pop(0)
        if isinstance(node, dict) and 'keypoints' in node:
            kept = {key: node[key] for key in ('keypoints', 'keypoint_scores', 'image_size') if key in node}
            found.append(dict(kept, source=source))
        elif isinstance(node, dict) and 'instances' in node:
            todo = [(node['instances'], f'{source}, frame {node.get("frame_id", "?")}'), *todo]
        elif isinstance(node, dict) and 'instance_info' in node:
            todo = [(node['instance_info'], source), *todo]
        elif (
            isinstance(node, list)
            and node
            and all(isinstance(each, (dict, list)) for each in node)
            and (isinstance(node[0], dict) or (node[0] and isinstance(node[0][0], dict)))
        ):
            todo = [*((each, source) for each in node), *todo]
        elif isinstance(node, list) and node:
            found.append(dict(keypoints=node, source=source))
    if not found:
        raise RecordError(path, 'no pose', _EXPECTED)
    return found
