"""Coloured shapes on noise, in the layout of COCO: a detection set that a small network learns in a minute."""

import json
from pathlib import Path
from typing import List, Tuple

import cv2
import numpy as np

from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.registry import TASK_UTILS

Box = Tuple[int, int, int]  # left, top, side, in pixels


@TASK_UTILS.register_module()
class SyntheticCocoShapes(SyntheticDataset):
    """Writes JPEG images of circles, squares and triangles, with boxes and outlines in COCO's JSON.

    Signal: the class is the shape. Nothing else tells it: colour, place, number and size are drawn independently of
    the class, the box of every shape is a square, and triangles point up or down. Backgrounds are grey noise.
    Chance: mAP@0.5 is near 0 for random boxes; with the true boxes and guessed classes a third of the detections is
    right. A perfect model scores 1.0: shapes lie inside the image, and their boxes do not overlap.

    Layout: ``annotations/instances_{train,val}2017.json``, ``{train,val}2017/{image_id:012d}.jpg``. Category ids are
    1 to 3 in the order of :attr:`CLASSES`. Load it with ``mmdet.CocoDataset`` and ``metainfo=dict(classes=CLASSES)``.

    Args:
        root: Folder of the set.
        num_train: Training images.
        num_val: Validation images.
        image_size: Height and width of the images in pixels.
        max_objects: Most objects in an image; each has at least one.
        seed: Seed of all random choices.
    """

    CLASSES = ('circle', 'square', 'triangle')

    def __init__(
        self,
        root: str,
        num_train: int = 64,
        num_val: int = 16,
        image_size: Tuple[int, int] = (96, 96),
        max_objects: int = 3,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        if num_train < 1 or num_val < 1 or max_objects < 1:
            raise ValueError(f'found {num_train} + {num_val} images of up to {max_objects} objects; expected 1 or more')
        if min(image_size) < 48:
            raise ValueError(f'image_size {tuple(image_size)} must be at least 48 in both directions')
        self.num_train, self.num_val, self.max_objects = num_train, num_val, max_objects
        self.image_size = tuple(image_size)

    def write(self, folder: Path) -> None:
        """Write images and annotation files."""
        (folder / 'annotations').mkdir()
        counts = (('train', self.num_train, 1), ('val', self.num_val, 1 + self.num_train))
        for index, (split, count, first_id) in enumerate(counts):
            generator = np.random.default_rng([self.seed, index])
            (folder / f'{split}2017').mkdir()
            content = self._split(folder / f'{split}2017', range(first_id, first_id + count), generator)
            path = folder / 'annotations' / f'instances_{split}2017.json'
            path.write_text(json.dumps(content), encoding='utf-8')

    def _split(self, folder: Path, image_ids: range, generator: np.random.Generator) -> dict:
        images: List[dict] = []
        annotations: List[dict] = []
        height, width = self.image_size
        for image_id in image_ids:
            image, objects = self._image(generator)
            name = f'{image_id:012d}.jpg'
            cv2.imwrite(str(folder / name), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
            images.append(dict(id=image_id, file_name=name, height=height, width=width, license=1))
            for record in objects:
                # Ids start at 1: pycocotools takes an annotation 0 for "no match".
                annotations.append(dict(record, id=len(annotations) + 1, image_id=image_id, iscrowd=0))
        categories = [
            dict(id=index, name=name, supercategory='shape') for index, name in enumerate(self.CLASSES, start=1)
        ]
        return dict(
            info=dict(description='synthetic shapes', version='1.0', year=2017),
            licenses=[dict(id=1, name='CC0', url='')],
            images=images,
            annotations=annotations,
            categories=categories,
        )

    def _image(self, generator: np.random.Generator) -> Tuple[np.ndarray, List[dict]]:
        """One image, uint8 BGR ``[H, W, 3]``, and its annotations without ids."""
        height, width = self.image_size
        noise = generator.integers(90, 140, (height, width, 1))
        image = np.ascontiguousarray(np.broadcast_to(noise, (height, width, 3)), dtype=np.uint8)
        records = []
        for left, top, side in self._boxes(generator):
            category = int(generator.integers(len(self.CLASSES)))
            outline = _outline(self.CLASSES[category], generator.random() < 0.5) * side + (left, top)
            cv2.fillPoly(image, [np.round(outline).astype(np.int32)], _colour(generator))
            records.append(
                dict(
                    category_id=category + 1,
                    bbox=[left, top, side, side],
                    area=_area(outline),
                    segmentation=[np.round(outline, 2).ravel().tolist()],
                )
            )
        return image, records

    def _boxes(self, generator: np.random.Generator) -> List[Box]:
        """Squares inside the image that do not touch; fewer than drawn where no room is left, never none."""
        height, width = self.image_size
        longest = min(height, width) // 2
        boxes: List[Box] = []
        for _ in range(int(generator.integers(1, self.max_objects + 1))):
            for _ in range(20):
                side = int(generator.integers(16, longest + 1))
                left, top = int(generator.integers(1, width - side)), int(generator.integers(1, height - side))
                if all(_apart((left, top, side), other) for other in boxes):
                    boxes.append((left, top, side))
                    break
        return boxes


def _apart(one: Box, other: Box, gap: int = 2) -> bool:
    return any(
        first[axis] + first[2] + gap <= second[axis]
        for first, second in ((one, other), (other, one))
        for axis in (0, 1)
    )


def _outline(shape: str, flipped: bool) -> np.ndarray:
    """Outline in the unit square, ``[points, 2]``, which it touches on all four sides."""
    if shape == 'square':
        return np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float)
    if shape == 'triangle':
        points = np.array([[0, 1], [1, 1], [0.5, 0]], dtype=float)
        return points * (1, -1) + (0, 1) if flipped else points
    angles = np.arange(24) * np.pi / 12
    return 0.5 + 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _area(outline: np.ndarray) -> float:
    """Area of a polygon (shoelace formula)."""
    x, y = outline.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _colour(generator: np.random.Generator) -> Tuple[int, int, int]:
    """A saturated colour: no channel is near to the grey of the background."""
    values = np.where(generator.random(3) < 0.5, generator.integers(0, 50, 3), generator.integers(190, 256, 3))
    return tuple(int(value) for value in values)
