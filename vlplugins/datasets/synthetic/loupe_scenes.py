"""Rectangles on a noisy ground with captions that name them, in the formats of all sets that LOUPE is judged on."""

import io
import json
import pickle
import tarfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from vlplugins.datasets.formats.voc_files import write_voc_xml
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.registry import TASK_UTILS

# Blue, green, red.
_COLOURS = dict(
    red=(40, 40, 215),
    green=(50, 185, 50),
    blue=(215, 80, 40),
    yellow=(40, 210, 225),
    purple=(190, 40, 160),
    white=(245, 245, 245),
)
_TEXTURES = ('plain', 'striped')
_FRAMES = ('{} above the grass', 'there is {}', '{} on the floor of a room', 'someone put {} here')
_ARTICLES = ('a', 'one')
_PATCH, _GRID, _STRIPE = 16, 6, 4
_SIZE = _PATCH * _GRID
_SPLITS = ('val', 'testA', 'testB')


class SceneObject(NamedTuple):
    """A rectangle: its kind (an index of ``CLASSES``) and its box ``xyxy`` in pixels."""

    kind: int
    box: Tuple[int, int, int, int]


@TASK_UTILS.register_module()
class SyntheticLoupeScenes(SyntheticDataset):
    """Writes images of 96 x 96 pixels with two or three filled rectangles of 12 kinds: 6 colours, plain or striped.

    Signal: a phrase of a caption, "a red striped block", goes with a colour and a texture whose support is a rectangle
    of 2 to 4 patches of 16 pixels a side (shifted by up to ``jitter`` pixels from the grid of patches). Half of a
    rectangle has less of it, a larger box dilutes it. Nothing but this tells how large a rectangle is: the training
    files have no box, kinds are drawn independently of places and sizes, and the kinds of an image differ, so that a
    phrase names one of them. What a caption says beside its objects ("above the grass") tells nothing.

    Chance: retrieval R@1 0.5 % (200 images); grounding accuracy at an IoU of 0.5 below 8 % for a random box of 2 to 4
    patches a side; AP near 0. A perfect model scores 100 % in both: no two test images have the same kinds, and boxes
    of patches reach an IoU of 0.6 or more with what is shifted by 4 pixels.

    Layout::

        vocab.txt                                    word pieces of the captions and expressions
        pairs/train.jsonl, pairs/00000.tar, ...      manifest; images in archives of 500
        karpathy/dataset_scenes.json, images/        5 captions an image
        coco/annotations/instances_val2017.json, coco/annotations/captions_val2017.json     over images/
        VOCdevkit/VOC2007/                           the same images as JPEG, and XML
        refcoco/instances.json, refcoco/refs(unc).p  an expression or two for each object; splits val, testA, testB

    Args:
        root: Folder of the set.
        num_train: Pairs to train on.
        num_test: Test images, at most 286: so many different sets of two or three kinds there are.
        jitter: Greatest shift from the grid of patches, in pixels, 0..4.
        seed: Seed of all random choices.
    """

    CLASSES = tuple(f'{colour} {texture} block' for colour in _COLOURS for texture in _TEXTURES)

    def __init__(self, root: str, num_train: int = 1200, num_test: int = 200, jitter: int = 4, seed: int = 0) -> None:
        super().__init__(root, seed)
        if num_train < 1 or not 3 <= num_test <= 286 or not 0 <= jitter <= 4:
            raise ValueError(
                f'found num_train {num_train}, num_test {num_test} and jitter {jitter}; expected 1 or more, 3..286 and '
                '0..4'
            )
        self.num_train, self.num_test, self.jitter = num_train, num_test, jitter

    def write(self, folder: Path) -> None:
        """Write all parts."""
        words = {'block', *_COLOURS, *_TEXTURES, *_ARTICLES, 'and', 'the', 'an', 'image', 'of'}
        words |= {word for frame in _FRAMES for word in frame.format('').split()}
        (folder / 'vocab.txt').write_text(
            '\n'.join(['[PAD]', '[UNK]', '[CLS]', '[SEP]', *sorted(words)]) + '\n', encoding='utf-8'
        )
        (folder / 'pairs').mkdir()
        self._write_pairs(folder / 'pairs', np.random.default_rng([self.seed, 0]))
        self._write_test(folder, np.random.default_rng([self.seed, 1]))

    def _write_pairs(self, folder: Path, generator: np.random.Generator) -> None:
        lines = []
        for first in range(0, self.num_train, 500):
            name = f'{first // 500:05d}.tar'
            with tarfile.open(folder / name, 'w') as archive:
                for number in range(first, min(first + 500, self.num_train)):
                    kinds = generator.permutation(len(self.CLASSES))[: generator.integers(2, 4)]
                    objects = self._place(kinds, generator)
                    data = cv2.imencode('.png', draw(objects, generator), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
                    member = tarfile.TarInfo(f'{number:09d}.png')
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
                    caption, phrases = self.caption(objects, generator)
                    lines.append(json.dumps(dict(image=f'{name}/{member.name}', caption=caption, phrases=phrases)))
        (folder / 'train.jsonl').write_text('\n'.join(lines) + '\n', encoding='utf-8')

    def _write_test(self, folder: Path, generator: np.random.Generator) -> None:
        voc = folder / 'VOCdevkit/VOC2007'
        parts = ('images', 'karpathy', 'coco/annotations', 'refcoco')
        for part in (
            *[folder / each for each in parts],
            voc / 'JPEGImages',
            voc / 'Annotations',
            voc / 'ImageSets/Main',
        ):
            part.mkdir(parents=True)
        scenes = [self._place(kinds, generator) for kinds in self._distinct_kinds(generator)]
        for number, objects in enumerate(scenes, 1):
            image, stem = draw(objects, generator), f'{number:012d}'
            cv2.imwrite(str(folder / 'images' / f'{stem}.png'), image)
            cv2.imwrite(str(voc / 'JPEGImages' / f'{stem}.jpg'), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
            # Counted from 1, the last pixel included.
            corners = [(self.CLASSES[each.kind], (each.box[0] + 1, each.box[1] + 1, *each.box[2:])) for each in objects]
            write_voc_xml(voc / 'Annotations' / f'{stem}.xml', f'{stem}.jpg', (_SIZE, _SIZE), corners)
        names = [f'{number:012d}' for number in range(1, 1 + len(scenes))]
        (voc / 'ImageSets/Main/test.txt').write_text('\n'.join(names) + '\n', encoding='utf-8')
        captions = [[self.caption(objects, generator)[0] for _ in range(5)] for objects in scenes]
        content = {
            'karpathy/dataset_scenes.json': _karpathy(captions),
            'coco/annotations/instances_val2017.json': self._instances(scenes),
            'coco/annotations/captions_val2017.json': _coco_captions(captions),
            'refcoco/instances.json': self._instances(scenes),
        }
        for name, part in content.items():
            (folder / name).write_text(json.dumps(part), encoding='utf-8')
        refs = list(self._refs(scenes, generator))
        (folder / 'refcoco/refs(unc).p').write_bytes(pickle.dumps(refs, protocol=2))

    def _distinct_kinds(self, generator: np.random.Generator) -> List[np.ndarray]:
        """Sets of kinds of the test images, all different."""
        found: Dict[Tuple[int, ...], np.ndarray] = {}
        pairs = 66
        while len(found) < self.num_test:
            room = pairs - sum(len(key) == 2 for key in found)
            count = 2 if room and generator.random() < 0.3 else 3
            kinds = generator.permutation(len(self.CLASSES))[:count]
            found.setdefault(tuple(sorted(kinds.tolist())), kinds)
        return list(found.values())

    def _place(self, kinds: Sequence[int], generator: np.random.Generator) -> List[SceneObject]:
        """Rectangles inside the image that do not overlap."""
        while True:
            taken = np.zeros((_GRID, _GRID), dtype=bool)
            cells = [self._take(taken, generator) for _ in kinds]
            if all(cells):
                break
        boxes: List[Tuple[int, int, int, int]] = []
        for index, cell in enumerate(cells):
            others = boxes + [tuple(_PATCH * side for side in each) for each in cells[index + 1 :]]
            boxes.append(self._shifted(tuple(_PATCH * side for side in cell), others, generator))
        return [SceneObject(int(kind), box) for kind, box in zip(kinds, boxes)]

    @staticmethod
    def _take(taken: np.ndarray, generator: np.random.Generator) -> Optional[Tuple[int, int, int, int]]:
        """A free rectangle of 2 to 4 cells a side, which is taken from then on; ``None`` where there is no room."""
        width, height = (int(side) for side in generator.integers(2, 5, 2))
        free = ~np.lib.stride_tricks.sliding_window_view(taken, (height, width)).any(axis=(2, 3))
        if not free.any():
            return None
        corners = np.argwhere(free)
        y, x = (int(side) for side in corners[generator.integers(len(corners))])
        taken[y : y + height, x : x + width] = True
        return x, y, x + width, y + height

    def _shifted(self, box: Tuple, others: Sequence[Tuple], generator: np.random.Generator) -> Tuple:
        """The box moved by up to ``jitter`` pixels, inside the image and apart from the others."""
        for dx, dy in generator.integers(-self.jitter, self.jitter + 1, (10, 2)):
            x = int(np.clip(box[0] + dx, 0, _SIZE - box[2] + box[0]))
            y = int(np.clip(box[1] + dy, 0, _SIZE - box[3] + box[1]))
            moved = (x, y, x + box[2] - box[0], y + box[3] - box[1])
            if all(_apart(moved, other) for other in others):
                return moved
        return box

    def caption(
        self, objects: Sequence[SceneObject], generator: np.random.Generator
    ) -> Tuple[str, List[Tuple[int, int]]]:
        """A caption that names objects in random order, and the characters of each phrase."""
        names = [self.CLASSES[objects[index].kind] for index in generator.permutation(len(objects))]
        phrases = [f'{_ARTICLES[generator.integers(len(_ARTICLES))]} {name}' for name in names]
        caption = _FRAMES[generator.integers(len(_FRAMES))].format(' and '.join(phrases))
        starts = [caption.index(phrase) for phrase in phrases]
        return caption, [(start, start + len(phrase)) for start, phrase in zip(starts, phrases)]

    def _instances(self, scenes: Sequence[Sequence[SceneObject]]) -> Dict[str, Any]:
        images, annotations = [], []
        for image_id, objects in enumerate(scenes, 1):
            images.append(dict(id=image_id, file_name=f'{image_id:012d}.png', height=_SIZE, width=_SIZE))
            for kind, (x1, y1, x2, y2) in objects:
                bbox = [x1, y1, x2 - x1, y2 - y1]
                record = dict(image_id=image_id, category_id=kind + 1, bbox=bbox, area=bbox[2] * bbox[3], iscrowd=0)
                annotations.append(dict(record, id=len(annotations) + 1))
        categories = [dict(id=index, name=name) for index, name in enumerate(self.CLASSES, 1)]
        return dict(images=images, annotations=annotations, categories=categories)

    def _refs(
        self, scenes: Sequence[Sequence[SceneObject]], generator: np.random.Generator
    ) -> Iterator[Dict[str, Any]]:
        number = sentence_number = 0
        for image_id, objects in enumerate(scenes, 1):
            for kind, _ in objects:
                name = self.CLASSES[kind]
                texts = [name, f'the {name}'][: generator.integers(1, 3)]
                sentences = [
                    dict(sent_id=sentence_number + index, sent=text, raw=text, tokens=text.split())
                    for index, text in enumerate(texts)
                ]
                yield dict(
                    ref_id=number,
                    ann_id=number + 1,
                    image_id=image_id,
                    category_id=kind + 1,
                    file_name=f'{image_id:012d}_{number}.png',
                    split=_SPLITS[image_id % len(_SPLITS)],
                    sent_ids=[each['sent_id'] for each in sentences],
                    sentences=sentences,
                )
                number, sentence_number = number + 1, sentence_number + len(sentences)


def _apart(one: Tuple[int, int, int, int], other: Tuple[int, int, int, int]) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def draw(objects: Sequence[SceneObject], generator: np.random.Generator) -> np.ndarray:
    """A scene, uint8 ``[96, 96, 3]`` in BGR: grey ground with coarse and fine noise, and filled rectangles."""
    coarse = cv2.resize(generator.normal(120, 18, (_GRID, _GRID)), (_SIZE, _SIZE), interpolation=cv2.INTER_CUBIC)
    image = np.repeat(coarse[..., None].astype(np.float32), 3, axis=2)
    rows = np.arange(_SIZE)
    colours, textures = list(_COLOURS.values()), len(_TEXTURES)
    for kind, (x1, y1, x2, y2) in objects:
        bright = np.ones(y2 - y1)
        if kind % textures:
            bright = np.where((rows[y1:y2] // _STRIPE + generator.integers(2)) % 2, 1.0, 0.25)
        image[y1:y2, x1:x2] = bright[:, None, None] * np.array(colours[kind // textures])
    image += 12 * generator.standard_normal((_SIZE, _SIZE, 1), dtype=np.float32)
    return image.clip(0, 255).astype(np.uint8)


def _karpathy(captions: Sequence[Sequence[str]]) -> Dict[str, Any]:
    images = []
    for index, texts in enumerate(captions):
        numbers = range(5 * index, 5 * index + 5)
        sentences = [
            dict(tokens=text.split(), raw=text, imgid=index, sentid=number) for number, text in zip(numbers, texts)
        ]
        name = f'{index + 1:012d}.png'
        images.append(dict(imgid=index, filename=name, split='test', sentids=list(numbers), sentences=sentences))
    return dict(images=images, dataset='scenes')


def _coco_captions(captions: Sequence[Sequence[str]]) -> Dict[str, Any]:
    images = [dict(id=index, file_name=f'{index:012d}.png') for index in range(1, 1 + len(captions))]
    annotations = [
        dict(id=5 * index + place, image_id=index + 1, caption=text)
        for index, texts in enumerate(captions)
        for place, text in enumerate(texts)
    ]
    return dict(images=images, annotations=annotations)
