"""Short videos in which one patch flashes in each part, with captions that name the colours."""

import itertools
import json
import pickle
from pathlib import Path
from typing import Any, Dict, List, Tuple

import cv2
import numpy as np

from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.registry import TASK_UTILS

# RGB. All are far from the grey background and from each other, also after a lossy codec.
FLASH_COLORS: Dict[str, Tuple[int, int, int]] = dict(
    red=(255, 0, 0),
    green=(0, 190, 0),
    blue=(0, 0, 255),
    yellow=(255, 255, 0),
    cyan=(0, 255, 255),
    magenta=(255, 0, 255),
    orange=(255, 130, 0),
    purple=(110, 0, 190),
    brown=(120, 60, 0),
    pink=(255, 160, 200),
    white=(255, 255, 255),
    black=(0, 0, 0),
)
_CODECS = {'.mp4': 'mp4v', '.avi': 'XVID'}
_GREY = 128


@TASK_UTILS.register_module()
class SyntheticFlashVideos(SyntheticDataset):
    """Writes videos of a grey still texture, with noise, in which coloured patches light up for one frame each.

    Signal: the video has three equal parts; in each, exactly one random frame shows one patch of a random cell of the
    grid in one of 12 colours. The three colours of a video differ. Its caption names them in random order: "a red
    light, then a cyan light, then a black light".

    Why nothing leaks: texture, cells and moments are drawn independently of the colours, names and numbers of files
    follow no order of colours, and the order of the words is not that of the flashes. All but three of the patches of
    a video are the background, so an index sub-sample of the patches mostly loses the flashes, and pooling over
    frames thins them.

    The test videos show distinct sets of colours. Chance: R@1 = 100 / num_test (1 %), R@5 = 5 %, MdR = 50.5 for 100
    videos. A perfect model scores R@1 = 100 %; in the layout of MSVD too, where all captions of a video name the same
    colours in other orders.

    Layouts: ``'msrvtt'``: ``MSRVTT_data.json``, ``MSRVTT_train.9k.csv``, ``MSRVTT_JSFUSION_test.csv``,
    ``videos/video{i}.mp4``, and for recognition ``middle_color_{train,test}.txt``, lines ``video{i}.mp4 label`` as
    mmaction2 reads them (the number of the colour in the middle part; chance is 1 of 12). ``'msvd'``:
    ``raw-captions.pkl``, ``{train,val,test}_list.txt``, ``videos/{id}.avi``. Both with ``flashes.json``, the truth:
    ``{id: [[frame, row, column, colour], ...]}``. Where OpenCV cannot encode, or with ``as_frames``, a video is the
    folder ``videos/{id}`` of PNG files.

    Args:
        root: Folder of the set.
        layout: ``'msrvtt'`` or ``'msvd'``.
        num_train: Training videos.
        num_test: Test videos, at most 220, the sets of three of 12 colours.
        num_val: Validation videos of the layout of MSVD.
        num_frames: Frames of a video, a multiple of 3.
        grid: Cells along each side.
        size: Side of a frame in pixels, a multiple of ``grid``.
        noise: Standard deviation of texture and of noise, in grey values.
        captions_per_video: Captions of a training video, and in the layout of MSVD of every one.
        as_frames: Write PNG files and no videos.
        seed: Seed of all random choices.

    Raises:
        ValueError: sizes that do not divide, an unknown layout, or too many test videos.
    """

    version = 2

    def __init__(
        self,
        root: str,
        layout: str = 'msrvtt',
        num_train: int = 480,
        num_test: int = 100,
        num_val: int = 20,
        num_frames: int = 6,
        grid: int = 4,
        size: int = 64,
        noise: float = 4.0,
        captions_per_video: int = 1,
        as_frames: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        if layout not in ('msrvtt', 'msvd'):
            raise ValueError(f"layout {layout!r} is unknown; expected 'msrvtt' or 'msvd'")
        if num_frames < 3 or num_frames % 3 or size % grid:
            raise ValueError(f'num_frames {num_frames} must be a multiple of 3, and size {size} one of grid {grid}')
        self.triples = list(itertools.combinations(FLASH_COLORS, 3))
        if not 1 <= num_test <= len(self.triples) or not 1 <= num_val <= len(self.triples) or num_train < 1:
            raise ValueError(f'num_test {num_test} and num_val {num_val} must be in 1..{len(self.triples)}')
        self.layout, self.num_train, self.num_test, self.num_val = layout, num_train, num_test, num_val
        self.num_frames, self.grid, self.size, self.noise = num_frames, grid, size, noise
        self.captions_per_video, self.as_frames = captions_per_video, as_frames

    def write(self, folder: Path) -> None:
        """Write videos, annotations and truth."""
        rng = np.random.default_rng(self.seed)
        is_msvd = self.layout == 'msvd'
        counts = dict(train=self.num_train, val=self.num_val if is_msvd else 0, test=self.num_test)
        suffix, number = '.avi' if is_msvd else '.mp4', 0
        captions: Dict[str, List[str]] = {}
        truth: Dict[str, list] = {}
        splits: Dict[str, List[str]] = {}
        (folder / 'videos').mkdir()
        for split, count in counts.items():
            splits[split] = []
            for triple in self._draw_triples(count, rng):
                name = f'clip{number:04d}_{0}_{2}' if is_msvd else f'video{number}'
                truth[name] = self._draw_flashes(triple, rng)
                self._write_video(folder / 'videos' / f'{name}{suffix}', self.render(truth[name], rng))
                many = 1 if split == 'test' and not is_msvd else self.captions_per_video
                captions[name] = [self._caption(triple, rng) for _ in range(many)]
                splits[split].append(name)
                number += 1
        (self._write_msvd if is_msvd else self._write_msrvtt)(folder, splits, captions)
        if not is_msvd:
            self._write_labels(folder, splits, truth)
        (folder / 'flashes.json').write_text(json.dumps(truth), encoding='utf-8')

    def _draw_triples(self, count: int, rng: np.random.Generator) -> List[Tuple[str, ...]]:
        # Training goes through all sets of colours before it repeats one; the other splits repeat none.
        rounds = -(-count // len(self.triples))
        order = np.concatenate([rng.permutation(len(self.triples)) for _ in range(rounds)] or [np.zeros(0, int)])
        return [self.triples[index] for index in order[:count]]

    def _draw_flashes(self, triple: Tuple[str, ...], rng: np.random.Generator) -> List[list]:
        part = self.num_frames // 3
        colors = rng.permutation(len(triple))
        return [
            [
                third * part + int(rng.integers(part)),
                int(rng.integers(self.grid)),
                int(rng.integers(self.grid)),
                triple[color],
            ]
            for third, color in enumerate(colors)
        ]

    def render(self, flashes: List[list], rng: np.random.Generator) -> np.ndarray:
        """Frames uint8 ``[T, size, size, 3]``, RGB."""
        texture = rng.normal(_GREY, self.noise, (1, self.size, self.size, 1))
        frames = np.repeat(texture + rng.normal(0, self.noise, (self.num_frames, self.size, self.size, 1)), 3, axis=3)
        cell = self.size // self.grid
        for frame, row, column, color in flashes:
            frames[frame, row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = FLASH_COLORS[color]
        return np.clip(np.round(frames), 0, 255).astype(np.uint8)

    @staticmethod
    def _caption(triple: Tuple[str, ...], rng: np.random.Generator) -> str:
        return ', then '.join(f'a {triple[index]} light' for index in rng.permutation(len(triple)))

    def _write_video(self, path: Path, frames: np.ndarray) -> None:
        if not self.as_frames:
            writer = cv2.VideoWriter(
                str(path), cv2.VideoWriter_fourcc(*_CODECS[path.suffix]), 3, (self.size, self.size)
            )
            if writer.isOpened():
                for frame in frames:
                    writer.write(frame[..., ::-1])
                writer.release()
                return
            path.unlink(missing_ok=True)
        path.with_suffix('').mkdir()
        for index, frame in enumerate(frames):
            cv2.imwrite(str(path.with_suffix('') / f'frame_{index:04d}.png'), frame[..., ::-1])

    @staticmethod
    def _write_msrvtt(folder: Path, splits: Dict[str, List[str]], captions: Dict[str, List[str]]) -> None:
        sentences: List[Dict[str, Any]] = []
        for name, texts in captions.items():
            for text in texts:
                sentences.append(dict(caption=text, video_id=name, sen_id=len(sentences)))
        names = {name: 'train' if split == 'train' else 'test' for split in splits for name in splits[split]}
        videos = [
            {
                'video_id': name,
                'id': number,
                'split': split,
                'start time': 0.0,
                'end time': 2.0,
                'category': 0,
                'url': '',
            }
            for number, (name, split) in enumerate(names.items())
        ]
        content = json.dumps(dict(videos=videos, sentences=sentences))
        (folder / 'MSRVTT_data.json').write_text(content, encoding='utf-8')
        train = ''.join(f'{name}\n' for name in splits['train'])
        (folder / 'MSRVTT_train.9k.csv').write_text('video_id\n' + train, encoding='utf-8')
        rows = ['key,vid_key,video_id,sentence\n']
        for number, name in enumerate(splits['test']):
            rows.append(f'ret{number},msr{name[5:]},{name},"{captions[name][0]}"\n')
        (folder / 'MSRVTT_JSFUSION_test.csv').write_text(''.join(rows), encoding='utf-8')

    @staticmethod
    def _write_labels(folder: Path, splits: Dict[str, List[str]], truth: Dict[str, list]) -> None:
        numbers = {color: number for number, color in enumerate(FLASH_COLORS)}
        for split in ('train', 'test'):
            lines = [f'{name}.mp4 {numbers[truth[name][1][3]]}\n' for name in splits[split]]
            (folder / f'middle_color_{split}.txt').write_text(''.join(lines), encoding='utf-8')

    @staticmethod
    def _write_msvd(folder: Path, splits: Dict[str, List[str]], captions: Dict[str, List[str]]) -> None:
        words = {name: [text.replace(',', ' ,').split() for text in texts] for name, texts in captions.items()}
        (folder / 'raw-captions.pkl').write_bytes(pickle.dumps(words, protocol=2))
        for split, names in splits.items():
            # As in the real lists, the last line has no newline.
            (folder / f'{split}_list.txt').write_text('\n'.join(names), encoding='utf-8')
