"""When a sentence happens in a video."""

import argparse
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Union

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer.infer import ModelType

from vlplugins.apis.base import BaseInferencer, find_pipeline
from vlplugins.registry import INFERENCERS, TASK_UTILS, TRANSFORMS
from vlplugins.structures.sentence_graph import SentenceGraph
from vlplugins.visualization.grounding_visualizer import mass_of_words

_EXPECTED = "dict(features='video.npy', sentence='person opens the door.', duration=30.0)"


@INFERENCERS.register_module()
class GroundingInferencer(BaseInferencer):
    """The moments of a video that a sentence describes.

    An input is ``dict(features, sentence, duration, graph)``: ``features`` is a file as :class:`LoadClipFeatures` reads
    it (``.npy``) or an array ``[T, D]``, which must come from the network that the model was trained on; ``duration``
    is that of the video in seconds; ``graph`` (a :class:`SentenceGraph`, or the dict of one) is parsed where it is not
    given. A path alone, or a folder of them, gets ``sentence`` and ``duration`` of the inferencer. A prediction is
    ``dict(input, sentence, duration, segments=[dict(start, end, score)], words=[dict(word, mass)])``: seconds, best
    first; ``mass`` is how much of each word of the graph is at each position of the video.

    Args:
        model: Path of a config, or a config, of a :class:`TemporalGrounder`.
        weights: Checkpoint.
        parser: Config of the parser of sentences.
        sentence: The sentence of inputs that are files alone.
        duration: Their duration.
        seconds_per_row: Seconds of a row of the features: the duration of inputs that have none.
        device: As in :class:`BaseInferencer`.
        show_progress: Show a progress bar.

    Raises:
        ImportError: (when called) a sentence without graph, and the parser's package is not installed.
        ValueError: (when called) an input without sentence or duration, or features of another width.
    """

    extensions = ('.npy',)

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        parser: dict = dict(type='vlplugins.SpacySentenceParser'),  # noqa: B006
        sentence: Optional[str] = None,
        duration: Optional[float] = None,
        seconds_per_row: Optional[float] = None,
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        self.parser = TASK_UTILS.build(parser)
        self.sentence, self.duration, self.seconds_per_row = sentence, duration, seconds_per_row
        super().__init__(model, weights, device, show_progress)
        self.model.return_correspondence = True

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` for this task."""
        group = parser.add_argument_group('moments of a video (the inputs are .npy files of features [T, D])')
        group.add_argument('--sentence', required=True, help='what to look for, in all videos')
        group.add_argument('--duration', type=float, help='seconds of the video')
        group.add_argument('--seconds-per-row', type=float, help='seconds of a row of features, instead of --duration')

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Do what the arguments of :meth:`add_arguments` ask for."""
        self.sentence = args.sentence
        self.duration = args.duration or self.duration
        self.seconds_per_row = args.seconds_per_row or self.seconds_per_row

    def _init_pipeline(self, cfg: Config) -> Callable:
        steps = find_pipeline(cfg)
        self.channels = cfg.model.video_encoder.in_channels
        with TRANSFORMS.switch_scope_and_registry(self.scope) as registry:
            load = [registry.build(step) for step in steps if step['type'].endswith('LoadClipFeatures')]
            rest = [registry.build(step) for step in steps if not step['type'].endswith('LoadClipFeatures')]
        load, rest = Compose(load), Compose(rest)

        def prepare(item: Any) -> Any:
            record = self.to_record(item)
            record = record if 'features' in record else load(record)
            if record['duration'] is None:
                record['duration'] = self._duration_of(record)
            return rest(record)

        return prepare

    def _duration_of(self, record: Dict[str, Any]) -> float:
        if self.seconds_per_row is None:
            raise ValueError(f'{record["video_id"]} has no duration; give duration or seconds_per_row, as {_EXPECTED}')
        return self.seconds_per_row * len(record['features']['video'])

    def _inputs_to_list(self, inputs: Any) -> List[Dict[str, Any]]:
        items = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        found: List[Dict[str, Any]] = []
        for item in items:
            if isinstance(item, dict):
                found.append(item)
            else:
                found += [dict(features=path) for path in super()._inputs_to_list(item)]
        return found

    def to_record(self, item: Dict[str, Any]) -> Dict[str, Any]:
        """Features, sentence and graph of one input."""
        features, sentence = item.get('features'), item.get('sentence', self.sentence)
        if features is None or not sentence or not sentence.strip():
            raise ValueError(f'an input has the keys {sorted(item)}; expected {_EXPECTED}')
        is_file = isinstance(features, (str, Path))
        name = Path(features).stem if is_file else str(item.get('name', 'array'))
        record = dict(
            video_id=name,
            query_id=name,
            sentence=sentence.strip(),
            duration=item.get('duration', self.duration),
            graph=self._graph_of(item.get('graph'), sentence),
        )
        if is_file:
            if not Path(features).is_file():
                raise FileNotFoundError(f'no such features: {features}')
            return dict(record, feature_files=dict(video=str(features)), feature_key=name)
        array = np.asarray(features, dtype=np.float32)
        if array.ndim != 2 or not len(array) or array.shape[1] != self.channels or not np.isfinite(array).all():
            raise ValueError(f'features {array.shape} of {name}; expected finite ones [T, {self.channels}]')
        return dict(record, features=dict(video=array))

    def _graph_of(self, graph: Any, sentence: str) -> SentenceGraph:
        if graph is None:
            return next(iter(self.parser.graphs([sentence])))
        return SentenceGraph.from_dict(graph) if isinstance(graph, dict) else graph

    def to_plain(self, sample: Any) -> Dict[str, Any]:
        """Plain data of one prediction."""
        found = sample.pred_instances.cpu()
        segments = [
            dict(start=round(start, 3), end=round(end, 3), score=score)
            for (start, end), score in zip(found.segments.tolist(), found.scores.tolist())
        ]
        return dict(
            input=sample.video_id,
            sentence=sample.sentence,
            duration=sample.duration,
            segments=segments,
            words=[dict(word=word, mass=row.tolist()) for word, row in mass_of_words(sample)],
        )

    def picture_name(self, index: int, item: Dict[str, Any]) -> str:
        """File name of the picture of an input."""
        features = item['features']
        return super().picture_name(index, features if isinstance(features, (str, Path)) else 'array')
