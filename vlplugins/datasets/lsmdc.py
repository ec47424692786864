"""LSMDC for retrieval."""

from typing import Any, Dict, List

from vlplugins.datasets.formats.text_files import read_json, read_text
from vlplugins.datasets.text_video import TextVideoDataset
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError

_COLUMNS = 6


def read_rows(path: str) -> List[List[str]]:
    """Rows of an annotation file of LSMDC: clip, four times, sentence, parted by tabs; quotes are literal.

    Raises:
        RecordError: a row without six columns.
    """
    rows = []
    for number, line in enumerate(read_text(path, 'an annotation file of LSMDC').split('\n'), 1):
        if not line.strip():
            continue
        row = line.rstrip('\r').split('\t')
        if len(row) != _COLUMNS:
            raise RecordError(path, f'{len(row)} columns', f'{_COLUMNS}, parted by tabs', f'line {number}')
        rows.append(row)
    return rows


@DATASETS.register_module()
class LSMDCRetrievalDataset(TextVideoDataset):
    """LSMDC 2016 (Rohrbach et al., IJCV 2017): 118,081 clips of 202 films, one sentence each.

    ``ann_file`` is ``LSMDC16_annos_training.csv``, ``LSMDC16_annos_val.csv`` or
    ``LSMDC16_challenge_1000_publictect.csv`` (the test set: 1,000 clips, 995 distinct sentences, so that R@1 cannot
    reach 100). Sentences of a clip that occurs again are joined to its captions.

    Args:
        video_paths_file: JSON dict from clip to path. By default a clip is ``<film>/<clip><video_suffix>``.
        video_suffix: Ending of the videos, without ``video_paths_file``.
        kwargs: Arguments of :class:`TextVideoDataset`.

    Raises:
        RecordError: as there; a row without six columns.
    """

    METAINFO = dict(dataset='LSMDC')

    def __init__(self, video_paths_file: str = '', video_suffix: str = '.avi', **kwargs: Any) -> None:
        self.video_paths_file = self._rooted(video_paths_file, kwargs.get('data_root', ''))
        self.video_suffix = video_suffix
        super().__init__(**kwargs)

    def read_videos(self, content: Any) -> List[Dict[str, Any]]:
        """Clips of the annotation file in their order."""
        paths = read_json(self.video_paths_file, 'a dict from clip to path') if self.video_paths_file else None
        captions: Dict[str, List[str]] = {}
        for row in read_rows(self.ann_file):
            captions.setdefault(row[0], []).append(row[-1].strip())
        videos = []
        for clip, sentences in captions.items():
            video = self._default_path(clip) if paths is None else paths.get(clip)
            if video is None:
                self.left_out.add('without a path')
                continue
            videos.append(dict(video=video, video_id=clip, captions=sentences, start=None, end=None))
        return videos

    def _default_path(self, clip: str) -> str:
        # The name of the film is what stands before the times: 3086_UGLY_TRUTH_00.23.23.000-00.23.28.886.
        return f'{clip.rpartition("_")[0]}/{clip}{self.video_suffix}'
