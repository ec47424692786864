"""Whether statements follow from a clip and its subtitles."""

import argparse
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer.infer import ModelType

from vlplugins.apis.base import BaseInferencer, find_pipeline
from vlplugins.datasets.formats.subtitles import SUBTITLE_EXTENSIONS, check_cues, clean_subtitle, read_subtitles
from vlplugins.datasets.formats.violin_annotations import clean_statement, has_words
from vlplugins.datasets.transforms.clip_features import rescale_features
from vlplugins.registry import INFERENCERS, TRANSFORMS

_TOP = 3


@INFERENCERS.register_module()
class VideoLanguageInferencer(BaseInferencer):
    """Judges statements about a clip, and tells what the verdict rests on.

    An input is features of frames (``.npy`` ``[T, D]``), a subtitle file (``.srt``, ``.vtt``, ``.json``), or a dict of
    ``video`` (array or path), ``subtitles`` (path, or list of ``dict(start, end, text)``), ``statements`` and
    ``duration`` (seconds), all but one optional. The other modality of a file is looked for under its name in the
    folder ``subtitles`` or ``features``. A clip without ``duration`` lasts to the end of its last line, or a second a
    frame.

    A prediction is ``dict(input, statements=[dict(statement, score, follows, events=[dict(words, score,
    evidence=[dict(start, end, frames, words, lines)])])])``: the three segments that matter most to each event, with
    their shares and what is said.

    Args:
        model: Path of a config, or a config, of a :class:`VideoLanguageInference` or :class:`ViolinBase`.
        weights: Checkpoint.
        statements: Statements to judge, of inputs that bring none.
        encoder: Config of the encoder of words that the model was trained with.
        parser: Config of the parser of statements.
        features: Folder of ``<name>.npy``, or one such file, for subtitle files.
        subtitles: Folder of subtitle files, or one, for features.
        device: As in :class:`BaseInferencer`.
        show_progress: Show a progress bar.

    Raises:
        ValueError: (when called) no statement, a blank one, or a modality that the model needs is missing.
        ImportError: (when called) the parser's package is not installed.
    """

    extensions = (*SUBTITLE_EXTENSIONS, '.npy')

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        statements: Sequence[str] = (),
        encoder: dict = dict(type='vlplugins.TransformerSentenceEncoder', model='minilm'),  # noqa: B006
        parser: Optional[dict] = dict(type='vlplugins.SpacyStatementParser'),  # noqa: B006
        features: Optional[str] = None,
        subtitles: Optional[str] = None,
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        self.statements, self.encoder, self.parser = list(statements), encoder, parser
        self.features, self.subtitles = features, subtitles
        super().__init__(model, weights, device, show_progress)

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` for this task."""
        group = parser.add_argument_group('statements about clips (the inputs are .npy, .srt, .vtt or .json files)')
        group.add_argument('--statements', nargs='+', metavar='TEXT', help='what is to be judged of each clip')
        group.add_argument('--features', help='features of the frames of subtitle files: an .npy file, or a folder')
        group.add_argument('--subtitles', help='subtitles of feature files: a file, or a folder')

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Do what the arguments of :meth:`add_arguments` ask for."""
        self.statements = args.statements or self.statements
        self.features, self.subtitles = args.features or self.features, args.subtitles or self.subtitles

    def _init_pipeline(self, cfg: Config) -> Callable:
        model = cfg.model
        wanted = model.get('streams', (model.get('premise_encoder') or {}).get('modalities'))
        self.modalities = tuple(('video', 'subtitle') if wanted is None else wanted)
        self.video_channels = (model.get('premise_encoder') or model).get('video_channels')
        steps = find_pipeline(cfg)
        kept = {step['type'].rpartition('.')[2]: dict(step) for step in steps}
        self.rescale = kept.get('LoadClipFeatures', {}).get('rescale')
        self.max_rows = kept.get('LoadClipFeatures', {}).get('max_rows')
        align = dict(kept.get('AlignSegments', {}), type='vlplugins.AlignSegments')
        graph = dict(kept.get('LoadStatementGraph', {}), type='vlplugins.LoadStatementGraph', parser=self.parser)
        meta = ('video_id', 'subtitles', 'line_times', 'statements', 'graphs', 'duration')
        chosen = [dict(type='vlplugins.EncodeClipTexts', encoder=self.encoder), align, graph,
                  dict(type='vlplugins.PackInferenceInputs', meta_keys=meta)]  # fmt: skip
        with TRANSFORMS.switch_scope_and_registry(self.scope) as registry:
            transforms = [registry.build(step) for step in chosen]
        dim = transforms[0].encoder.dim
        if dim != model.get('text_channels'):
            raise ValueError(
                f'the encoder gives {dim} numbers a word, the model takes {model.get("text_channels")}; give the '
                'encoder that the model was trained with'
            )
        pipeline = Compose(transforms)
        return lambda item: pipeline(self.to_record(item))

    def _inputs_to_list(self, inputs: Any) -> List[Any]:
        items = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        found: List[Any] = []
        for item in items:
            found += [item] if isinstance(item, dict) else super()._inputs_to_list(item)
        counts = {len(self._statements_of(item)) for item in found}
        if len(counts) > 1:
            raise ValueError(f'inputs bring {sorted(counts)} statements; give each call inputs with equally many')
        return found

    def _statements_of(self, item: Any) -> List[str]:
        given = item.get('statements', self.statements) if isinstance(item, dict) else self.statements
        statements = [given] if isinstance(given, str) else list(given)
        if not statements:
            raise ValueError('no statement to judge; give statements=[...] (--statements)')
        blank = [text for text in statements if not has_words(text)]
        if blank:
            raise ValueError(f'the statement {blank[0]!r} has no words')
        return statements

    def to_record(self, item: Any) -> Dict[str, Any]:
        """Lines, features and statements of one input.

        Raises:
            ValueError: a modality is missing, features that are no table or of another width, subtitles that are no
                cues, or no clip at all.
        """
        given, name = self._given(item)
        cues, video = given.get('subtitles'), given.get('video')
        if 'subtitle' in self.modalities and cues is None:
            raise ValueError(f'{name} has no subtitles, which the model needs; give them (--subtitles)')
        if 'video' in self.modalities and video is None:
            raise ValueError(f'{name} has no features of frames, which the model needs; give them (--features)')
        if cues is None and video is None:
            raise ValueError(f'{name} has neither subtitles nor features of frames')
        if isinstance(cues, (str, Path)):
            cues = read_subtitles(cues, quiet=True)
        cues = sorted(check_cues(cues or [], name), key=lambda cue: cue['start'])
        record: Dict[str, Any] = dict(
            video_id=name,
            statements=self._statements_of(item),
            subtitles=[clean_statement(clean_subtitle(cue['text'])) for cue in cues],
            line_times=np.array([[cue['start'], cue['end']] for cue in cues], dtype=np.float32).reshape(-1, 2),
        )
        length = max([cue['end'] for cue in cues], default=0.0)
        if video is not None:
            record['features'] = dict(video=self._frames(video, name))
            length = length or float(len(record['features']['video']))
        record['duration'] = float(given.get('duration') or length)
        return record

    def _given(self, item: Any) -> tuple:
        """What an input brings, and its name."""
        if isinstance(item, dict):
            video = item.get('video')
            return item, Path(video).stem if isinstance(video, (str, Path)) else 'clip'
        path = Path(item)
        if path.suffix.lower() == '.npy':
            return dict(video=str(path), subtitles=_beside(self.subtitles, path.stem, SUBTITLE_EXTENSIONS)), path.stem
        return dict(subtitles=str(path), video=_beside(self.features, path.stem, ('.npy',))), path.stem

    def _frames(self, video: Any, name: str) -> np.ndarray:
        values = np.load(video, allow_pickle=False) if isinstance(video, (str, Path)) else np.asarray(video)
        if values.ndim != 2 or not len(values) or not np.isfinite(values).all():
            raise ValueError(f'the features of {name} have the shape {values.shape}; expected finite ones [T, D]')
        if 'video' in self.modalities and values.shape[1] != self.video_channels:
            width = f'{values.shape[1]} numbers a frame'
            raise ValueError(f'the features of {name} have {width}; the model takes {self.video_channels}')
        return rescale_features(values[: self.max_rows], self.rescale)

    def to_plain(self, sample: Any) -> Dict[str, Any]:
        """Plain data of one prediction."""
        found = []
        for number, text in enumerate(sample.statements):
            entry = dict(
                statement=text, score=float(sample.pred_score[number]), follows=bool(sample.pred_label[number] == 1)
            )
            if 'evidence' in sample:
                entry['events'] = self._events(sample, number)
            found.append(entry)
        return dict(input=sample.video_id, statements=found)

    @staticmethod
    def _events(sample: Any, number: int) -> List[Dict[str, Any]]:
        graph = sample.graphs[number]
        times, lines = sample.segment_times.tolist(), np.asarray(sample.line_times)
        owned, events = graph.atoms_of_events(), []
        for event in range(min(len(owned), sample.evidence.size(1))):
            words = sorted({*graph.sentence.actions[event], *(graph.sentence.atoms[atom] for atom in owned[event])})
            shares, score = sample.evidence[number, event], float(sample.event_scores[number, event])
            evidence = []
            for place in shares.sum(dim=1).argsort(descending=True)[:_TOP].tolist():
                start, end = times[place]
                inside = [line for line, (begin, last) in zip(sample.subtitles, lines) if last > start and begin < end]
                frames, said = shares[place].tolist()
                evidence.append(dict(start=round(start, 3), end=round(end, 3), frames=frames, words=said, lines=inside))
            events.append(
                dict(words=' '.join(graph.tokens[word] for word in words), score=None if np.isnan(score) else score,
                     evidence=evidence)
            )  # fmt: skip
        return events

    def picture_name(self, index: int, item: Any) -> str:
        """File name of the picture of an input."""
        return super().picture_name(index, self._given(item)[1])


def _beside(place: Optional[str], stem: str, endings: Sequence[str]) -> Optional[str]:
    """The file of a name in a folder, or the one file that is given; ``None`` where there is none."""
    if place is None:
        return None
    if not Path(place).exists():
        raise FileNotFoundError(f'no such file or folder: {place}')
    if not Path(place).is_dir():
        return place
    return next((str(path) for path in (Path(place, stem + ending) for ending in endings) if path.is_file()), None)
