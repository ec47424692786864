"""Following targets through videos, cameras and folders of frames."""

import argparse
import contextlib
import itertools
import json
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Union

import mmcv
import numpy as np
import torch
from mmengine.config import Config
from mmengine.infer.infer import ModelType
from rich.progress import track as show_bar

from vlplugins.apis.base import BaseInferencer, find_pipeline
from vlplugins.apis.track_writer import TrackWriter
from vlplugins.datasets.formats.frame_stream import Source, open_frames
from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS
from vlplugins.datasets.formats.tracking_files import read_mot_table
from vlplugins.registry import INFERENCERS
from vlplugins.structures.track_sample import make_track_sample

MODES = ('sot', 'mot', 'unified')
Frame = Dict[str, Any]


@INFERENCERS.register_module()
class TrackingInferencer(BaseInferencer):
    """Follows given targets, all objects, or both.

    An input is a video file, a folder of frames, a number of a camera, or an iterable of frames (uint8 ``[H, W, 3]``,
    BGR); a folder of videos stands for these. A prediction is ``dict(input, mode, frames=[dict(frame,
    objects=[dict(id, box, score, label)])])``: frames from 0, boxes ``[x, y, width, height]`` in pixels, identities
    from 1; given targets come first, in the order of their boxes, with the label -1.

    :meth:`stream` gives the frames of one input as they come, and holds no more than one of them: it is for cameras and
    long videos. A call with ``vis_out_dir`` also writes ``<name>.mp4`` with the boxes; with ``pred_out_file`` it writes
    that file, and beside it ``<name>.txt`` in the form of MOT Challenge.

    Args:
        model: Path of a config, or a config, of a :class:`UnifiedTracker`.
        weights: Checkpoint.
        mode: ``'sot'``, ``'mot'`` or ``'unified'``; by default ``'sot'`` where boxes are given, else ``'mot'``.
        init_boxes: Given targets, ``[x, y, width, height]`` in pixels of the first frame, one or several.
        scale: Longest and shortest side to which frames are resized where objects are looked for; by default as the
            test pipeline of the config does it. Given targets alone are followed at full size.
        public: File with given detections in the form of MOT Challenge, for a model with ``detections='public'``.
        max_frames: Frames of an input after which to stop.
        device: As in :class:`BaseInferencer`.
        show_progress: Show a progress bar.

    Raises:
        ValueError: an unknown mode, or boxes that do not go with it.
    """

    extensions = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v')

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        mode: Optional[str] = None,
        init_boxes: Optional[Sequence] = None,
        scale: Optional[Sequence[int]] = None,
        public: Optional[str] = None,
        max_frames: Optional[int] = None,
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        self.mode, self.init_boxes, self.public = mode, init_boxes, public
        self.scale, self.max_frames = scale, max_frames
        super().__init__(model, weights, device, show_progress)
        if scale is None:
            resized = [
                step['scale'] for step in find_pipeline(self.cfg) if 'Resize' in step['type'] and 'scale' in step
            ]
            self.scale = resized[0] if resized else None
        _mode_of(mode, init_boxes)

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` for this task."""
        group = parser.add_argument_group('tracking (the inputs are videos, folders of frames, or numbers of cameras)')
        group.add_argument('--init-boxes', nargs='+', metavar='X,Y,W,H', help='given targets in the first frame')
        group.add_argument('--mode', choices=MODES, help='what is followed (sot with --init-boxes, else mot)')
        group.add_argument('--public', help='file of given detections, in the form of MOT Challenge')
        group.add_argument('--max-frames', type=int, help='stop after so many frames')

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Do what the arguments of :meth:`add_arguments` ask for.

        Raises:
            ValueError: a box that is not four numbers, or as the constructor.
        """
        if args.init_boxes:
            self.init_boxes = [_read_box(text) for text in args.init_boxes]
        self.mode, self.public = args.mode or self.mode, args.public or self.public
        self.max_frames = args.max_frames or self.max_frames
        _mode_of(self.mode, self.init_boxes)

    def _init_pipeline(self, cfg: Config) -> Callable:
        # Frames come one by one and are packed by hand.
        return lambda item: item

    def _inputs_to_list(self, inputs: Any) -> List[Any]:
        items = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        found: List[Any] = []
        for item in items:
            if isinstance(item, str) and item.isdigit() and not Path(item).exists():
                found.append(int(item))
            elif isinstance(item, (str, Path)) and Path(item).is_dir() and _holds_frames(item):
                found.append(str(item))
            elif isinstance(item, (str, Path)):
                found += super()._inputs_to_list(item)
            else:
                found.append(item)
        return found

    def stream(
        self, source: Source, init_boxes: Optional[Sequence] = None, mode: Optional[str] = None
    ) -> Iterator[Frame]:
        """Follow targets through one input, endless or not.

        Several streams of one inferencer know nothing of each other.

        Args:
            source: As an input of a call.
            init_boxes: Given targets; by default those of the constructor.
            mode: By default that of the constructor.

        Yields:
            ``dict(frame, objects)`` for each frame.

        Raises:
            ValueError: boxes that do not go with the mode, or are impossible.
            RecordError: no such video.
        """
        for frame, _ in self._follow(open_frames(source).frames, init_boxes, mode):
            yield frame

    def _follow(self, frames: Iterator[np.ndarray], init_boxes: Any, mode: Optional[str]) -> Iterator[tuple]:
        from vlplugins.models.algorithms.online_tracker import OnlineTracker

        init_boxes = self.init_boxes if init_boxes is None else init_boxes
        mode = _mode_of(mode or self.mode, init_boxes)
        online = OnlineTracker(self.model)
        public = None if self.public is None else _by_frame(self.public)
        for number, image in enumerate(itertools.islice(frames, self.max_frames)):
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise ValueError(
                    f'frame {number} is {image.dtype} of shape {image.shape}; expected uint8 [H, W, 3] in BGR'
                )
            inputs, sample = self._pack(image, number, mode, init_boxes, public)
            found = online.step(inputs, sample, mode)
            yield dict(frame=number, objects=_plain_objects(found)), image

    def _pack(self, image: np.ndarray, number: int, mode: str, init_boxes: Any, public: Any) -> tuple:
        """Normalised frame ``[3, H, W]`` and its sample."""
        from mmdet.structures import DetDataSample
        from mmengine.structures import InstanceData

        height, width = image.shape[:2]
        resized = image if self.scale is None or mode == 'sot' else mmcv.imrescale(image, tuple(self.scale))
        scale = (resized.shape[1] / width, resized.shape[0] / height)
        meta = dict(frame_id=number, img_shape=resized.shape[:2], ori_shape=(height, width), scale_factor=scale)
        sample = DetDataSample(metainfo=dict(meta, init_bbox=init_boxes if number == 0 else None))
        if public is not None:
            boxes, scores = public.get(number, (np.zeros((0, 4)), np.zeros(0)))
            sample.public_instances = InstanceData(
                bboxes=torch.as_tensor(boxes * np.tile(scale, 2), dtype=torch.float32),
                scores=torch.as_tensor(scores, dtype=torch.float32),
                labels=torch.zeros(len(scores), dtype=torch.long),
            )
        clip = make_track_sample([sample], mode)
        tensor = torch.from_numpy(np.ascontiguousarray(resized.transpose(2, 0, 1)))[None]
        batch = self.model.data_preprocessor(dict(inputs=[tensor], data_samples=[clip]), False)
        return batch['inputs'][0, 0], batch['data_samples'][0][0]

    def __call__(
        self,
        inputs: Any,
        return_datasamples: bool = False,
        batch_size: int = 1,
        vis_out_dir: Optional[str] = None,
        pred_out_file: Optional[str] = None,
        **kwargs: Any,
    ) -> Dict[str, Any]:
        """Follow targets through whole inputs.

        Args:
            inputs: One input, or a list of them.
            return_datasamples: Not for this task.
            batch_size: Videos are followed one after the other, whatever is given.
            vis_out_dir: Folder of annotated videos.
            pred_out_file: File of the predictions, beside which the tables of MOT Challenge are written.
            kwargs: None.

        Returns:
            ``dict(predictions=[...], visualization=[...])``; the latter are paths of the videos.

        Raises:
            ValueError: an endless input without ``max_frames``, or as :meth:`stream`.
        """
        if kwargs or return_datasamples:
            raise ValueError(f'unknown arguments {sorted(kwargs) or "return_datasamples"} of {type(self).__name__}')
        predictions, videos, names = [], [], set()
        for item in self._inputs_to_list(inputs):
            stream = open_frames(item)
            if isinstance(item, int) and self.max_frames is None:
                raise ValueError(f'camera {item} has no end: give max_frames, or use stream()')
            name = stream.name if stream.name not in names else f'{stream.name}_{len(predictions)}'
            names.add(name)
            steps = self._follow(stream.frames, None, None)
            length = (
                stream.length if self.max_frames is None else min(self.max_frames, stream.length or self.max_frames)
            )
            steps = show_bar(steps, name, total=length) if self.show_progress else steps
            out = dict(
                video=None if vis_out_dir is None else Path(vis_out_dir, f'{name}.mp4'),
                table=None if pred_out_file is None else Path(pred_out_file).parent / f'{name}.txt',
            )
            with contextlib.closing(TrackWriter(**out, fps=stream.fps, visualizer=self.visualizer)) as writer:
                frames = [writer.write(frame, image) for frame, image in steps]
            mode = _mode_of(self.mode, self.init_boxes)
            predictions.append(
                dict(input=str(item) if isinstance(item, (str, Path, int)) else name, mode=mode, frames=frames)
            )
            videos += [] if vis_out_dir is None else [str(out['video'])]
        if pred_out_file is not None:
            Path(pred_out_file).parent.mkdir(parents=True, exist_ok=True)
            Path(pred_out_file).write_text(json.dumps(predictions) + '\n', encoding='utf-8')
        return dict(predictions=predictions, visualization=videos)


def _mode_of(mode: Optional[str], init_boxes: Any) -> str:
    given = init_boxes is not None and len(init_boxes) > 0
    mode = mode or ('sot' if given else 'mot')
    if mode not in MODES:
        raise ValueError(f'mode {mode!r} is unknown; expected one of {MODES}')
    if given == (mode == 'mot'):
        what = 'takes no init_boxes' if given else 'needs init_boxes, [x, y, width, height] of each target'
        raise ValueError(f'mode {mode!r} {what}')
    return mode


def _read_box(text: str) -> List[float]:
    try:
        box = [float(word) for word in text.split(',')]
    except ValueError:
        box = []
    if len(box) != 4:
        raise ValueError(f'the box {text!r} is not X,Y,W,H')
    return box


def _holds_frames(folder: Union[str, Path]) -> bool:
    return any(path.suffix.lower() in IMAGE_EXTENSIONS for path in Path(folder).iterdir())


def _by_frame(path: str) -> Dict[int, tuple]:
    """Boxes (xyxy) and scores of each frame, counted from 0."""
    table = read_mot_table(path, unique=False)
    boxes = np.concatenate([table.boxes[:, :2], table.boxes[:, :2] + table.boxes[:, 2:]], axis=1)
    rows = {int(frame): table.frame == frame for frame in np.unique(table.frame)}
    return {frame - 1: (boxes[row], table.confidence[row]) for frame, row in rows.items()}


def _plain_objects(found: Any) -> List[Dict[str, Any]]:
    columns = (found.instances_id, found.bboxes, found.scores, found.labels)
    return [
        dict(id=identity, box=[x, y, right - x, low - y], score=score, label=label)
        for identity, (x, y, right, low), score, label in zip(*(column.tolist() for column in columns))
    ]
