"""Video-and-language inference: does a statement follow from a clip and its subtitles?"""

import logging
import os
from typing import Any, Dict, Iterator, List, Optional, Sequence

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from vlplugins.datasets.formats.text_files import read_json
from vlplugins.datasets.formats.violin_annotations import (
    PAIRS,
    SPLITS,
    ViolinFile,
    clean_statement,
    key_of,
    read_statement_types,
)
from vlplugins.datasets.sentence_graph import SPEECH, read_graphs
from vlplugins.registry import DATASETS
from vlplugins.structures.statement_graph import StatementGraph
from vlplugins.utils.records import RecordError, SkipCounter

STATEMENT_TYPES = (
    'visual recognition',
    'identifying character',
    'action recognition',
    'human dynamics',
    'conversation reasoning',
    'inferring reasons',
)
UNITS = ('statement', 'pair', 'clip')
_EVIDENCE = '{key of a statement: [start, end] in seconds, or null}'
REBUILD = 'python tools/dataset_converters/parse_statements.py violin_annotation.json --out'


@DATASETS.register_module()
class ViolinDataset(BaseDataset):
    """VIOLIN (Liu et al., CVPR 2020) from its released annotations; features lie in files for each clip.

    A record holds ``video_id``, ``split``, ``source``, ``duration``, ``subtitles`` and ``line_times``; of its
    statements ``statements``, ``pair_indices``, ``polarities`` (0 follows from the clip, 1 does not), ``gt_label`` (1
    and 0), ``graphs``, ``groups`` (kinds, by which a metric may tell them apart) and ``gt_evidence``; and
    ``feature_files``, ``feature_key`` and ``text_file`` for the transforms.

    Args:
        ann_file: ``violin_annotation.json``.
        split: ``'train'``, ``'validate'`` or ``'test'``.
        data_prefix: Folders: ``video`` of the features of frames, ``text`` of those of words; '' for none.
        graph_file: Graphs of all statements of the annotations, by ``tools/dataset_converters/parse_statements.py``;
            '' for none.
        type_file: Kinds of statements, which the release lacks; '' for none. See :func:`read_statement_types`.
        types: The kinds that there are.
        evidence_file: ``{key: [start, end] or null}``: seconds where a statement is seen; '' for none.
        unit: What an item is: ``'statement'``, judged alone; ``'pair'``: a clip with what follows from it and what does
            not; ``'clip'``: a clip with all six. By default pairs in training and statements in tests.
        feature_ext: Ending of the features of frames.
        skip_missing: Leave out, and count, clips without features; otherwise they are an error.
        strict: As in :class:`ViolinFile`.
        kwargs: Further arguments of MMEngine's ``BaseDataset``.

    Raises:
        ValueError: an unknown split or unit.
        FileNotFoundError: no annotations; no features of a clip.
        RecordError: as the readers of the files; no clip left.
    """

    METAINFO = dict(dataset='VIOLIN', classes=('contradicted', 'entailed'))

    def __init__(
        self,
        ann_file: str = 'violin_annotation.json',
        split: str = 'train',
        data_root: str = '',
        data_prefix: Optional[dict] = None,
        graph_file: str = '',
        type_file: str = '',
        types: Sequence[str] = STATEMENT_TYPES,
        evidence_file: str = '',
        unit: Optional[str] = None,
        feature_ext: str = '.npy',
        skip_missing: bool = False,
        strict: bool = True,
        test_mode: bool = False,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split {split!r} is unknown; expected one of {SPLITS}')
        unit = unit or ('statement' if test_mode else 'pair')
        if unit not in UNITS:
            raise ValueError(f'unit {unit!r} is unknown; expected one of {UNITS}')
        self.split, self.unit, self.types = split, unit, tuple(types)
        files = dict(graph_file=graph_file, type_file=type_file, evidence_file=evidence_file)
        self.files = {name: os.path.join(data_root, path) if path else '' for name, path in files.items()}
        self.feature_ext, self.skip_missing, self.strict = feature_ext, skip_missing, strict
        self.left_out = SkipCounter('clips')
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix={'video': '', 'text': '', **(data_prefix or {})},
            test_mode=test_mode,
            pipeline=list(pipeline),
            **kwargs,
        )

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read clips, graphs and kinds, and check that the features are there."""
        file = ViolinFile(self.ann_file, self.strict)
        print_log(file.summary(), 'current', level=logging.WARNING if file.report else logging.INFO)
        graphs: Dict[str, StatementGraph] = {}
        if self.files['graph_file']:
            graphs = read_graphs(self.files['graph_file'], file.statements, StatementGraph, REBUILD)
        clips = [clip for clip in file.clips if clip['split'] == self.split and self._is_usable(clip['clip_id'])]
        self.left_out.log()
        if not clips:
            raise RecordError(self.ann_file, f'no clip of {self.split!r} ({self.left_out.summary()})', 'at least one')
        types = {}
        if self.files['type_file']:
            types = read_statement_types(self.files['type_file'], [clip['clip_id'] for clip in clips], self.types)
        evidence = self._read_evidence()
        return [record for clip in clips for record in self._records(clip, graphs, types, evidence)]

    def _read_evidence(self) -> Dict[str, Any]:
        if not self.files['evidence_file']:
            return {}
        return read_json(self.files['evidence_file'], _EVIDENCE)

    def _is_usable(self, clip_id: str) -> bool:
        missing = [path for path in self._paths(clip_id).values() if not os.path.isfile(path)]
        if missing and not self.skip_missing:
            raise FileNotFoundError(f'no features of the clip {clip_id}: {missing[0]}')
        if missing:
            self.left_out.add('without features')
        return not missing

    def _paths(self, clip_id: str) -> Dict[str, str]:
        endings = dict(video=self.feature_ext, text='.npz')
        return {name: os.path.join(self.data_prefix[name], clip_id + ending)
                for name, ending in endings.items() if self.data_prefix[name]}  # fmt: skip

    def _records(
        self, clip: Dict[str, Any], graphs: Dict[str, StatementGraph], types: Dict[str, Any], evidence: Dict[str, Any]
    ) -> Iterator[Dict[str, Any]]:
        chosen = [(pair, polarity) for pair in range(PAIRS) for polarity in (0, 1)]
        size = dict(statement=1, pair=2, clip=len(chosen))[self.unit]
        groups = {(pair, polarity): self._groups(clip, pair, polarity, graphs, types) for pair, polarity in chosen}
        paths = self._paths(clip['clip_id'])
        for begin in range(0, len(chosen), size):
            part = chosen[begin : begin + size]
            keys = [key_of(clip['clip_id'], *each) for each in part]
            yield dict(
                video_id=clip['clip_id'],
                split=clip['split'],
                source=clip['source'],
                duration=clip['duration'],
                subtitles=[clean_statement(line) for line in clip['lines']],
                line_times=clip['times'],
                statements=[clip['statements'][pair][polarity] for pair, polarity in part],
                pair_indices=[pair for pair, _ in part],
                polarities=[polarity for _, polarity in part],
                gt_label=[1 - polarity for _, polarity in part],
                graphs=[graphs.get(key) for key in keys],
                groups=[groups[each] for each in part],
                gt_evidence=[evidence.get(key) for key in keys] if evidence else None,
                feature_files=dict(video=paths.get('video', '')),
                feature_key=clip['clip_id'],
                text_file=paths.get('text', ''),
            )

    def _groups(
        self, clip: Dict[str, Any], pair: int, polarity: int, graphs: Dict[str, StatementGraph], types: Dict[str, Any]
    ) -> Dict[str, List[str]]:
        """Kinds of a statement; those of both of a pair follow the real one, or a group would hold reals alone."""
        real, fake = (clean_statement(text).split() for text in clip['statements'][pair])
        words, union = set(real) & set(fake), set(real) | set(fake)
        count = len((real, fake)[polarity])
        groups = dict(
            source=[clip['source']],
            edit=['edited' if len(words) >= 0.4 * len(union) else 'matched'],
            statement_words=['<=12' if count <= 12 else '13-20' if count <= 20 else '>20'],
        )
        graph = graphs.get(key_of(clip['clip_id'], pair, 0))
        if graph is not None:
            groups.update(groups_of_graph(graph))
        if types:
            groups['type'] = types[clip['clip_id']][pair][polarity]
        return groups


def groups_of_graph(graph: StatementGraph) -> Dict[str, List[str]]:
    """Kinds of a statement by its graph: number of events, connectives, whether negated, whether somebody speaks."""
    events = len(graph.sentence.actions)
    lemmas = {graph.sentence.lemmas[span[0]] for span in graph.sentence.actions}
    return dict(
        events=[str(events) if events < 3 else '3+'],
        connective=[graph.kind_of_connectives()],
        negated=['yes' if any(graph.negated) else 'no'],
        speech=['yes' if lemmas & SPEECH else 'no'],
    )
