"""Striped shapes in sun, dusk and night, in the layout of Pascal VOC: detection that must carry over to rain."""

from pathlib import Path
from typing import Dict, List, Tuple

import cv2
import numpy as np

from vlplugins.datasets.formats.voc_files import write_voc_xml
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.synthetic.coco_shapes import _apart
from vlplugins.registry import TASK_UTILS

Box = Tuple[int, int, int]  # left, top, side, in pixels
# Blue, green, red of the ground and of the light; streaks of rain in 1000 pixels.
_WEATHER: Dict[str, Tuple[Tuple[int, int, int], Tuple[float, float, float], float]] = {
    'daytime_sunny': ((150, 150, 145), (1.0, 1.0, 1.0), 0.0),
    'dusk_rainy': ((130, 140, 150), (0.65, 0.8, 1.0), 2.0),
    'night_rainy': ((130, 125, 120), (0.7, 0.5, 0.4), 5.0),
}
_COLOURS = dict(bus=(60, 70, 225), car=(70, 205, 70), truck=(225, 90, 60))
_DULL = (80, 140, 160)


@TASK_UTILS.register_module()
class SyntheticWeatherVOC(SyntheticDataset):
    """Writes three folders ``daytime_sunny``, ``dusk_rainy``, ``night_rainy`` as the weather sets of VDD are.

    Signal: the class of an object is its shape and the direction of its stripes, in every domain: a bus is a circle
    with horizontal stripes, a car a square with vertical ones, a truck a triangle with slanted ones. Domain: colour of
    the light, brightness, slanted streaks of rain, which are dense at night. In the sun the colour gives the class
    away, too, right ``colour_cue`` of the time; in the rain all objects have one dull colour that never occurs in the
    sun. So colour is a strong cue that a domain classifier sees, and a detector that leans on it fails in the rain; and
    streaks are edges that a domain classifier sees. Place, size and number of objects tell nothing, and every box is a
    square. Targets have labels for tests and upper bounds.

    Chance: AP50 below 0.05 (random boxes); with the true boxes and guessed classes a third is right. A perfect model
    scores 1.0 (0.9091 with the recall of the release): objects lie inside the image and do not overlap.

    Layout of each folder: ``JPEGImages/ID.jpg``, ``Annotations/ID.xml``, ``ImageSets/Main/{train,test}.txt``.

    Args:
        root: Folder of the set.
        num_source: Training images of the sunny domain.
        num_target: Training images of each rainy domain.
        num_test: Test images of each domain.
        image_size: Height and width in pixels.
        max_objects: Most objects in an image; each has at least one.
        colour_cue: Share of the sunny objects that have the colour of their class.
        seed: Seed of all random choices.
    """

    CLASSES = ('bus', 'car', 'truck')
    DOMAINS = tuple(_WEATHER)
    version = 4

    def __init__(
        self,
        root: str,
        num_source: int = 240,
        num_target: int = 240,
        num_test: int = 80,
        image_size: Tuple[int, int] = (64, 96),
        max_objects: int = 2,
        colour_cue: float = 0.9,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        if min(num_source, num_target, num_test, max_objects) < 1 or min(image_size) < 64:
            raise ValueError(
                f'found {num_source}, {num_target} and {num_test} images {tuple(image_size)} of up to {max_objects} '
                'objects; expected 1 or more, of 64 pixels or more'
            )
        if not 0 <= colour_cue <= 1:
            raise ValueError(f'colour_cue {colour_cue} must be from 0 to 1')
        self.num_source, self.num_target, self.num_test = num_source, num_target, num_test
        self.image_size, self.max_objects, self.colour_cue = tuple(image_size), max_objects, colour_cue

    def write(self, folder: Path) -> None:
        """Write the folders of the domains."""
        for index, domain in enumerate(self.DOMAINS):
            root = folder / domain
            for part in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
                (root / part).mkdir(parents=True)
            count = self.num_target if index else self.num_source
            for split, (name, size) in enumerate((('train', count), ('test', self.num_test))):
                generator = np.random.default_rng([self.seed, index, split])
                ids = [f'{domain}_{name}_{number:04d}' for number in range(size)]
                for image_id in ids:
                    self._write_image(root, image_id, domain, generator)
                (root / 'ImageSets/Main' / f'{name}.txt').write_text('\n'.join(ids) + '\n', encoding='utf-8')

    def _write_image(self, root: Path, image_id: str, domain: str, generator: np.random.Generator) -> None:
        height, width = self.image_size
        ground, light, rain = _WEATHER[domain]
        noise = generator.normal(0, 14, (height // 8, width // 8, 3)) + generator.normal(0, 10, 3)
        image = np.array(ground) + cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        objects = []
        for box in self._boxes(generator):
            category = self.CLASSES[int(generator.integers(len(self.CLASSES)))]
            self._draw(image, category, box, self._colour(domain, category, generator), generator)
            left, top, side = box
            objects.append((category, (left + 1, top + 1, left + side, top + side)))
        image = np.ascontiguousarray(image.clip(0, 255).astype(np.uint8))
        for _ in range(int(rain * height * width / 1000 * generator.uniform(0.75, 1.25))):
            x, y = int(generator.integers(width)), int(generator.integers(height))
            length = int(generator.integers(4, 10))
            cv2.line(image, (x, y), (x + length // 2, y - length), (185, 180, 175), 1, cv2.LINE_AA)
        # The light falls on ground, objects and rain alike; the noise is that of the camera.
        lit = image * np.array(light) * generator.uniform(0.85, 1.1) + generator.normal(0, 6, image.shape)
        image = lit.clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(root / 'JPEGImages' / f'{image_id}.jpg'), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        write_voc_xml(root / 'Annotations' / f'{image_id}.xml', f'{image_id}.jpg', self.image_size, objects)

    def _colour(self, domain: str, category: str, generator: np.random.Generator) -> Tuple[int, int, int]:
        if domain != 'daytime_sunny':
            return _DULL
        if generator.random() < self.colour_cue:
            return _COLOURS[category]
        others = [name for name in self.CLASSES if name != category]
        return _COLOURS[others[int(generator.integers(len(others)))]]

    @staticmethod
    def _draw(
        image: np.ndarray, category: str, box: Box, colour: Tuple[int, int, int], generator: np.random.Generator
    ) -> None:
        """Draw a shape with stripes of two tones into a float image ``[H, W, 3]``."""
        left, top, side = box
        y, x = np.mgrid[0:side, 0:side] + 0.5
        distance, along = dict(
            bus=(np.hypot(x - side / 2, y - side / 2) - side / 2, y),
            car=(np.full((side, side), -1.0), x),
            truck=(2 * np.abs(x - side / 2) - y, (x + y) / np.sqrt(2)),
        )[category]
        period = side / 4
        bright = ((along + generator.uniform(0, period)) % period) < period / 2
        tones = np.where(bright[..., None], np.array(colour), 0.6 * np.array(colour))
        region = image[top : top + side, left : left + side]
        region[distance <= 0] = tones[distance <= 0]

    def _boxes(self, generator: np.random.Generator) -> List[Box]:
        """Squares inside the image that do not touch; fewer than drawn where no room is left, never none."""
        height, width = self.image_size
        boxes: List[Box] = []
        for _ in range(int(generator.integers(1, self.max_objects + 1))):
            for _ in range(20):
                side = int(generator.integers(24, min(height, width) // 2))
                left, top = int(generator.integers(0, width - side)), int(generator.integers(0, height - side))
                if all(_apart((left, top, side), other) for other in boxes):
                    boxes.append((left, top, side))
                    break
        return boxes
