"""ActivityNet Captions for the retrieval of videos by paragraphs."""

import math
from typing import Any, Dict, List, Sequence

from vlplugins.datasets.formats.text_files import read_ids, read_json
from vlplugins.datasets.text_video import TextVideoDataset
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError


@DATASETS.register_module()
class ActivityNetParagraphDataset(TextVideoDataset):
    """ActivityNet Captions (Krishna et al., ICCV 2017): a video, and its sentences joined to one paragraph.

    ``ann_file`` is ``train.json`` (10,009 videos) or ``val_1.json`` (4,917): ``{"v_ID": {"duration": 82.73,
    "timestamps": [...], "sentences": [...]}}``. With the list of files that are still public and without the broken
    one, 9,933 and 4,869 videos are left.

    Args:
        video_paths_file: JSON dict from id without ``v_`` to file name. By default a video is ``v_ID<video_suffix>``.
        video_suffix: Ending of the videos, without ``video_paths_file``.
        exclude: Ids that are left out; one video of the validation set is broken.
        kwargs: Arguments of :class:`TextVideoDataset`; ``split_file`` is ``train_ids.json`` or ``val_ids.json``.

    Raises:
        RecordError: as there; an entry of another layout.
    """

    METAINFO = dict(dataset='ActivityNet Captions')

    def __init__(
        self,
        video_paths_file: str = '',
        video_suffix: str = '.mp4',
        exclude: Sequence[str] = ('v_NHznDFD3V3k',),
        **kwargs: Any,
    ) -> None:
        self.video_paths_file = self._rooted(video_paths_file, kwargs.get('data_root', ''))
        self.video_suffix, self.exclude = video_suffix, frozenset(exclude)
        super().__init__(**kwargs)

    def read_videos(self, content: Any) -> List[Dict[str, Any]]:
        """Videos of the split file, or all."""
        if not isinstance(content, dict):
            raise RecordError(self.ann_file, f'{type(content).__name__}', 'a JSON dict from id to captions')
        paths = read_json(self.video_paths_file, 'a dict from id to file') if self.video_paths_file else None
        ids = read_ids(self.split_file) if self.split_file else list(content)
        videos = []
        for video_id, entry in self.select({each: (each, entry) for each, entry in content.items()}, ids):
            name = video_id[2:] if video_id.startswith('v_') else video_id
            video = f'{video_id}{self.video_suffix}' if paths is None else paths.get(name)
            if video_id in self.exclude:
                self.left_out.add('known to be broken')
            elif video is None:
                self.left_out.add('without a path')
            else:
                videos.append(dict(self._entry(video_id, entry), video=video))
        return videos

    def _entry(self, video_id: str, entry: Any) -> Dict[str, Any]:
        sentences = entry.get('sentences') if isinstance(entry, dict) else None
        duration = entry.get('duration') if isinstance(entry, dict) else None
        if not isinstance(sentences, list) or not all(isinstance(each, str) for each in sentences):
            raise RecordError(self.ann_file, f'the sentences {sentences!r}'[:80], 'a list of strings', video_id)
        if not isinstance(duration, (int, float)) or not 0 < duration < math.inf:
            raise RecordError(self.ann_file, f'the duration {duration!r}', 'a positive number of seconds', video_id)
        captions = [' '.join(sentences)] if sentences else []
        return dict(video_id=video_id, captions=captions, start=0, end=math.ceil(duration))
