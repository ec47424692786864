"""What metrics of tracking a single object have in common: the frames of a video become its track again."""

import sys
from abc import abstractmethod
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from vlplugins.utils.files import write_if_changed


class TrackOfVideo(NamedTuple):
    """A target's track.

    Attributes:
        name: The video.
        boxes: Predictions ``[T, 4]`` (x, y, width, height in pixels of the video).
        truth: ``[T, 4]``, or fewer where the truth is not public.
        visible: Booleans ``[T]``.
        cover: Eighths of the target that are visible, ``[T]``, where the set says so.
        size: Width and height of the video in pixels.
        others: Boxes of other objects ``[T, K, 4]``, where the set has them.
        seconds: Time that each frame took, ``[T]``, where the model says so.
        proposals: Boxes ``[T, 4]`` that the predictions were made of, where the model says so.
    """

    name: str
    boxes: np.ndarray
    truth: np.ndarray
    visible: np.ndarray
    cover: Optional[np.ndarray]
    size: tuple
    others: Optional[np.ndarray]
    seconds: Optional[np.ndarray]
    proposals: Optional[np.ndarray] = None


class SequenceMetric(BaseMetric):
    """Collects frames, in any order and from any number of processes, and judges whole videos.

    Args:
        outfile_prefix: Folder for files of results.
        format_only: Write these files alone, for a server.
        collect_device: As in MMEngine's ``BaseMetric``.
        prefix: As in MMEngine's ``BaseMetric``.

    Raises:
        ValueError: ``format_only`` without a folder; when computed: no prediction in a frame, frames that are missing,
            a prediction that is no box (names the video), or a truth that is not public.
    """

    def __init__(
        self,
        outfile_prefix: Optional[str] = None,
        format_only: bool = False,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if format_only and not outfile_prefix:
            raise ValueError('format_only writes files: give their folder as outfile_prefix')
        self.outfile_prefix, self.format_only = outfile_prefix, format_only

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep boxes and truth of frames.

        Args:
            data_batch: Not used.
            data_samples: ``mmdet.TrackDataSample``, or dicts of them, whose frames have ``pred_track_instances`` with
                ``bboxes`` (xyxy in pixels of the video, the target first), ``gt_instances`` and the metainfo of
                ``PackSOTInputs``.
        """
        for sample in data_samples:
            frames = sample['video_data_samples'] if isinstance(sample, dict) else sample.video_data_samples
            self.results += [_record_of(frame) for frame in frames]

    def evaluate(self, size: int) -> Dict[str, float]:
        """Judge what all processes have collected; ``size`` counts videos, not frames, and is not used."""
        return super().evaluate(sys.maxsize)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Write files, and judge the tracks."""
        tracks = self.join(results)
        for track in tracks if self.outfile_prefix else ():
            for path, content in self.format(track).items():
                write_if_changed(Path(self.outfile_prefix, path), content)
        if self.format_only:
            return {}
        hidden = [track.name for track in tracks if len(track.truth) != len(track.boxes)]
        if hidden:
            raise ValueError(f'{hidden[0]} has no public truth: use format_only=True and the server of the set')
        return self.judge(tracks)

    @staticmethod
    def join(results: List[dict]) -> List[TrackOfVideo]:
        """Tracks by name; frames that came twice count once.

        Raises:
            ValueError: frames are missing; names the video.
        """
        videos: Dict[str, Dict[int, dict]] = {}
        for result in results:
            videos.setdefault(result['name'], {})[result['frame']] = result
        tracks = []
        for name in sorted(videos):
            frames = videos[name]
            length = next(iter(frames.values()))['length']
            missing = sorted(set(range(length)) - set(frames))
            if missing:
                raise ValueError(f'{name} has {len(frames)} of {length} frames; the first missing one is {missing[0]}')
            tracks.append(_track_of(name, [frames[index] for index in range(length)]))
        return tracks

    @abstractmethod
    def judge(self, tracks: List[TrackOfVideo]) -> Dict[str, float]:
        """Measures of all tracks."""

    @abstractmethod
    def format(self, track: TrackOfVideo) -> Dict[str, str]:
        """Files of a track: their content by path."""


def of_sequence(name: str, function: Any, *args: Any) -> Any:
    """Call a function; what it says of a bad track gets the name of the sequence before it."""
    try:
        return function(*args)
    except ValueError as error:
        raise ValueError(f'sequence {name}: {error}') from None


def _record_of(frame: Any) -> Dict[str, Any]:
    name = frame.metainfo.get('name', frame.metainfo.get('video_id'))
    found = frame.pred_track_instances.bboxes.detach().cpu().numpy().reshape(-1, 4)
    if not len(found):
        raise ValueError(f'sequence {name}: frame {frame.frame_id} has no predicted box')
    truth = frame.gt_instances.bboxes.cpu().numpy().reshape(-1, 4)
    factor = np.tile(frame.metainfo.get('scale_factor', (1.0, 1.0)), 2)
    others, proposals = frame.metainfo.get('distractors'), frame.pred_track_instances.get('proposals')
    return dict(
        name=str(name),
        frame=int(frame.frame_id),
        length=int(frame.ori_video_length),
        box=_to_xywh(found[0]),
        truth=None if not len(truth) else _to_xywh(truth[0] / factor),
        visible=bool(frame.metainfo.get('visible', True)),
        cover=frame.metainfo.get('cover'),
        size=tuple(frame.ori_shape[1::-1]),
        others=None if others is None else _to_xywh(np.asarray(others)),
        seconds=frame.metainfo.get('seconds'),
        proposal=None if proposals is None else _to_xywh(proposals.detach().cpu().numpy()[0]),
    )


def _to_xywh(boxes: np.ndarray) -> np.ndarray:
    boxes = boxes.astype(np.float64)
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], axis=-1)


def _track_of(name: str, frames: List[dict]) -> TrackOfVideo:
    def column(key: str) -> Optional[np.ndarray]:
        values = [frame[key] for frame in frames]
        return None if any(value is None for value in values) else np.array(values)

    truth = np.array([frame['truth'] for frame in frames if frame['truth'] is not None]).reshape(-1, 4)
    return TrackOfVideo(
        name, column('box'), truth, column('visible'), column('cover'), frames[0]['size'], column('others'),
        column('seconds'), column('proposal'),
    )  # fmt: skip
