"""Temporal Emotion Localization: clips of films, their subtitles, and the emotions in them."""

import logging
import os
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from vlplugins.datasets.formats.tel_annotations import TELFile
from vlplugins.datasets.formats.tel_emotion_words import TEL_CLASSES
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError


@DATASETS.register_module()
class TELDataset(BaseDataset):
    """Clips of MovieGraphs with subtitles and emotions (Li et al., ACM Multimedia 2022), from the released files.

    A record holds ``video_id``, ``times`` (float32 ``[N, 2]``, seconds from the start of the clip), ``subtitles`` (N
    strings), ``gt_labels`` (float32 ``[18]``), ``gt_label_counts`` (int64 ``[18]``), with boundaries ``gt_segments``
    (booleans ``[N, 18]``), and for :class:`LoadClipFeatures` ``feature_files`` (one ``.npz`` for each film and
    modality) and ``feature_key``.

    Args:
        ann_file: ``train.json``, ``test.json``, or what ``tools/dataset_converters/tel.py`` makes of them.
        data_prefix: Folder of the features of each modality.
        modalities: Modalities whose features are read; ``()`` where text is encoded in the pipeline.
        require_segments: Read boundaries, and refuse a file without them; by default in test mode.
        max_missing: Films whose feature files may be missing; -1 for any number.
        movies: Ids of the films to take; all by default.
        exclude_movies: Ids of films to leave out, such as those held out for validation.
        kwargs: Further arguments of MMEngine's ``BaseDataset``.

    Raises:
        RecordError: as :class:`TELFile`; feature files that are missing, of which five are named.
        ValueError: a film that the file does not have.
    """

    METAINFO = dict(dataset='TEL', classes=TEL_CLASSES)

    def __init__(
        self,
        ann_file: str = '',
        data_prefix: Optional[dict] = None,
        modalities: Sequence[str] = ('video', 'text'),
        require_segments: Optional[bool] = None,
        max_missing: int = 0,
        movies: Optional[Sequence[str]] = None,
        exclude_movies: Sequence[str] = (),
        test_mode: bool = False,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        self.modalities = tuple(modalities)
        self.require_segments = test_mode if require_segments is None else require_segments
        self.max_missing = max_missing
        self.movies, self.exclude_movies = movies, tuple(exclude_movies)
        prefix = {**dict.fromkeys(self.modalities, ''), **(data_prefix or {})}
        super().__init__(ann_file=ann_file, data_prefix=prefix, test_mode=test_mode, pipeline=list(pipeline), **kwargs)

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read, choose films, and check that their features are there."""
        file = TELFile(self.ann_file, with_segments=self.require_segments)
        irregular = ('boundaries not used', 'clips without lines', 'clips without emotions', 'lines without length')
        level = logging.WARNING if any(file.report[name] for name in irregular) else logging.INFO
        print_log(file.summary(), 'current', level=level)
        clips = self._choose(file.clips)
        if not clips:
            raise RecordError(self.ann_file, 'no clip', 'at least one')
        records = [self._to_record(clip) for clip in clips]
        self._check_features(records)
        return records

    def _choose(self, clips: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        known = {clip['imdb'] for clip in clips}
        unknown = sorted(set(self.movies or ()) - known)
        if unknown:
            raise ValueError(f'{self.ann_file} has no film {unknown[0]}; it has {sorted(known)}')
        wanted = (known if self.movies is None else set(self.movies)) - set(self.exclude_movies)
        return [clip for clip in clips if clip['imdb'] in wanted]

    def _to_record(self, clip: Dict[str, Any]) -> Dict[str, Any]:
        labels = np.zeros(len(TEL_CLASSES), dtype=np.float32)
        counts = np.zeros(len(TEL_CLASSES), dtype=np.int64)
        labels[clip['labels']], counts[clip['labels']] = 1, clip['label_counts']
        record = dict(
            video_id=clip['video_id'],
            times=clip['times'],
            subtitles=clip['subtitles'],
            gt_labels=labels,
            gt_label_counts=counts,
            feature_key=clip['clip'],
            feature_files={
                name: os.path.join(self.data_prefix[name], f'{clip["imdb"]}.npz') for name in self.modalities
            },
        )
        if clip['segments'] is not None:
            record['gt_segments'] = np.zeros((len(clip['times']), len(TEL_CLASSES)), dtype=bool)
            for label, lines in clip['segments'].items():
                record['gt_segments'][lines, label] = True
        return record

    def _check_features(self, records: List[Dict[str, Any]]) -> None:
        paths = sorted({path for record in records for path in record['feature_files'].values()})
        missing = [path for path in paths if not os.path.isfile(path)]
        if 0 <= self.max_missing < len(missing):
            raise RecordError(
                self.ann_file,
                f'{len(missing)} of {len(paths)} feature files missing: {", ".join(missing[:5])}',
                'one .npz for each film and modality',
            )
