"""Real subtitles and emotions of films, with synthetic features of the video."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from vlplugins.datasets.formats.subtitles import clean_subtitle
from vlplugins.datasets.formats.tel_annotations import TELFile
from vlplugins.datasets.formats.tel_emotion_words import TEL_CLASSES
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.registry import TASK_UTILS


@TASK_UTILS.register_module()
class RealSubtitleClips(SyntheticDataset):
    """Divides the released test set of Temporal Emotion Localization into a training and a test set of their own.

    Real are the subtitles, times, labels and boundaries, and the text features, which a sentence encoder makes of the
    subtitles. The released test set is the one with boundaries; its first films by id train (without their boundaries)
    and its last four test. Synthetic are the features of the video, as the films cannot be had: noise of deviation 1;
    each labelled line shows 0.8 times a code of its emotion with probability 0.4, at least one line for each clip and
    emotion, and every line without it shows the code as a distractor, in clips that have the emotion, with probability
    0.3 times the share of lines that are labelled: a cue is no proof of its place.

    Why nothing leaks: the video features of a clip follow from its labels and noise alone, by codes that training and
    test share, and the division is by film. Chance is printed beside every number (about 3 line mAP, 37 known-emotion
    AP, 15 clip mAP); scores equal to the truth give 100.

    Files: ``train.json`` and ``test.json`` as released, ``features/{text,video}/{film}.npz``. Sentences are encoded
    once and kept in ``cache``.

    Args:
        root: Folder of the set.
        ann_file: The released ``test.json``.
        encoder: Config of the sentence encoder.
        cache: File of its vectors.
        num_test_films: Films that test.
        num_clips: Clips of each film at most, the first ones; all by default.
        dim: Numbers of a line in the video features.
        seed: Seed of all random choices.

    Raises:
        FileNotFoundError: (when written) no annotations.
        ValueError: (when written) not more films than ``num_test_films``.
    """

    version = 1

    def __init__(
        self,
        root: str,
        ann_file: str = '../shared/data/TEL/test.json',
        encoder: dict = dict(type='vlplugins.TransformerSentenceEncoder', model='minilm'),  # noqa: B006
        cache: str = 'data/cache/minilm.npz',
        num_test_films: int = 4,
        num_clips: Optional[int] = None,
        dim: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        self.ann_file, self.encoder, self.cache = ann_file, dict(encoder), cache
        self.num_test_films, self.num_clips, self.dim = num_test_films, num_clips, dim

    def write(self, folder: Path) -> None:
        """Write annotations and features."""
        clips = self._read()
        films = sorted(clips)
        if len(films) <= self.num_test_films:
            raise ValueError(f'{self.ann_file} has {len(films)} films; {self.num_test_films} of them cannot test')
        self._write_annotations(folder, films)
        self._write_text(folder, clips)
        self._write_video(folder, clips)

    def _read(self) -> Dict[str, List[Dict[str, Any]]]:
        clips: Dict[str, List[Dict[str, Any]]] = {}
        for clip in TELFile(self.ann_file, with_segments=True).clips:
            inside = clips.setdefault(clip['imdb'], [])
            if self.num_clips is None or len(inside) < self.num_clips:
                inside.append(clip)
        return clips

    def _write_annotations(self, folder: Path, films: List[str]) -> None:
        content = json.loads(Path(self.ann_file).read_text(encoding='utf-8-sig'))
        chosen = {film: dict(list(content[film].items())[: self.num_clips]) for film in films}
        train = {
            film: {
                name: dict(emo=dict.fromkeys(clip['emo'], 1), time=clip['dialog_name'], dialog=clip['dialog'])
                for name, clip in chosen[film].items()
            }
            for film in films[: -self.num_test_films]
        }
        test = {film: chosen[film] for film in films[-self.num_test_films :]}
        (folder / 'train.json').write_text(json.dumps(train), encoding='utf-8')
        (folder / 'test.json').write_text(json.dumps(test), encoding='utf-8')

    def _write_text(self, folder: Path, clips: Dict[str, List[Dict[str, Any]]]) -> None:
        cached = TASK_UTILS.build(dict(type='vlplugins.CachedSentenceEncoder', encoder=self.encoder, path=self.cache))
        lines = [clean_subtitle(line) for inside in clips.values() for clip in inside for line in clip['subtitles']]
        # All at once: one progress bar, and batches of sentences of near length.
        vectors = cached.encode(lines).astype(np.float16)
        begin = 0
        for film, inside in clips.items():
            arrays = {}
            for clip in inside:
                end = begin + len(clip['subtitles'])
                arrays[clip['clip']], begin = vectors[begin:end], end
            _save(folder / 'features' / 'text' / f'{film}.npz', arrays)

    def _write_video(self, folder: Path, clips: Dict[str, List[Dict[str, Any]]]) -> None:
        rng = np.random.default_rng(self.seed)
        codes = 0.8 * rng.standard_normal((len(TEL_CLASSES), self.dim))
        for film, inside in sorted(clips.items()):
            arrays = {clip['clip']: self._draw_video(clip, codes, rng).astype(np.float16) for clip in inside}
            _save(folder / 'features' / 'video' / f'{film}.npz', arrays)

    def _draw_video(self, clip: Dict[str, Any], codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        length = len(clip['subtitles'])
        features = rng.standard_normal((length, self.dim))
        for label, lines in clip['segments'].items():
            shown = rng.random(length)
            is_labelled = np.zeros(length, dtype=bool)
            is_labelled[lines] = True
            cues = is_labelled & (shown < 0.4)
            cues[rng.choice(lines)] |= not cues.any()
            distractors = ~is_labelled & (shown < 0.3 * is_labelled.mean())
            features[cues | distractors] += codes[label]
        return features


def _save(path: Path, arrays: Dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
