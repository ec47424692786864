"""MSVD for retrieval."""

from typing import Any, Dict, List

from vlplugins.datasets.formats.text_files import read_ids
from vlplugins.datasets.text_video import TextVideoDataset
from vlplugins.registry import DATASETS
from vlplugins.utils import safe_pickle
from vlplugins.utils.records import RecordError


@DATASETS.register_module()
class MSVDRetrievalDataset(TextVideoDataset):
    """MSVD (Chen and Dolan, ACL 2011): 1,970 clips with about 40 captions each; 1,200, 100 and 670 of them.

    ``ann_file='raw-captions.pkl'`` is a pickle of a dict from clip to captions, each a list of words; it is read by a
    restricted unpickler. ``split_file`` is ``train_list.txt``, ``val_list.txt`` or ``test_list.txt``.

    Args:
        video_suffix: Ending of the videos; ``''`` for folders of frames.
        kwargs: Arguments of :class:`TextVideoDataset`.

    Raises:
        RecordError: as there; a pickle of another layout.
        UnsafePickleError: a pickle that names anything but plain data.
    """

    METAINFO = dict(dataset='MSVD')

    def __init__(self, video_suffix: str = '.avi', **kwargs: Any) -> None:
        self.video_suffix = video_suffix
        super().__init__(**kwargs)

    def read_videos(self, content: Any) -> List[Dict[str, Any]]:
        """Clips of the split file, or all."""
        try:
            captions = safe_pickle.load(self.ann_file)
        except FileNotFoundError:
            raise RecordError(self.ann_file, 'no such file', 'raw-captions.pkl') from None
        if not isinstance(captions, dict):
            raise RecordError(self.ann_file, f'a {type(captions).__name__}', 'a dict from clip to captions')
        ids = read_ids(self.split_file) if self.split_file else list(captions)
        videos = self.select({clip: (clip, texts) for clip, texts in captions.items()}, ids)
        return [self._entry(clip, texts) for clip, texts in videos]

    def _entry(self, clip: str, captions: Any) -> Dict[str, Any]:
        if not isinstance(captions, (list, tuple)):
            raise RecordError(self.ann_file, repr(captions)[:80], 'a list of captions', clip)
        texts = [self._join(clip, caption) for caption in captions]
        return dict(video=f'{clip}{self.video_suffix}', video_id=clip, captions=texts, start=None, end=None)

    def _join(self, clip: str, caption: Any) -> str:
        # A string would be joined letter by letter.
        if not isinstance(caption, (list, tuple)) or not all(isinstance(word, str) for word in caption):
            raise RecordError(self.ann_file, f'the caption {caption!r}'[:80], 'a list of words', clip)
        return ' '.join(caption)
