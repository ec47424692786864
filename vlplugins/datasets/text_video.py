"""What the data sets of text-video retrieval share: records, captions, and the common annotation file."""

import logging
import os
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.logging import print_log

from vlplugins.datasets.formats.text_files import read_ids, read_json
from vlplugins.datasets.formats.video_files import video_exists
from vlplugins.datasets.skip_bad import SkipBadDataset
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError, SkipCounter


def is_common_file(content: Any) -> bool:
    """Whether the content of a JSON file is that of ``tools/dataset_converters/text_video_to_json.py``."""
    return isinstance(content, dict) and isinstance(content.get('data_list'), list) and 'metainfo' in content


@DATASETS.register_module()
class TextVideoDataset(SkipBadDataset):
    """Videos with captions, of the common annotation file; base of the data sets in formats of their own.

    The common file is ``{"metainfo": {...}, "data_list": [{"video": "video7.mp4", "video_id": "video7", "captions":
    ["..."], "start": null, "end": null}]}``; ``video`` is relative to ``data_prefix['video']``, ``start`` and ``end``
    are seconds of the part that counts.

    A record holds ``video_path``, ``video_id``, ``video_index`` (one number for each distinct video), ``text``,
    ``text_indices`` (one number for each caption of the set), ``start`` and ``end``. In test mode a record is a video
    with the list of all its captions; in training a video with one caption.

    Videos without captions, and listed ids that the annotations lack, are left out and counted in one line of the log.
    Blank captions stay, and are counted too.

    Args:
        ann_file: Annotation file, relative to ``data_root`` or absolute.
        data_root: Root folder.
        data_prefix: ``dict(video=...)``: folder of the videos.
        split_file: List of the ids of a split, where the format has one.
        unfold: In training, every pair of a video and a caption is a record; otherwise every video is one, with a
            caption drawn anew whenever it is read.
        skip_missing: Leave out, and count, videos whose file does not exist. Otherwise reading one is an error.
        skip_bad: As in :class:`SkipBadDataset`; ``max_refetch`` limits the attempts.
        rng: Source of random numbers for drawn captions: a ``numpy.random.Generator``, or the module ``numpy.random``.
        pipeline: Transforms.
        kwargs: Further arguments of MMEngine's ``BaseDataset`` (``test_mode``, ``indices``, ``max_refetch``, ...).

    Raises:
        RecordError: (while loading) a missing or malformed file, a caption that is no string, no video left; (while
            reading) an unreadable video.
    """

    def __init__(
        self,
        ann_file: str = '',
        data_root: str = '',
        data_prefix: Optional[dict] = None,
        split_file: str = '',
        unfold: bool = True,
        skip_missing: bool = False,
        skip_bad: bool = False,
        rng: Any = np.random,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        self.split_file = self._rooted(split_file, data_root)
        self.unfold, self.skip_missing, self.rng = unfold, skip_missing, rng
        self.left_out = SkipCounter('videos')
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix={'video': '', **(data_prefix or {})},
            skip_bad=skip_bad,
            pipeline=list(pipeline),
            **kwargs,
        )
        self.skipped.what = 'videos'

    @staticmethod
    def _rooted(path: str, data_root: str) -> str:
        return os.path.join(data_root, path) if path and data_root else path

    def read_videos(self, content: Any) -> List[Dict[str, Any]]:
        """Entries ``dict(video, video_id, captions, start, end)`` of the own format of a data set.

        Args:
            content: Content of the annotation file if that is JSON, else ``None``.
        """
        raise RecordError(self.ann_file, 'JSON of another layout', '{"metainfo": ..., "data_list": [...]}')

    def load_data_list(self) -> List[Dict[str, Any]]:
        """Read the annotations, in the common format or in that of the data set."""
        content = read_json(self.ann_file, 'annotations in JSON') if self.ann_file.endswith('.json') else None
        if is_common_file(content):
            videos = self._read_common(content)
        else:
            videos = self.read_videos(content)
        videos = self._keep_usable(videos)
        self.left_out.log()
        if not videos:
            raise RecordError(
                self.split_file or self.ann_file, f'no usable video ({self.left_out.summary()})', 'at least one'
            )
        return self._to_records(videos)

    def _read_common(self, content: dict) -> List[Dict[str, Any]]:
        self._metainfo.update({key: value for key, value in content['metainfo'].items() if key not in self._metainfo})
        for number, entry in enumerate(content['data_list'], 1):
            lacking = {'video', 'video_id', 'captions'} - set(entry) if isinstance(entry, dict) else {'video'}
            if lacking:
                raise RecordError(self.ann_file, f'an entry without {sorted(lacking)}', 'an entry of a video', number)
        videos = [{'start': None, 'end': None, **entry} for entry in content['data_list']]
        if not self.split_file:
            return videos
        return self.select({video['video_id']: video for video in videos}, read_ids(self.split_file))

    def select(self, videos: Dict[str, Any], ids: Sequence[str]) -> List[Any]:
        """Values of the ids that there are; the others are counted."""
        found = [videos[each] for each in ids if each in videos]
        for _ in range(len(ids) - len(found)):
            self.left_out.add('not annotated')
        return found

    def _keep_usable(self, videos: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        blank, kept = 0, []
        for number, video in enumerate(videos, 1):
            blank += self._check_captions(video, number)
            path = self.video_path(video['video'])
            if not video['captions']:
                self.left_out.add('without captions')
            elif self.skip_missing and not video_exists(path):
                self.left_out.add('without a file')
            else:
                kept.append({**video, 'video_path': path})
        if blank:
            print_log(
                f'{self.ann_file or self.split_file}: {blank} blank captions kept', 'current', level=logging.WARNING
            )
        self.num_blank = blank
        return kept

    def video_path(self, video: str) -> str:
        """Path of a video, relative in the annotations."""
        return os.path.join(self.data_prefix['video'], video)

    def _check_captions(self, video: Dict[str, Any], number: int) -> int:
        captions = video['captions']
        wrong = [c for c in captions if not isinstance(c, str)] if isinstance(captions, list) else [captions]
        if wrong:
            record = f'{number} ({video["video_id"]})'
            raise RecordError(
                self.ann_file or self.split_file, f'the caption {wrong[0]!r}', 'a list of strings', record
            )
        return sum(not caption.strip() for caption in captions)

    def _to_records(self, videos: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        records: List[Dict[str, Any]] = []
        first = 0
        for index, video in enumerate(videos):
            captions = video['captions']
            shared = {key: video[key] for key in ('video_path', 'video_id', 'start', 'end')}
            shared['video_index'] = index
            numbers = list(range(first, first + len(captions)))
            first += len(captions)
            if self.test_mode or not self.unfold:
                records.append(dict(shared, text=captions, text_indices=numbers))
            else:
                records += [dict(shared, text=c, text_indices=[n]) for c, n in zip(captions, numbers)]
        return records

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """The record ``idx``; where captions are drawn, with one of them."""
        info = super().get_data_info(idx)
        if not self.test_mode and isinstance(info['text'], list):
            choice = int(self.rng.uniform(0, len(info['text']))) % len(info['text'])
            info['text'], info['text_indices'] = info['text'][choice], [info['text_indices'][choice]]
        # The name that mmaction's decoders know.
        info['filename'] = info['video_path']
        return info
