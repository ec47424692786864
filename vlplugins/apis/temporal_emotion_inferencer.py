"""When which emotion happens, of subtitles and, where there are any, features of the video."""

import argparse
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer.infer import ModelType

from vlplugins.apis.base import BaseInferencer, find_pipeline
from vlplugins.datasets.formats.subtitles import SUBTITLE_EXTENSIONS, check_cues, read_subtitles
from vlplugins.datasets.formats.tel_emotion_words import TEL_CLASSES
from vlplugins.registry import INFERENCERS, TRANSFORMS

_META = ('video_id', 'subtitles', 'first_cue')


class SubtitlePart(NamedTuple):
    """Consecutive cues of a long file."""

    path: str
    first: int
    count: int


@INFERENCERS.register_module()
class TemporalEmotionInferencer(BaseInferencer):
    """A timeline of emotions of a subtitle file.

    An input is an ``.srt``, ``.vtt`` or ``.json`` file (a list of ``dict(start, end, text)``), or such a list. A
    prediction is ``dict(input, first_cue, emotions=[dict(emotion, score)], segments=[dict(emotion, start, end,
    first_line, last_line, score)], lines=[dict(start, end, text, scores)])``: seconds of the file, segments best first,
    lines counted from 0 within the prediction; ``scores`` of a line are those of the listed emotions.

    The model was trained on clips of some dozens of lines: a file with more cues than ``max_lines`` is judged in parts
    of about equal length, each a prediction and a picture of its own.

    The text features come from ``encoder``, which must be the one that the model was trained with. Features of the
    video, one row for each cue, are read from ``features``; without them the model uses the text alone.

    Args:
        model: Path of a config, or a config, of a :class:`WeaklySupervisedTemporalLocalizer`.
        weights: Checkpoint.
        encoder: Config of the sentence encoder.
        rescale: As in :class:`EncodeSubtitles`.
        score_thr: Score of the clip from which an emotion is listed; the best one always is.
        max_lines: Cues that are judged together at most; ``None`` for any number.
        features: Folder of ``<name of the subtitles>.npy`` with features ``[cues, D]``, or one such file.
        device: As in :class:`BaseInferencer`.
        show_progress: Show a progress bar.

    Raises:
        ValueError: a model without a branch ``text``, or another width than that of the encoder.
    """

    extensions = SUBTITLE_EXTENSIONS

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        encoder: dict = dict(type='vlplugins.TransformerSentenceEncoder', model='minilm'),  # noqa: B006
        rescale: Optional[str] = 'sqrt_dim',
        score_thr: float = 0.3,
        max_lines: Optional[int] = 64,
        features: Optional[str] = None,
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        if max_lines is not None and max_lines < 1:
            raise ValueError(f'max_lines {max_lines} must be at least 1')
        self.encoder, self.rescale, self.score_thr = encoder, rescale, score_thr
        self.max_lines, self.features = max_lines, features
        super().__init__(model, weights, device, show_progress)
        self.classes = self.classes or TEL_CLASSES

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` for this task."""
        group = parser.add_argument_group('emotions in time (the inputs are .srt, .vtt or .json files)')
        group.add_argument(
            '--features', help='features of the video: an .npy file [cues, D], or a folder of such files'
        )
        group.add_argument('--score-thr', type=float, help='score from which an emotion is listed')

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Do what the arguments of :meth:`add_arguments` ask for."""
        self.features = args.features or self.features
        self.score_thr = self.score_thr if args.score_thr is None else args.score_thr

    def _init_pipeline(self, cfg: Config) -> Callable:
        branches = {name: branch for name, branch in cfg.model.branches.items() if branch is not None}
        if 'text' not in branches:
            raise ValueError(f'the model has the branches {sorted(branches)}; expected one named text')
        steps = [
            dict(type='vlplugins.CleanSubtitles'),
            dict(type='vlplugins.EncodeSubtitles', encoder=self.encoder, rescale=self.rescale),
        ]
        for name in branches:
            if name != 'text':
                given = next((s for s in find_pipeline(cfg) if s.get('modality') == name), {})
                options = dict(rescale=given.get('rescale'), dim=branches[name]['in_channels'], missing='absent')
                steps.append(dict(type='vlplugins.LoadClipFeatures', modality=name, **options))
        steps.append(dict(type='vlplugins.PackTemporalInputs', feature_keys=tuple(branches), meta_keys=_META))
        with TRANSFORMS.switch_scope_and_registry(self.scope) as registry:
            transforms = [registry.build(step) for step in steps]
        wrong = transforms[1].encoder.dim != branches['text']['in_channels']
        if wrong:
            raise ValueError(
                f'the encoder gives {transforms[1].encoder.dim} numbers a line, the branch text takes '
                f'{branches["text"]["in_channels"]}; give the encoder that the model was trained with'
            )
        pipeline = Compose(transforms)
        return lambda item: pipeline(self.to_record(item))

    def _inputs_to_list(self, inputs: Any) -> List[Any]:
        is_cues = isinstance(inputs, list) and inputs and all(isinstance(each, dict) for each in inputs)
        if is_cues:
            return [inputs]
        items = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        found: List[Any] = []
        for item in items:
            if isinstance(item, list):
                found.append(item)
                continue
            for path in super()._inputs_to_list(item):
                found += self._parts_of(path)
        return found

    def _parts_of(self, path: str) -> List[SubtitlePart]:
        count = len(read_subtitles(path))
        parts = 1 if self.max_lines is None else -(-count // self.max_lines)
        if parts > 1 and self.features is not None:
            raise ValueError(f'{path} has {count} cues: features are read of files with at most {self.max_lines} alone')
        bounds = [count * part // parts for part in range(parts + 1)]
        return [SubtitlePart(path, begin, end - begin) for begin, end in zip(bounds, bounds[1:])]

    def to_record(self, item: Union[SubtitlePart, List[Dict[str, Any]]]) -> Dict[str, Any]:
        """Times and lines of a part of a file, or of cues.

        Raises:
            RecordError: as :func:`read_subtitles` and :func:`check_cues`.
            ValueError: an empty list of cues.
        """
        if isinstance(item, SubtitlePart):
            name, first = Path(item.path).stem, item.first
            cues = read_subtitles(item.path, quiet=True)[first : first + item.count]
        else:
            name, first, cues = 'cues', 0, sorted(check_cues(item, 'cues'), key=lambda cue: cue['start'])
        if not cues:
            raise ValueError('no cue; expected a list of dict(start, end, text)')
        return dict(
            video_id=name,
            first_cue=first,
            times=np.array([[cue['start'], cue['end']] for cue in cues], dtype=np.float32),
            subtitles=[cue['text'] for cue in cues],
            feature_key=name,
            feature_files=_FeatureFiles(self.features, name),
        )

    def to_plain(self, sample: Any) -> Dict[str, Any]:
        """Plain data of one prediction."""
        clip = sample.clip_scores.cpu().numpy()
        listed = [int(c) for c in np.argsort(-clip, kind='stable') if clip[c] >= self.score_thr] or [int(clip.argmax())]
        found, times = sample.pred_instances.cpu(), sample.times.cpu().numpy()
        segments = [
            dict(
                emotion=self.classes[label],
                start=round(float(start), 3),
                end=round(float(end), 3),
                first_line=int(first),
                last_line=int(last),
                score=float(score),
            )
            for (start, end), (first, last), label, score in zip(
                found.segments.tolist(), found.lines.tolist(), found.labels.tolist(), found.scores.tolist()
            )
            if label in listed
        ]
        scores = sample.segment_scores.cpu().numpy()
        lines = [
            dict(
                start=round(float(start), 3),
                end=round(float(end), 3),
                text=text,
                scores={self.classes[c]: float(row[c]) for c in listed},
            )
            for (start, end), text, row in zip(times, sample.subtitles, scores)
        ]
        emotions = [dict(emotion=self.classes[c], score=float(clip[c])) for c in listed]
        return dict(
            input=sample.video_id, first_cue=sample.first_cue, emotions=emotions, segments=segments, lines=lines
        )

    def picture_name(self, index: int, item: Any) -> str:
        """File name of the picture of an input."""
        return super().picture_name(index, item.path if isinstance(item, SubtitlePart) else 'cues')


class _FeatureFiles(dict):
    """The file of the features of any modality: the one that is given, or of the subtitles' name in the folder."""

    def __init__(self, features: Optional[str], name: str) -> None:
        super().__init__()
        self.features, self.name = features, name

    def __missing__(self, modality: str) -> str:
        if self.features is None:
            return ''
        if not Path(self.features).exists():
            raise FileNotFoundError(f'no such features: {self.features}')
        return str(Path(self.features, f'{self.name}.npy')) if Path(self.features).is_dir() else self.features
