"""Clips of subtitle lines with planted emotions, in the format of Temporal Emotion Localization."""

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np

from vlplugins.datasets.formats.tel_emotion_words import TEL_CLASSES
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.registry import TASK_UTILS

MODALITIES = ('video', 'text')
# As the released files write them.
_FILE_NAMES = {'aversion': 'aversion ', 'confidence': 'confident'}
_EMOTIONS = ('anger', 'aversion', 'confidence', 'happiness', 'sadness', 'surprise')
_PHRASES = dict(
    anger=('Get out of my house!', "Don't you dare.", 'I have had enough of this.'),
    aversion=('That is disgusting.', 'Keep that away from me.', 'What a nasty thing to say.'),
    confidence=('I know exactly what to do.', 'Trust me.', 'We will win this.'),
    happiness=('This is wonderful!', 'I am so glad you came.', 'What a lovely day.'),
    sadness=('I miss him so much.', 'It is all over now.', 'I wish it were different.'),
    surprise=('What? Here?', 'I did not expect that.', 'Where did you come from?'),
)
_NEUTRAL = (
    'The car is outside.',
    'Pass me the salt.',
    'He works at the bank.',
    'Turn left here.',
    'It is half past two.',
)


class _Clip(NamedTuple):
    times: np.ndarray
    lines: List[str]
    labels: Dict[str, List[int]]
    features: Dict[str, np.ndarray]


def clock(seconds: float) -> str:
    """``HH:MM:SS.mmm``."""
    milli = int(round(1000 * seconds))
    return f'{milli // 3_600_000:02d}:{milli // 60_000 % 60:02d}:{milli // 1000 % 60:02d}.{milli % 1000:03d}'


