"""Small sets for tracking, written by hand."""

from pathlib import Path

import cv2
import numpy as np


def write_images(folder: Path, pattern: str, first: int, count: int, size=(60, 40)) -> None:
    """Images (width, height) of which each has its own grey."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        image = np.full((size[1], size[0], 3), 10 * index, np.uint8)
        cv2.imwrite(str(folder / (pattern % (first + index))), image)


def write_lines(path: Path, rows) -> Path:
    """Rows of numbers by commas."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(','.join(map(str, row)) + '\n' for row in rows))
    return path


def straight_boxes(count: int) -> list:
    """A box that moves by 2 pixels to the right."""
    return [[5 + 2 * index, 10, 12, 8] for index in range(count)]


def write_lasot(root: Path, name: str = 'cat-1', count: int = 6, boxes=None, occluded=(), outside=()) -> Path:
    """A sequence of LaSOT; returns its folder."""
    folder = root / name.rsplit('-', 1)[0] / name
    write_images(folder / 'img', '%08d.jpg', 1, count)
    write_lines(folder / 'groundtruth.txt', straight_boxes(count) if boxes is None else boxes)
    for flag, frames in (('full_occlusion', occluded), ('out_of_view', outside)):
        write_lines(folder / f'{flag}.txt', [[int(index in frames) for index in range(count)]])
    return folder
