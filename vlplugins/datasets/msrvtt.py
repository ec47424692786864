"""MSR-VTT for retrieval."""

from typing import Any, Dict, List

from vlplugins.datasets.formats.text_files import read_text
from vlplugins.datasets.text_video import TextVideoDataset
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError

_ID_HEADER = ['video_id']
_TEST_HEADER = ['key', 'vid_key', 'video_id', 'sentence']


def read_csv(path: str) -> List[Dict[str, str]]:
    """Rows of a split file of MSR-VTT, ``video_id`` alone or the test set with sentences, by column.

    Raises:
        RecordError: another header, or a row with another number of columns.
    """
    lines = read_text(path, 'a split file of MSR-VTT').splitlines()
    header = [name.strip() for name in lines[0].split(',')] if lines else []
    if header not in (_ID_HEADER, _TEST_HEADER):
        raise RecordError(path, f'the header {header}', f'{_ID_HEADER} or {_TEST_HEADER}', 'line 1')
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        # The sentence comes last, so that a comma in it does no harm.
        values = line.split(',', len(header) - 1) if len(header) > 1 else [line]
        if len(values) != len(header) or (len(header) == 1 and ',' in line):
            found = f'{len(line.split(","))} columns ({line!r})'
            raise RecordError(path, found, f'{len(header)} columns', f'line {number}')
        row = dict(zip(header, (value.strip() for value in values)))
        sentence = row.get('sentence', '')
        if len(sentence) > 1 and sentence[0] == sentence[-1] == '"':
            row['sentence'] = sentence[1:-1].replace('""', '"')
        rows.append(row)
    return rows


@DATASETS.register_module()
class MSRVTTRetrievalDataset(TextVideoDataset):
    """MSR-VTT (Xu et al., CVPR 2016): 10,000 videos with 20 captions each.

    Training takes ``ann_file='MSRVTT_data.json'`` and ``split_file='MSRVTT_train.9k.csv'`` (9,000 videos, 180,000
    pairs) or ``'MSRVTT_train.7k.csv'`` (7,010 videos, 140,200 pairs). The test set "1k-A" is
    ``split_file='MSRVTT_JSFUSION_test.csv'`` alone: 1,000 videos with the one caption that it gives.

    Args:
        video_suffix: Ending of the videos; ``''`` for folders of frames.
        kwargs: Arguments of :class:`TextVideoDataset`.

    Raises:
        RecordError: as there; a split file with another header; an entry of another layout.
    """

    METAINFO = dict(dataset='MSR-VTT')

    def __init__(self, video_suffix: str = '.mp4', **kwargs: Any) -> None:
        self.video_suffix = video_suffix
        super().__init__(**kwargs)

    def read_videos(self, content: Any) -> List[Dict[str, Any]]:
        """Videos of the split file, or all."""
        rows = read_csv(self.split_file) if self.split_file else None
        if rows and 'sentence' in rows[0]:
            captions: Dict[str, List[str]] = {}
            for row in rows:
                captions.setdefault(row['video_id'], []).append(row['sentence'])
            return [self._entry(video, captions[video]) for video in captions]
        captions = self._read_sentences(content)
        ids = list(captions) if rows is None else list(dict.fromkeys(row['video_id'] for row in rows))
        return self.select({video: self._entry(video, texts) for video, texts in captions.items()}, ids)

    def _entry(self, video_id: str, captions: List[str]) -> Dict[str, Any]:
        return dict(video=f'{video_id}{self.video_suffix}', video_id=video_id, captions=captions, start=None, end=None)

    def _read_sentences(self, content: Any) -> Dict[str, List[str]]:
        sentences = content.get('sentences') if isinstance(content, dict) else None
        if not isinstance(sentences, list):
            raise RecordError(self.ann_file, 'no list "sentences"', 'MSRVTT_data.json', 'sentences')
        captions: Dict[str, List[str]] = {}
        for number, sentence in enumerate(sentences):
            if not isinstance(sentence, dict) or not isinstance(sentence.get('video_id'), str):
                raise RecordError(self.ann_file, repr(sentence)[:80], 'a caption with video_id', f'sentence {number}')
            if not isinstance(sentence.get('caption'), str):
                found = f'the caption {sentence.get("caption")!r}'
                raise RecordError(self.ann_file, found, 'a string', f'sentence {number}')
            captions.setdefault(sentence['video_id'], []).append(sentence['caption'])
        return captions
