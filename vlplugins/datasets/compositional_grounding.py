"""Compositional temporal grounding: videos, sentences, and the segments that they describe."""

import hashlib
import logging
import os
from typing import Any, Dict, List, Optional, Sequence

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from vlplugins.datasets.formats.compositional_annotations import SPLITS, CompositionalFile
from vlplugins.datasets.sentence_graph import key_of, read_graphs
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError, SkipCounter


@DATASETS.register_module()
class CompositionalGroundingDataset(BaseDataset):
    """One record for each video and sentence (Li et al., CVPR 2022), from the released files.

    A record holds ``video_id``, ``query_id`` (``<split>/<video>#<number>``: a sentence may be in two splits),
    ``sentence``, ``segment`` (start and end in seconds), ``duration``, ``novel`` (as :class:`CompositionalFile`),
    ``split``, ``graph`` (a :class:`SentenceGraph`, where there is a graph file), and for :class:`LoadClipFeatures`
    ``feature_files`` (a file for each video and modality) and ``feature_key``.

    Args:
        ann_file: ``train.json``, ``test_trivial.json``, ``novel_composition.json``, ``novel_word.json``, or another
            file of their layout.
        graph_file: Graphs of its sentences, by ``tools/dataset_converters/parse_query_graphs.py``; relative to
            ``data_root``. '' for none.
        split: Name of the split; that of the file by default.
        data_prefix: Folder of the features of each modality: ``<video id><feature_ext>``.
        feature_ext: Ending of the feature files.
        val_fraction: Share of the videos, chosen by a digest of their id, that are held out of a training file for
            validation: the sets have no validation split, and to select a model on a test split is leakage.
        subset: ``'train'``: all but the held-out videos; ``'val'``: these, with ``'val'`` as their split; ``None``:
            all.
        skip_missing: Leave out, and count, videos without features; otherwise they are an error.
        strict: Refuse segments that begin after the end of the video.
        kwargs: Further arguments of MMEngine's ``BaseDataset``.

    Raises:
        FileNotFoundError: no annotations; no features of a video.
        RecordError: as :class:`CompositionalFile` and :func:`read_graphs`; no query left.
        ValueError: an unknown subset, or a subset without ``val_fraction``.
    """

    METAINFO = dict(dataset='compositional grounding')

    def __init__(
        self,
        ann_file: str = '',
        graph_file: str = '',
        split: Optional[str] = None,
        data_root: str = '',
        data_prefix: Optional[dict] = None,
        feature_ext: str = '.npy',
        val_fraction: float = 0.0,
        subset: Optional[str] = None,
        skip_missing: bool = False,
        strict: bool = False,
        test_mode: bool = False,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        if subset not in (None, 'train', 'val'):
            raise ValueError(f"subset {subset!r} is unknown; expected 'train', 'val' or None")
        if subset is not None and not 0 < val_fraction < 1:
            raise ValueError(f'subset={subset!r} needs a val_fraction between 0 and 1, not {val_fraction}')
        self.graph_file = os.path.join(data_root, graph_file) if graph_file else ''
        self.split = split or os.path.splitext(os.path.basename(ann_file))[0]
        self.feature_ext, self.val_fraction, self.subset = feature_ext, val_fraction, subset
        self.skip_missing, self.strict = skip_missing, strict
        self.left_out = SkipCounter('videos')
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix={'video': '', **(data_prefix or {})},
            test_mode=test_mode,
            pipeline=list(pipeline),
            **kwargs,
        )

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read the queries and their graphs, and check that their features are there."""
        file = CompositionalFile(self.ann_file, is_test=self.test_mode, strict=self.strict)
        self.check_counts(file)
        print_log(file.summary(), 'current', level=logging.INFO if len(file.report) <= 2 else logging.WARNING)
        graphs = read_graphs(self.graph_file, file.sentences) if self.graph_file else {}
        usable = self._usable_videos(file)
        records = [self._to_record(query, graphs) for query in file.queries if query['video_id'] in usable]
        self.left_out.log()
        if not records:
            raise RecordError(self.ann_file, f'no query ({self.left_out.summary()})', 'at least one')
        return records

    def check_counts(self, file: CompositionalFile) -> None:
        """Compare with the counts of a released file, where they are known."""

    def _usable_videos(self, file: CompositionalFile) -> set:
        videos = dict.fromkeys(query['video_id'] for query in file.queries)
        if self.subset is not None:
            videos = {each: None for each in videos if self._is_held_out(each) == (self.subset == 'val')}
        usable = set()
        for video_id in videos:
            missing = [path for path in self._files(video_id).values() if not os.path.isfile(path)]
            if missing and not self.skip_missing:
                raise FileNotFoundError(f'no features of the video {video_id}: {missing[0]}')
            if missing:
                self.left_out.add('without features')
            else:
                usable.add(video_id)
        return usable

    def _is_held_out(self, video_id: str) -> bool:
        return int(hashlib.sha1(video_id.encode()).hexdigest(), 16) % 1000 < round(1000 * self.val_fraction)

    def _files(self, video_id: str) -> Dict[str, str]:
        return {name: os.path.join(folder, video_id + self.feature_ext) for name, folder in self.data_prefix.items()}

    def _to_record(self, query: Dict[str, Any], graphs: Dict[str, Any]) -> Dict[str, Any]:
        key = key_of(query['video_id'], query['number'])
        # What is held out of the training split is judged under a name of its own.
        split = 'val' if self.subset == 'val' else self.split
        record = dict(query, split=split, query_id=f'{split}/{key}')
        record.update(feature_files=self._files(query['video_id']), feature_key=query['video_id'])
        if key in graphs:
            record['graph'] = graphs[key]
        return record


class _ReleasedSplits(CompositionalGroundingDataset):
    """A set whose files, and their counts of videos and queries, are known."""

    COUNTS: Dict[str, tuple] = {}

    def __init__(
        self, split: str = 'train', ann_file: str = '', graph_file: Optional[str] = None, **kwargs: Any
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f'split {split!r} is unknown; expected one of {SPLITS}')
        graph_file = f'graphs/{split}.json' if graph_file is None else graph_file
        super().__init__(ann_file=ann_file or f'{split}.json', graph_file=graph_file, split=split, **kwargs)

    def check_counts(self, file: CompositionalFile) -> None:
        """Log where a file differs from the released one."""
        # What was left out was in the file, too.
        left_out = sum(count for name, count in file.report.items() if name.endswith('left out'))
        found = file.report['videos'], file.report['queries'] + left_out
        if found != self.COUNTS[self.split]:
            message = f'{self.ann_file}: {found} videos, queries; the released file has {self.COUNTS[self.split]}'
            print_log(message, 'current', level=logging.WARNING)


@DATASETS.register_module()
class CharadesCG(_ReleasedSplits):
    """Charades-CG: the compositional splits of Charades-STA; ``<split>.json`` and ``graphs/<split>.json``.

    The paper counts 588 videos and 703 queries of novel words, the released file 580 and 695.

    Args:
        split: ``'train'``, ``'test_trivial'``, ``'novel_composition'`` or ``'novel_word'``.
        ann_file: Another name of the file.
        graph_file: Another name of the graphs; '' for none.
        kwargs: Further arguments of :class:`CompositionalGroundingDataset`.
    """

    METAINFO = dict(dataset='Charades-CG')
    COUNTS = dict(train=(3555, 8281), test_trivial=(1689, 3096), novel_composition=(2480, 3442), novel_word=(580, 695))


@DATASETS.register_module()
class ActivityNetCG(_ReleasedSplits):
    """ActivityNet-CG: the compositional splits of ActivityNet Captions; arguments as :class:`CharadesCG`.

    The paper counts 2,011 videos and 3,944 queries of novel words, the released file 1,991 and 3,920.
    """

    METAINFO = dict(dataset='ActivityNet-CG')
    COUNTS = dict(
        train=(9659, 36724), test_trivial=(4775, 15712), novel_composition=(4202, 12028), novel_word=(1991, 3920)
    )
