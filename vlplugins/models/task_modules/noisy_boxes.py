"""Boxes as a tracker that is a little wrong would give them."""

from typing import Optional, Sequence, Tuple

import torch
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

from vlplugins.registry import TASK_UTILS


@TASK_UTILS.register_module()
class NoisyBoxGenerator:
    """Moves and scales true boxes by normal noise, so that some overlap is left (UTT, Fan et al., CVPR 2022, app. B).

    Of a box one of the ``sigmas`` is drawn; centre, width and height get noise of that share of the root of its area,
    and are rounded to pixels. A side of 1 pixel or less becomes a share of the true side, drawn evenly from
    ``small_sides``. A box that overlaps the true one by ``min_iou`` or less is drawn anew with 0.9 times the sigma;
    after ``max_tries`` draws the true box stands. All draws of all boxes are made at once, and the first that fits is
    taken.

    Args:
        sigmas: Shares, drawn alike.
        min_iou: Overlap that is exceeded; 0.1 in the paper, 0.05 in the released code.
        max_tries: Draws of a box at most.
        small_sides: Bounds of the share of the true side that a vanished side gets.

    Raises:
        ValueError: no sigma, one of 0 or less, or ``min_iou`` outside [0, 1).
    """

    def __init__(
        self,
        sigmas: Sequence[float] = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5),
        min_iou: float = 0.1,
        max_tries: int = 100,
        small_sides: Tuple[float, float] = (0.15, 0.5),
    ) -> None:
        if not sigmas or min(sigmas) <= 0:
            raise ValueError(f'sigmas {tuple(sigmas)} must be above 0')
        if not 0 <= min_iou < 1:
            raise ValueError(f'min_iou {min_iou} must be in [0, 1)')
        self.sigmas, self.min_iou = tuple(sigmas), min_iou
        self.max_tries, self.small_sides = max_tries, tuple(small_sides)

    def __call__(self, boxes: Tensor, generator: Optional[torch.Generator] = None) -> Tensor:
        """Noisy boxes ``[N, 4]`` of boxes ``[N, 4]``, xyxy in pixels, without gradient.

        Args:
            boxes: With sides above 0.
            generator: Source of random numbers on the device of the boxes.
        """
        boxes = boxes.detach()
        choice = torch.randint(len(self.sigmas), (len(boxes),), generator=generator, device=boxes.device)
        shrink = 0.9 ** torch.arange(self.max_tries, dtype=boxes.dtype, device=boxes.device)
        drawn = self._draw(boxes, shrink[:, None] * boxes.new_tensor(self.sigmas)[choice], generator)
        fits = bbox_overlaps(drawn, boxes.expand_as(drawn), is_aligned=True) > self.min_iou
        first = fits.int().argmax(dim=0)
        found = drawn[first, torch.arange(len(boxes), device=boxes.device)]
        return torch.where(fits.any(dim=0)[:, None], found, boxes)

    def _draw(self, boxes: Tensor, sigma: Tensor, generator: Optional[torch.Generator]) -> Tensor:
        """Boxes ``[tries, N, 4]`` with noise of ``sigma [tries, N]``."""
        options = dict(generator=generator, device=boxes.device, dtype=boxes.dtype)
        sides = boxes[:, 2:] - boxes[:, :2]
        noise = (sides.prod(dim=1).sqrt() * sigma)[..., None] * torch.randn(*sigma.shape, 4, **options)
        centre = ((boxes[:, :2] + boxes[:, 2:]) / 2 + noise[..., :2]).round()
        drawn = (sides + noise[..., 2:]).round()
        low, high = self.small_sides
        share = low + (high - low) * torch.rand(drawn.shape, **options)
        drawn = torch.where(drawn > 1, drawn, share * sides)
        return torch.cat([centre - drawn / 2, centre + drawn / 2], dim=-1)
