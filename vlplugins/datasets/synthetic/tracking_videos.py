"""Videos of striped patches with jumps, distractors and crossings, in the layouts of LaSOT and MOT17."""

import json
from pathlib import Path
from typing import List, NamedTuple, Tuple

import cv2
import numpy as np

from vlplugins.datasets.formats.mot_coco import mot_to_coco
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.synthetic.moving_patches import (
    Patch,
    add_jumps,
    fold,
    grey_ground,
    paint,
    striped_patch,
    wander,
)
from vlplugins.registry import TASK_UTILS

_FIGURE = (10, 22)


class _Walker(NamedTuple):
    """A figure and its left upper corner ``[T, 2]`` in each frame."""

    patch: Patch
    corners: np.ndarray


@TASK_UTILS.register_module()
class SyntheticTrackingVideos(SyntheticDataset):
    """Writes ``LaSOT/`` for tracking a single object and ``MOT17/`` for tracking several.

    **LaSOT**, classes ``blob`` and ``ring``: the target is a striped patch of 14 to 26 pixels that wanders and, every
    ``jump_every`` frames or so, jumps by ``jump`` of its size. A distractor of the same shape, of about the same size
    and in the opposite colours wanders as well, takes the place that the target left, and crosses it once, below or
    above it; of several distractors they take turns at that. For two frames something grey covers the target.
    Signal: the first frame shows colours and stripes of the target, nothing else tells it from a distractor; jumps
    defeat the last place as a guess, and what is there then is the distractor. Nothing leaks: the class says the shape
    alone, which distractors share; colours are drawn anew for each sequence, places independently of them, and a target
    is as often above a distractor as below. Frames whose target is covered, to 85 per cent or more, have the flag of
    full occlusion. ``distractor_<k>.txt`` beside ``groundtruth.txt`` holds the boxes of a distractor, for measuring how
    often a tracker confuses them. Chance: the success of the first box kept in all frames (about 19, see
    ``SOTMetric(with_frozen=True)``), and about half of the frames nearer to the target than to the distractor. A
    perfect tracker has a success of 95.2 times the share of visible frames (20 of 21 thresholds: no overlap is above
    1), about 86.

    **MOT17**: striped figures of 10 x 22 pixels that move by ``stride`` of their width a frame and turn round at the
    sides. All are in one lane; two walk to and fro, one leaves, one enters. They pass each other from one frame to the
    next, so that then the last box of one is where the other is now: boxes kept from the last frame swap them at each
    meeting, colours tell. ``det.txt`` holds the truth with noise of ``detection_noise`` pixels and score 0.9, but 1 in
    20 is missing, and now and then there is a false one with a score of 0.3 to 0.6. Nothing leaks: detections have no
    order and no identity.
    Chance: what the last boxes give with the same matching (IDF1 of about 34; detections with true identities have 95);
    perfect: MOTA, IDF1 and HOTA of 100 per cent where detections are the truth (``detection_noise=0, missed=0,
    false_alarms=0``).

    Layout: ``LaSOT/<class>/<class>-<number>/{img/%08d.jpg, groundtruth.txt, full_occlusion.txt, out_of_view.txt,
    nlp.txt, distractor_<k>.txt}``, ``LaSOT/{training,testing}_set.txt``; ``MOT17/{train,test}/<sequence>/`` with
    ``{img1/%06d.jpg, gt/gt.txt, det/det.txt, seqinfo.ini}`` (unlike the real one the test has its truth), and what
    ``tools/dataset_converters/mot_to_coco.py`` makes of it: ``MOT17/annotations/{train,test}_cocoformat.json``.

    Args:
        root: Folder of the set.
        num_train: Sequences of a single target for training.
        num_test: The same for tests.
        num_mot_train: Sequences of several targets for training.
        num_mot_test: The same for tests.
        num_frames: Frames of a sequence.
        image_size: Height and width of the frames.
        motion: Speed of targets and distractors in target sizes a frame.
        jump: Least and greatest jump in target sizes.
        jump_every: Frames between jumps; 0 is none.
        num_distractors: Distractors of each single target.
        detail: Contrast of the ground; 0 is plain grey.
        stride: Least and greatest speed of a figure in widths a frame.
        detection_noise: Deviation of public detections in pixels.
        missed: Share of figures without a public detection.
        false_alarms: False public detections a frame.
        seed: Seed of all random choices.

    Raises:
        ValueError: no sequence of a split, fewer than 12 frames, frames below 64 pixels, or a range that is none.
    """

    CLASSES = ('blob', 'ring')
    version = 2

    def __init__(
        self,
        root: str,
        num_train: int = 40,
        num_test: int = 8,
        num_mot_train: int = 8,
        num_mot_test: int = 3,
        num_frames: int = 24,
        image_size: int = 96,
        motion: float = 0.15,
        jump: Tuple[float, float] = (1.2, 2.0),
        jump_every: int = 8,
        num_distractors: int = 1,
        detail: float = 1.0,
        stride: Tuple[float, float] = (0.6, 0.9),
        detection_noise: float = 1.0,
        missed: float = 0.05,
        false_alarms: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        counts = (num_train, num_test, num_mot_train, num_mot_test)
        if min(counts) < 1 or num_frames < 12 or image_size < 64:
            raise ValueError(
                f'found {counts} sequences of {num_frames} frames of {image_size} pixels; expected 1 or more, of 12 '
                'frames or more, of 64 pixels or more'
            )
        if not (0 <= jump[0] <= jump[1] and 0 < stride[0] <= stride[1] and 0 <= missed < 1):
            raise ValueError(f'jump {jump}, stride {stride} must be ranges, missed {missed} a share')
        self.num_train, self.num_test, self.num_mot_train, self.num_mot_test = counts
        self.num_frames, self.image_size, self.motion = num_frames, image_size, motion
        self.jump, self.jump_every, self.num_distractors = tuple(jump), jump_every, num_distractors
        self.detail, self.stride = detail, tuple(stride)
        self.detection_noise, self.missed, self.false_alarms = detection_noise, missed, false_alarms

    def write(self, folder: Path) -> None:
        """Write both sets."""
        counts = dict(train=self.num_train, test=self.num_test)
        lasot = folder / 'LaSOT'
        for index, (split, count) in enumerate(counts.items()):
            rng = np.random.default_rng([self.seed, index])
            first = 1 + index * self.num_train
            names = [f'{self.CLASSES[number % 2]}-{number}' for number in range(first, first + count)]
            for name in names:
                self._write_single(lasot / name.split('-')[0] / name, name.split('-')[0], rng)
            (lasot / f'{split}ing_set.txt').write_text('\n'.join(names) + '\n', encoding='utf-8')
        (folder / 'MOT17' / 'annotations').mkdir(parents=True)
        for index, (split, count) in enumerate(dict(train=self.num_mot_train, test=self.num_mot_test).items()):
            rng = np.random.default_rng([self.seed, 2 + index])
            first = 1 + index * self.num_mot_train
            for number in range(first, first + count):
                self._write_several(folder / 'MOT17' / split / f'MOT17-{number:02d}-FRCNN', rng)
            content, _ = mot_to_coco(folder / 'MOT17' / split)
            path = folder / 'MOT17' / 'annotations' / f'{split}_cocoformat.json'
            path.write_text(json.dumps(content), encoding='utf-8')

    def _write_single(self, folder: Path, shape: str, rng: np.random.Generator) -> None:
        """One sequence in the layout of LaSOT."""
        size = rng.integers(14, 27, 2)
        hue = rng.uniform(0, 360)
        jumps = self._jump_frames(rng)
        target = _Walker(striped_patch(shape, tuple(size), hue, rng), self._target_path(size, jumps, rng))
        distractors = [
            self._distractor(target, jumps[number :: self.num_distractors], shape, size, hue, rng)
            for number in range(self.num_distractors)
        ]
        cover = Patch(grey_ground(tuple(size + 8), 1.5, rng), np.ones(size[::-1] + 8, dtype=bool))
        covered = int(rng.integers(self.num_frames // 3, self.num_frames - 3))
        is_above = rng.random(self.num_distractors) < 0.5
        below = [each for each, above in zip(distractors, is_above) if not above]
        order = [*below, target, *(each for each, above in zip(distractors, is_above) if above)]
        ground = grey_ground((self.image_size,) * 2, self.detail, rng)
        flags = []
        for frame in range(self.num_frames):
            layers = [(each.patch, each.corners[frame]) for each in order]
            if covered <= frame < covered + 2:
                layers.append((cover, target.corners[frame] - 4))
            picture, seen = paint(ground, layers)
            flags.append(int(seen[len(below)] <= 0.15))
            _write_picture(folder / 'img' / f'{frame + 1:08d}.jpg', picture, rng)
        _write_lines(folder / 'groundtruth.txt', _boxes(target))
        for number, each in enumerate(distractors, start=1):
            _write_lines(folder / f'distractor_{number}.txt', _boxes(each))
        _write_lines(folder / 'full_occlusion.txt', [flags])
        _write_lines(folder / 'out_of_view.txt', [[0] * self.num_frames])
        (folder / 'nlp.txt').write_text(f'striped {shape} on grey ground\n', encoding='utf-8')

    def _jump_frames(self, rng: np.random.Generator) -> List[int]:
        frames: List[int] = []
        while self.jump_every and (last := frames[-1] if frames else 0) + self.jump_every + 2 < self.num_frames:
            frames.append(last + self.jump_every + int(rng.integers(-2, 3)) * (self.jump_every > 3))
        return frames

    def _target_path(self, size: np.ndarray, jumps: List[int], rng: np.random.Generator) -> np.ndarray:
        low, high = np.zeros(2), self.image_size - size
        scale = float(np.sqrt(size.prod()))
        path = wander(rng.uniform(low, high), self.num_frames, self.motion * scale, low, high, rng)
        length = (self.jump[0] * scale, self.jump[1] * scale)
        return np.round(add_jumps(path, jumps, length, low, high, rng)).astype(int)

    def _distractor(
        self, target: _Walker, jumps: List[int], shape: str, size: np.ndarray, hue: float, rng: np.random.Generator
    ) -> _Walker:
        """A patch in the opposite colours that takes the target's place at jumps, and crosses it once between."""
        size = np.clip(size + rng.integers(-2, 3, 2), 14, 26)
        patch = striped_patch(shape, tuple(size), hue + 180 + rng.uniform(-40, 40), rng)
        scale, low, high = float(np.sqrt(size.prod())), np.zeros(2), self.image_size - size
        places = rng.uniform(low, high, (64, 2))
        # The first place that is clear of the target.
        begin = places[(np.linalg.norm(places - target.corners[0], axis=1) > 1.5 * scale).argmax()]
        edges, free = [0, *jumps, self.num_frames], np.full(2, 1e6)
        meets, parts = int(rng.integers(len(edges) - 1)), []
        for index, (first, end) in enumerate(zip(edges, edges[1:])):
            start = target.corners[first - 1] if index else begin
            walk = start + wander(np.zeros(2), end - first, self.motion * scale, -free, free, rng)
            if index == meets:
                middle = (end - first) // 2
                missed = target.corners[first + middle] - walk[middle]
                walk = walk + missed * (np.arange(end - first) / max(middle, 1))[:, None]
            parts.append(fold(walk, low, high))
        return _Walker(patch, np.round(np.concatenate(parts)).astype(int))

    def _write_several(self, folder: Path, rng: np.random.Generator) -> None:
        """One sequence in the layout of MOT17."""
        walkers = self._walkers(rng)
        ground = grey_ground((self.image_size,) * 2, self.detail, rng)
        truth: List[list] = []
        detections: List[list] = []
        for frame in range(self.num_frames):
            picture, seen = paint(ground, [(each.patch, each.corners[frame]) for each in walkers])
            _write_picture(folder / 'img1' / f'{frame + 1:06d}.jpg', picture, rng)
            boxes = [[*each.corners[frame], *_FIGURE] for each in walkers]
            present = [index for index, box in enumerate(boxes) if -_FIGURE[0] / 2 <= box[0] <= self.image_size - 5]
            truth += [[frame + 1, index + 1, *boxes[index], 1, 1, round(seen[index], 4)] for index in present]
            found = [boxes[index] for index in present if rng.random() >= self.missed]
            scored = [(np.add(box, rng.normal(0, self.detection_noise, 4)), 0.9) for box in found]
            for _ in range(rng.poisson(self.false_alarms)):
                corner = rng.uniform(0, np.subtract(self.image_size, _FIGURE))
                scored.append(([*corner, *_FIGURE], round(rng.uniform(0.3, 0.6), 2)))
            for index in rng.permutation(len(scored)):
                box, score = scored[index]
                detections.append([frame + 1, -1, *np.round(box, 2), score, -1, -1, -1])
        _write_lines(folder / 'gt' / 'gt.txt', sorted(truth, key=lambda row: (row[1], row[0])))
        _write_lines(folder / 'det' / 'det.txt', detections)
        values = dict(
            name=folder.name, imDir='img1', frameRate=30, seqLength=self.num_frames, imWidth=self.image_size,
            imHeight=self.image_size, imExt='.jpg',
        )  # fmt: skip
        lines = ['[Sequence]', *(f'{key}={value}' for key, value in values.items())]
        (folder / 'seqinfo.ini').write_text('\n'.join(lines) + '\n', encoding='utf-8')

    def _walkers(self, rng: np.random.Generator) -> List[_Walker]:
        """Two to and fro, one that leaves, one that enters; the order of painting is random."""
        width, height = _FIGURE
        side, frames = self.image_size, np.arange(self.num_frames)
        room, lane = side - width, rng.uniform(0, side - height)
        sign = rng.choice([-1, 1])
        speeds = width * rng.uniform(*self.stride, 4)
        starts = rng.uniform(0, room / 2, 2) + (0, room / 2)
        away = int(rng.integers(self.num_frames // 3, 2 * self.num_frames // 3))
        enters = int(rng.integers(2, self.num_frames // 2))
        # Where each would be without walls, and the frames in which it turns round at them.
        from_edge = speeds[2] * (away - frames) - width
        to_inside = speeds[3] * (frames - enters) - width
        lines = (
            (starts[0] + speeds[0] * frames, np.full(len(frames), True)),
            (starts[1] - speeds[1] * frames, np.full(len(frames), True)),
            (from_edge if sign > 0 else room - from_edge, frames < away - 2),
            (room - to_inside if rng.random() < 0.5 else to_inside, frames > enters + 3),
        )
        hues = rng.uniform(0, 360) + np.arange(4) * 90 + rng.uniform(-20, 20, 4)
        heights = lane + rng.uniform(-2, 2, 4)
        walkers = []
        for (x, turns), y, hue in zip(lines, heights, hues):
            x = np.where(turns, fold(x, 0, room), x)
            y = fold(y + np.cumsum(rng.normal(0, 0.4, len(frames))), 0, side - height)
            corners = np.round(np.stack([x, y], axis=1)).astype(int)
            walkers.append(_Walker(striped_patch('figure', _FIGURE, hue % 360, rng), corners))
        return [walkers[index] for index in rng.permutation(4)]


def _boxes(walker: _Walker) -> List[list]:
    height, width = walker.patch.mask.shape
    return [[*corner, width, height] for corner in walker.corners]


def _write_picture(path: Path, picture: np.ndarray, rng: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noisy = (picture + rng.normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8)
    cv2.imwrite(str(path), noisy, [cv2.IMWRITE_JPEG_QUALITY, 95])


def _write_lines(path: Path, rows: List[list]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(','.join(f'{value:g}' for value in row) + '\n' for row in rows), encoding='utf-8')
