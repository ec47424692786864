"""Striped patches that move over grey ground: how they look, how they move, and how much of each is seen."""

from typing import List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np


class Patch(NamedTuple):
    """A striped patch: colours ``[h, w, 3]`` (BGR, 0..255) and the pixels that are its own, booleans ``[h, w]``."""

    image: np.ndarray
    mask: np.ndarray


def striped_patch(shape: str, size: Tuple[int, int], hue: float, rng: np.random.Generator) -> Patch:
    """A patch that touches all sides of its box.

    Args:
        shape: ``'blob'`` (an ellipse), ``'ring'`` (an ellipse with a hole) or ``'figure'`` (a rectangle).
        size: Width and height in pixels.
        hue: Main colour in degrees; stripes in a darker neighbour of it, at a random angle.
        rng: Source of random numbers.
    """
    width, height = size
    y, x = np.mgrid[0:height, 0:width] + 0.5
    radius = np.hypot(2 * x / width - 1, 2 * y / height - 1)
    mask = dict(blob=radius <= 1, ring=(radius <= 1) & (radius >= 0.45), figure=radius >= 0)[shape]
    hues = np.array([hue, hue + rng.uniform(20, 50)]) % 360 / 2
    hsv = np.stack([hues, rng.uniform(190, 255, 2), (rng.uniform(210, 255), rng.uniform(110, 160))], axis=1)
    colours = cv2.cvtColor(hsv[None].astype(np.uint8), cv2.COLOR_HSV2BGR)[0].astype(np.float64)
    angle, period = rng.uniform(0, np.pi), max(4.0, min(size) / 3)
    along = x * np.cos(angle) + y * np.sin(angle) + rng.uniform(0, period)
    return Patch(colours[(along % period < period / 2).astype(int)], mask)


def grey_ground(size: Tuple[int, int], detail: float, rng: np.random.Generator) -> np.ndarray:
    """Soft grey noise ``[h, w, 3]``; ``detail`` scales its contrast, 0 is plain grey."""
    width, height = size
    soft = cv2.resize(rng.normal(0, 18, (max(2, height // 8), max(2, width // 8))), size, interpolation=cv2.INTER_CUBIC)
    return np.repeat((128 + detail * (soft + rng.normal(0, 5, (height, width))))[..., None], 3, axis=2)


def paint(ground: np.ndarray, patches: Sequence[Tuple[Patch, np.ndarray]]) -> Tuple[np.ndarray, List[float]]:
    """Lay patches over the ground, later ones on top.

    Args:
        ground: ``[H, W, 3]``.
        patches: Each with its left and top pixel; it may lie outside.

    Returns:
        The picture, and the share of each patch that is seen.
    """
    picture, owner = ground.copy(), np.full(ground.shape[:2], -1)
    for index, (patch, (left, top)) in enumerate(patches):
        height, width = patch.mask.shape
        low_x, low_y = max(0, left), max(0, top)
        high_x, high_y = min(ground.shape[1], left + width), min(ground.shape[0], top + height)
        if low_x >= high_x or low_y >= high_y:
            continue
        inside = np.s_[low_y - top : high_y - top, low_x - left : high_x - left]
        mask = patch.mask[inside]
        picture[low_y:high_y, low_x:high_x][mask] = patch.image[inside][mask]
        owner[low_y:high_y, low_x:high_x][mask] = index
    return picture, [(owner == index).sum() / patch.mask.sum() for index, (patch, _) in enumerate(patches)]


def fold(position: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Positions ``[..., 2]`` reflected at the walls ``low`` and ``high`` until they lie between."""
    room = np.maximum(high - low, 1e-6)
    return low + room - np.abs((position - low) % (2 * room) - room)


def wander(
    start: np.ndarray, num_frames: int, speed: float, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A smooth random walk ``[T, 2]`` between walls; ``speed`` in pixels a frame, on average."""
    velocity = rng.normal(0, speed / np.sqrt(2), 2)
    steps = [np.zeros(2)]
    for noise in rng.normal(0, speed / np.sqrt(2), (num_frames - 1, 2)):
        velocity = 0.8 * velocity + 0.6 * noise
        steps.append(velocity)
    return fold(start + np.cumsum(steps, axis=0), low, high)


def add_jumps(
    path: np.ndarray, frames: Sequence[int], length: Tuple[float, float], low: np.ndarray, high: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Displace a path from each of the frames on, by so many pixels as lie in ``length``, to a place between walls.

    Where no direction of 64 keeps a jump between the walls, that which is folded the least is taken.
    """
    path = path.copy()
    for frame in frames:
        angles, size = rng.uniform(0, 2 * np.pi, 64), rng.uniform(*length)
        ends = path[frame] + size * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        outside = np.abs(ends - ends.clip(low, high)).sum(axis=1)
        jump = ends[int(outside.argmin())] - path[frame]
        path[frame:] = fold(path[frame:] + jump, low, high)
    return path
