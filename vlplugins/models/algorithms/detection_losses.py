"""What a tracker trains its detector with, and logs of it."""

from typing import Any, Dict, Sequence, Tuple

import torch
from torch import Tensor

# Of a query that stands for an object; a score is a sigmoid, so that this is the logit 0.
OBJECT_SCORE = 0.5


def detection_losses(
    head: Any, outputs: Tuple[Tensor, Tensor], detected: Dict[str, Any], frames: Sequence[Any]
) -> Dict[str, Tensor]:
    """Losses of the detections in frames, and their :func:`detection_errors`; all names begin with ``det_``.

    Args:
        head: As mmdet's ``DeformableDETRHead``.
        outputs: What it gives: scores (logits) ``[layers, B, Q, classes]``, and boxes ``[layers, B, Q, 4]``.
        detected: What it takes.
        frames: B samples with ``gt_instances``.
    """
    truth, metas = [frame.gt_instances for frame in frames], [frame.metainfo for frame in frames]
    encoded = (detected.get('enc_outputs_class'), detected.get('enc_outputs_coord'))
    found = head.loss_by_feat(*outputs, *encoded, truth, metas)
    found.update(detection_errors(head, *(each[-1].detach() for each in outputs), frames))
    return {f'det_{name}': value for name, value in found.items()}


@torch.no_grad()
def detection_errors(head: Any, scores: Tensor, boxes: Tensor, frames: Sequence[Any]) -> Dict[str, Tensor]:
    """How wrong detections are in numbers that a person reads; nothing is trained by them.

    ``cardinality_error``: the mean over frames of how many queries with a score above 0.5 there are too many or too
    few. With several classes also ``class_error``: how many per cent of the queries that are matched with an object
    have another class as their best. With one class it would be 0, and matching costs time.

    Args:
        head: As mmdet's ``DeformableDETRHead``.
        scores: Of the last layer, logits ``[B, Q, classes]``.
        boxes: ``[B, Q, 4]`` as (centre, size), 0..1 of the frame.
        frames: B samples with ``gt_instances``.
    """
    truth, metas = [frame.gt_instances for frame in frames], [frame.metainfo for frame in frames]
    best, kind = scores.sigmoid().max(dim=-1)
    counts = torch.tensor([len(each) for each in truth]).to(scores.device, non_blocking=True)
    errors = dict(cardinality_error=((best > OBJECT_SCORE).sum(dim=1) - counts).abs().float().mean())
    if scores.size(-1) > 1:
        labels = torch.stack(head.get_targets(list(scores), list(boxes), truth, metas)[0])
        matched = labels < scores.size(-1)
        wrong = matched & (kind != labels)
        errors['class_error'] = 100 * wrong.sum() / matched.sum().clamp(min=1)
    return errors
