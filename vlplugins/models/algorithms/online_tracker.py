"""Following targets through a video, frame by frame."""

import math
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import Tensor

from vlplugins.models.algorithms.tracking_batches import padding_of
from vlplugins.models.layers.box_crops import sound_boxes
from vlplugins.models.layers.search_windows import SearchWindows, cut_windows, padding_of_map, window_padding
from vlplugins.models.task_modules.tracks import Detections, Tracks
from vlplugins.registry import MODELS


class OnlineTracker:
    """What a :class:`UnifiedTracker` keeps of a video, and the step from a frame to the next.

    ``sot``: one or several given targets, each looked for in a window about its last box; their features are those of
    frame 0. ``mot``: all objects that detection finds; boxes of the frame before are moved by the target transformer
    and associated with the detections. ``unified``: both on one pass of the backbone; given targets come first.

    Args:
        model: A :class:`UnifiedTracker`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.strides: Sequence[int] = model.target_encoder.crops.strides
        # Places of a window on the map of single objects, and the level on which a window has about so many.
        self.places = max(1, model.search.size // self.strides[model.sot_level])
        finest = self.strides[0] * self.places / math.sqrt(2)
        self.window_crops = MODELS.build(
            dict(
                type='vlplugins.BoxCrops',
                dim=model.target_encoder.norm.normalized_shape[0],
                output_size=self.places,
                strides=self.strides,
                finest_scale=finest,
            )
        )
        self.start()

    def start(self) -> None:
        """Forget the video."""
        self.frame: Optional[int] = None
        self.targets = self.boxes = self.features = torch.zeros(0)
        self.tracks = Tracks()

    @torch.no_grad()
    def step(self, image: Tensor, frame: Any, task: str) -> InstanceData:
        """Follow targets into the next frame.

        Args:
            image: ``[3, H, W]``, normalised; may be padded at the right and below.
            frame: Its ``mmdet.DetDataSample`` with ``frame_id`` (0 starts a video), ``img_shape`` and ``scale_factor``;
                the first one with ``init_bbox`` of the given targets, ``[x, y, width, height]`` in original pixels or
                a list of such. With ``detections='public'`` it has ``public_instances`` in pixels of the image.
            task: ``'sot'``, ``'mot'`` or ``'unified'``.

        Returns:
            ``bboxes`` xyxy in original pixels, ``scores``, ``labels`` (-1 for given targets) and ``instances_id``, from
            1; given targets come first. With ``sot`` also ``proposals``: the boxes before the iterations.

        Raises:
            ValueError: a frame that does not follow the last one, or a missing or impossible first box.
        """
        self._turn_to(frame.metainfo.get('frame_id'))
        scale = image.new_tensor(tuple(frame.metainfo.get('scale_factor', (1.0, 1.0)))[:2]).float().repeat(2)
        levels = maps = None
        if task != 'sot' or self.model.search.shared:
            levels = self.model.detector.backbone(image[None])
            maps = self.model.tracking_neck(levels)
        found: List[InstanceData] = []
        if task != 'mot':
            found.append(self._follow_given(image, maps, frame, scale))
        if task != 'sot':
            found.append(self._follow_objects(image, levels, maps, frame))
        if task == 'unified':
            found[0].pop('proposals')
            found[1].instances_id += len(self.boxes)
        joined = InstanceData.cat(found)
        for name in ('bboxes', 'proposals'):
            if name in joined:
                joined.set_field(joined.get(name) / scale, name)
        return joined

    def _turn_to(self, number: Optional[int]) -> None:
        if number == 0:
            self.start()
        elif number is None or self.frame is None or number != self.frame + 1:
            before = 'no frame' if self.frame is None else f'frame {self.frame}'
            raise ValueError(f'frame_id {number} comes after {before}; a video begins with 0 and has all in order')
        self.frame = number

    def _follow_given(self, image: Tensor, maps: Optional[Sequence[Tensor]], frame: Any, scale: Tensor) -> InstanceData:
        model, size = self.model, (frame.img_shape[1], frame.img_shape[0])
        if self.frame == 0:
            self.boxes = given_boxes(frame, scale)
        proposals, scores = self.boxes, None
        if self.frame == 0 or model.follow:
            windows = model.search.windows(self.boxes)
            seen, padding = self._look(windows, image[:, : size[1], : size[0]], maps)
            inside = windows.from_frame(self.boxes)[:, None]
            if self.frame == 0:
                self.targets = model.target_encoder(seen, inside, model.sot_level)
            else:
                first, tracked = model.search_targets(seen, self.targets, padding, inside)
                proposals = sound_boxes(windows.to_frame(first[:, 0]))
                scores = None if tracked.scores is None else tracked.scores[-1][:, 0].sigmoid()
                self.boxes = model.search.settle(windows.to_frame(tracked.boxes[-1][:, 0]), self.boxes, scores, size)
        count = len(self.boxes)
        return InstanceData(
            bboxes=self.boxes,
            proposals=proposals,
            scores=self.boxes.new_ones(count) if scores is None else scores,
            labels=torch.full((count,), -1, device=self.boxes.device),
            instances_id=torch.arange(1, count + 1, device=self.boxes.device),
        )

    def _look(
        self, windows: SearchWindows, image: Tensor, maps: Optional[Sequence[Tensor]]
    ) -> Tuple[Sequence[Tensor], Tensor]:
        """Maps of windows, of which that of single objects is read, and booleans ``[N, S, S]`` of their padding."""
        if maps is None:
            crops, padding = cut_windows(image, windows, self._black())
            return self.model.tracking_maps(crops), padding
        padding = window_padding(windows, image.size(2), image.size(1))
        shared = self.window_crops(maps, windows.boxes[None])
        return [shared] * len(maps), padding

    def _black(self) -> Optional[Tensor]:
        """What is beside an image in training, where crops are made before they are normalised."""
        preprocessor = self.model.data_preprocessor
        mean = getattr(preprocessor, 'mean', None)
        return None if mean is None else (-mean / preprocessor.std).flatten()

    def _follow_objects(
        self, image: Tensor, levels: Sequence[Tensor], maps: Sequence[Tensor], frame: Any
    ) -> InstanceData:
        model, associator = self.model, self.model.associator
        found = self._detect(levels, frame)
        tracked, scores = associator.propose(self.tracks), None
        if model.follow and len(self.tracks):
            tracked, scores = self._move(tracked, image, maps, frame)
        tracks = associator.update(self.tracks, tracked, scores, found, self.frame)
        boxes = image.new_tensor(tracks.boxes, dtype=torch.float32)
        features = model.target_encoder(maps, boxes[None], model.mot_level)[0]
        lost = torch.as_tensor(np.flatnonzero(tracks.age > 0), device=image.device)
        if len(lost):
            # Of those that are not seen, what they looked like is kept.
            features[lost] = self.features[torch.as_tensor(tracks.parent, device=image.device)[lost]]
        self.tracks, self.features = tracks, features
        shown = associator.visible(tracks)
        chosen = torch.as_tensor(shown, device=image.device)
        return InstanceData(
            bboxes=boxes[chosen],
            scores=image.new_tensor(tracks.scores[shown], dtype=torch.float32),
            labels=torch.as_tensor(tracks.labels[shown], device=image.device),
            instances_id=torch.as_tensor(tracks.ids[shown], device=image.device),
        )

    def _move(
        self, start: np.ndarray, image: Tensor, maps: Sequence[Tensor], frame: Any
    ) -> Tuple[np.ndarray, Optional[np.ndarray]]:
        """Where the objects are now, and scores, of boxes at which to look for them."""
        model, hidden = self.model, None
        if model.mot_level is not None:
            hidden = padding_of([frame], image.shape[1:], image)
            hidden = padding_of_map(hidden, maps[model.mot_level].shape[-2:])
        boxes = image.new_tensor(start, dtype=torch.float32)[None]
        found = model.target_transformer(maps, self.features[None], boxes, level=model.mot_level, padding=hidden)
        scores = None if found.scores is None else found.scores[-1][0].sigmoid().cpu().numpy()
        return found.boxes[-1][0].double().cpu().numpy(), scores

    def _detect(self, levels: Sequence[Tensor], frame: Any) -> Detections:
        model = self.model
        if model.detections == 'public':
            if 'public_instances' not in frame:
                where = frame.metainfo.get('img_path', f'frame {self.frame}')
                raise ValueError(f"{where} has no public_instances, which detections='public' takes")
            found = frame.public_instances
        else:
            states = model.detect(levels, [frame])
            found = model.detector.bbox_head.predict(**states, batch_data_samples=[frame], rescale=False)[0]
        found = found[found.scores > model.det_min_score]
        return Detections(
            found.bboxes.double().cpu().numpy(), found.scores.double().cpu().numpy(), found.labels.cpu().numpy()
        )


def given_boxes(frame: Any, scale: Tensor) -> Tensor:
    """Boxes ``[N, 4]`` xyxy in pixels of the image, of the ``init_bbox`` of a first frame.

    Args:
        frame: Sample of the frame.
        scale: Factors of its resizing, ``[4]``.

    Raises:
        ValueError: none given, or one without area or wholly outside the frame; names the box.
    """
    if frame.metainfo.get('init_bbox') is None:
        raise ValueError('the first frame has no init_bbox; a target is given by [x, y, width, height]')
    given = torch.as_tensor(np.asarray(frame.metainfo['init_bbox'], dtype=np.float32).reshape(-1, 4))
    boxes = torch.cat([given[:, :2], given[:, :2] + given[:, 2:]], dim=1) * scale.cpu()
    height, width = frame.img_shape[:2]
    for box, (x, y, right, low) in zip(given.tolist(), boxes.tolist()):
        if not all(math.isfinite(number) for number in box) or min(box[2:]) <= 0:
            raise ValueError(f'the given box {box} (x, y, width, height) has no area')
        if right <= 0 or low <= 0 or x >= width or y >= height:
            raise ValueError(f'the given box {box} (x, y, width, height) lies outside the frame')
    return boxes.to(scale.device)
