"""What a tracker reads of its batches: their task, boxes of targets, levels of pairs, padding, sizes of frames."""

from typing import Any, List, NamedTuple, Sequence, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.task_modules.assignment import match, pair_ious

TASKS = ('sot', 'mot', 'unified')


def task_of(samples: Sequence[Any]) -> str:
    """The one task of a batch of track samples.

    Raises:
        ValueError: no task, an unknown one, or several.
    """
    tasks = sorted({str(sample.metainfo.get('task', sample[0].metainfo.get('task'))) for sample in samples})
    if len(tasks) != 1 or tasks[0] not in TASKS:
        raise ValueError(f'the samples of a batch have the tasks {tasks}; expected the same one of {TASKS} in all')
    return tasks[0]


def frames_of(samples: Sequence[Any]) -> List[Any]:
    """Samples of all frames, video by video."""
    return [frame for sample in samples for frame in sample.video_data_samples]


def frame_sizes(frames: Sequence[Any], like: Tensor) -> Tensor:
    """Widths and heights of frames without what fills up the batch, ``[B, 1, 4]`` as (w, h, w, h)."""
    sizes = [(frame.img_shape[1], frame.img_shape[0]) * 2 for frame in frames]
    return torch.tensor(sizes, dtype=torch.float32).to(like.device, non_blocking=True)[:, None]


def padding_of(frames: Sequence[Any], shape: Tuple[int, int], like: Tensor) -> Tensor:
    """Booleans ``[B, H, W]``, true where a frame shows nothing.

    That is beside the image, of which a frame may say more in its ``padding_mask``, as crops at the rim of an image do.
    """
    sizes = frame_sizes(frames, like)[:, 0]
    columns, rows = (torch.arange(side, device=like.device) for side in (shape[1], shape[0]))
    padding = (rows[None] >= sizes[:, 1:2])[:, :, None] | (columns[None] >= sizes[:, :1])[:, None]
    for index, frame in enumerate(frames):
        if 'padding_mask' in frame:
            mask = torch.as_tensor(frame.padding_mask, dtype=torch.bool, device=like.device)
            padding[index, : mask.size(0), : mask.size(1)] |= mask
    return padding


def one_box_each(frames: Sequence[Any]) -> Tensor:
    """The box of each frame, xyxy in pixels, ``[B, 1, 4]``.

    Raises:
        ValueError: a frame with more or fewer boxes.
    """
    for frame in frames:
        if len(frame.gt_instances.bboxes) != 1:
            where = frame.metainfo.get('img_path', 'a frame')
            raise ValueError(f'{where} has {len(frame.gt_instances.bboxes)} boxes; a single target has one in each')
    return torch.stack([frame.gt_instances.bboxes.float() for frame in frames])


class PairedTargets(NamedTuple):
    """Targets of pairs of frames, filled up to N for each pair.

    Attributes:
        reference: Boxes in the reference frames, ``[B, N, 4]``.
        search: Boxes in the search frames; where a target is not there, that of the reference frame.
        present: Booleans ``[B, N]``, true for targets that are in both.
    """

    reference: Tensor
    search: Tensor
    present: Tensor


def pair_targets(reference: Sequence[Any], search: Sequence[Any]) -> PairedTargets:
    """Targets of the reference frames, with where they are in the search frames, by their ``instances_ids``.

    Nothing is read back from the device.
    """
    rows = []
    for before, after in zip(reference, search):
        boxes, later = before.gt_instances.bboxes.float(), after.gt_instances.bboxes.float()
        same = before.gt_instances.instances_ids[:, None] == after.gt_instances.instances_ids[None]
        if not len(later):
            rows.append((boxes, boxes, same.new_zeros(len(boxes))))
            continue
        present, index = same.any(dim=1), same.int().argmax(dim=1)
        rows.append((boxes, torch.where(present[:, None], later[index], boxes), present))
    return PairedTargets(*(fill_up(list(column)) for column in zip(*rows)))


def pair_levels(backbone: nn.Module, inputs: Tensor, freeze_reference: bool = False) -> List[Tuple[Tensor, ...]]:
    """Levels of a backbone of reference and search frames ``[N, 2, 3, H, W]``, in one pass if both have a gradient."""
    if freeze_reference:
        with torch.no_grad():
            reference = backbone(inputs[:, 0])
        return [reference, backbone(inputs[:, 1])]
    levels = backbone(inputs.transpose(0, 1).flatten(0, 1))
    return list(zip(*(level.chunk(2) for level in levels)))


def targets_of_detections(boxes: Tensor, pairs: PairedTargets, counts: Sequence[int]) -> PairedTargets:
    """All detections ``[B, Q, 4]`` of reference frames as targets; those matched with true boxes know where they went.

    Args:
        boxes: Detections in pixels, without gradient.
        pairs: The true targets.
        counts: How many of these each frame has.
    """
    search, present = boxes.clone(), torch.zeros(boxes.shape[:2], dtype=torch.bool, device=boxes.device)
    for index, count in enumerate(counts):
        overlaps = pair_ious(boxes[index].cpu().numpy(), pairs.reference[index, :count].cpu().numpy(), True)
        rows, columns = (torch.as_tensor(each, device=boxes.device) for each in match(1 - overlaps, 2.0))
        there = pairs.present[index, columns]
        present[index, rows] = there
        search[index, rows] = torch.where(there[:, None], pairs.search[index, columns], boxes[index, rows])
    return PairedTargets(boxes, search, present)


def fill_up(rows: Sequence[Tensor]) -> Tensor:
    """Stack ``[n, ...]`` of different n to ``[B, N, ...]``; boxes that fill up are one pixel large, flags are false."""
    most = max((len(row) for row in rows), default=0)
    filler = [0.0, 0.0, 1.0, 1.0] if rows[0].dim() == 2 else False
    full = [torch.cat([row, row.new_tensor(filler).expand(most - len(row), *row.shape[1:])]) for row in rows]
    return torch.stack(full)