@TASK_UTILS.register_module()
class SyntheticEmotionClips(SyntheticDataset):
    """Writes clips of 16 to 32 lines in which some of six emotions happen, with features of two modalities.

    Signal, the same for training and test, in noise of deviation 1: an emotion is a run of L lines, L log-uniform in
    2..10 (``longest``). The first part, about 3 of 5 lines, shows 0.6 times a code of the emotion, the rest 0.6 times a
    marker that all emotions share, in both modalities (each has codes of its own). One line cannot tell an emotion from
    its echo: two emotions that the clip does not have show their code for 1 to 3 lines without the marker, so do half
    of those that it has, elsewhere, and one pair of markers stands alone; only the neighbourhood, at varying distance,
    tells. And with probability 0.8, for each emotion and separately for each modality, 3 other lines show 1.2 times a
    confounder of the emotion, in that modality alone: under labels of clips it predicts the emotion as well as the
    emotion does, but the other modality has nothing there.

    Why nothing leaks: places, lengths, times and texts are drawn independently of which emotions a clip has; names of
    clips follow no order of emotions. The subtitles are for display; the text features do not come from them.

    A clip has one or two emotions. Chance is printed by the metric beside every number (about 6 line mAP, 30
    known-emotion AP, 25 clip mAP); scores equal to the truth give 100.

    Files: ``train.json`` and ``test.json`` as released, with their irregularities: ``"aversion "`` and ``confident``,
    line numbers that are not sorted, two lines with one time, tags, an empty line; ``train_boundaries.json``, the
    training clips in the format of ``test.json``, for full supervision; ``features/{video,text}/{film}.npz``.

    Args:
        root: Folder of the set.
        num_train: Training clips.
        num_test: Test clips.
        num_lines: Fewest and most lines of a clip.
        longest: Lines of the longest emotion.
        dim: Numbers of a line in each modality.
        strength: Factor of codes and marker.
        confounder: Factor of confounders.
        seed: Seed of all random choices.
    """

    version = 1

    def __init__(
        self,
        root: str,
        num_train: int = 480,
        num_test: int = 180,
        num_lines: Tuple[int, int] = (16, 32),
        longest: int = 10,
        dim: int = 48,
        strength: float = 0.6,
        confounder: float = 1.2,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        self.num_train, self.num_test, self.dim = num_train, num_test, dim
        self.num_lines, self.longest = tuple(num_lines), longest
        self.strength, self.confounder = strength, confounder

    def write(self, folder: Path) -> None:
        """Write annotations and features."""
        rng = np.random.default_rng(self.seed)
        codes = {
            name: dict(zip(('code', 'confounder', 'marker'), rng.standard_normal((3, len(_EMOTIONS), self.dim))))
            for name in MODALITIES
        }
        for split, count in (('train', self.num_train), ('test', self.num_test)):
            clips = {f'tt{split == "test":d}{film:06d}': {} for film in range(-(-count // 30))}
            for index in range(count):
                film = list(clips)[index // 30]
                name = f'scene-{index % 30 + 1:03d}.ss-{index + 1:04d}.es-{index + 2:04d}'
                clips[film][name] = self._draw_clip(rng, codes, has_empty=index == 0)
            self._write_split(folder, split, clips, rng)

    def _draw_clip(self, rng: np.random.Generator, codes: Dict[str, Any], has_empty: bool) -> _Clip:
        length = int(rng.integers(self.num_lines[0], self.num_lines[1] + 1))
        order = rng.permutation(len(_EMOTIONS))
        present, absent = order[: rng.integers(1, 3)], order[2:4]
        features = {name: rng.standard_normal((length, self.dim)) for name in MODALITIES}
        free = np.ones(length, dtype=bool)
        labels: Dict[str, List[int]] = {}
        for emotion in present:
            size = int(round(np.exp(rng.uniform(np.log(2), np.log(self.longest)))))
            run = _take_run(free, size, rng)
            half = min(-(-3 * len(run) // 5), len(run) - 1)
            for name in MODALITIES:
                features[name][run[:half]] += self.strength * codes[name]['code'][emotion]
                features[name][run[half:]] += self.strength * codes[name]['marker'][0]
            labels[_EMOTIONS[emotion]] = run.tolist()
        echoed = present[rng.random(len(present)) < 0.5]
        for emotion in (*absent, *echoed):
            run = _take_run(free, int(rng.integers(1, 4)), rng)
            for name in MODALITIES:
                features[name][run] += self.strength * codes[name]['code'][emotion]
        run = _take_run(free, 2, rng)
        for name in MODALITIES:
            features[name][run] += self.strength * codes[name]['marker'][0]
        self._add_confounders(features, present, codes, free, rng)
        lines = self._draw_lines(length, labels, rng)
        if has_empty:
            lines[int(np.flatnonzero(free)[0]) if free.any() else 0] = ''
        return _Clip(self._draw_times(length, rng), lines, labels, features)

    def _add_confounders(
        self, features: Dict[str, np.ndarray], present: np.ndarray, codes: dict, free: np.ndarray,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        for emotion in present:
            for name in MODALITIES:
                if rng.random() < 0.8:
                    run = _take_run(free, 3, rng)
                    features[name][run] += self.confounder * codes[name]['confounder'][emotion]

    @staticmethod
    def _draw_lines(length: int, labels: Dict[str, List[int]], rng: np.random.Generator) -> List[str]:
        lines = [str(rng.choice(_NEUTRAL)) for _ in range(length)]
        for emotion, numbers in labels.items():
            for number in numbers:
                lines[number] = str(rng.choice(_PHRASES[emotion]))
        styles = rng.random(length)
        return [
            f'<i>{line}</i>' if s < 0.05 else f'- {line}' if s < 0.15 else f'{line} ' for s, line in zip(styles, lines)
        ]

    @staticmethod
    def _draw_times(length: int, rng: np.random.Generator) -> np.ndarray:
        durations, gaps = rng.uniform(1.0, 4.0, length), rng.exponential(0.5, length)
        start = np.concatenate([[0.0], np.cumsum(durations + gaps)[:-1]])
        times = np.stack([start, start + durations], axis=1)
        # Two people in one subtitle: two lines with one time.
        for line in np.flatnonzero(rng.random(length - 1) < 0.1) + 1:
            times[line] = times[line - 1]
        return times

    def _write_split(self, folder: Path, split: str, clips: Dict[str, Dict[str, _Clip]], rng: Any) -> None:
        plain: Dict[str, dict] = {}
        full: Dict[str, dict] = {}
        for film, inside in clips.items():
            plain[film] = {name: _to_train(clip) for name, clip in inside.items()}
            full[film] = {name: _to_test(clip, rng) for name, clip in inside.items()}
            for modality in MODALITIES:
                path = folder / 'features' / modality / f'{film}.npz'
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez(path, **{name: clip.features[modality].astype(np.float16) for name, clip in inside.items()})
        if split == 'train':
            (folder / 'train.json').write_text(json.dumps(plain), encoding='utf-8')
        name = 'test.json' if split == 'test' else 'train_boundaries.json'
        (folder / name).write_text(json.dumps(full), encoding='utf-8')


def _take_run(free: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of a run of free lines, which are taken; shorter where no run of the size is free, maybe empty."""
    for length in range(size, 0, -1):
        windows = np.lib.stride_tricks.sliding_window_view(free, length)
        begins = np.flatnonzero(windows.all(axis=1))
        if len(begins):
            begin = int(rng.choice(begins))
            free[begin : begin + length] = False
            return np.arange(begin, begin + length)
    return np.zeros(0, dtype=int)


def _stamps(times: np.ndarray) -> List[str]:
    return [f'{clock(start)}-->{clock(end)}' for start, end in times]


def _to_train(clip: _Clip) -> Dict[str, Any]:
    emotions = {_FILE_NAMES.get(name, name): 1 for name in clip.labels}
    return dict(emo=emotions, time=_stamps(clip.times), dialog=clip.lines)


def _to_test(clip: _Clip, rng: np.random.Generator) -> Dict[str, Any]:
    stamps = _stamps(clip.times)
    emotions = {}
    for name, lines in clip.labels.items():
        order = [lines[index] for index in rng.permutation(len(lines))] if rng.random() < 0.1 else lines
        repeated = dict(time=[stamps[i] for i in order], dialog=[clip.lines[i] for i in order], segment=order)
        emotions[_FILE_NAMES.get(name, name)] = repeated
    return dict(emo=emotions, dialog=clip.lines, dialog_name=stamps)


def emotion_numbers() -> Tuple[int, ...]:
    """Numbers, among the 18 classes, of the emotions of :class:`SyntheticEmotionClips`."""
    return tuple(TEL_CLASSES.index(name) for name in _EMOTIONS)
