"""Captions beside images: phrases to tokens, flips that keep a caption true, and what a model takes."""

import re
from typing import Any, Dict, Optional, Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData

from vlplugins.registry import TASK_UTILS, TRANSFORMS
from vlplugins.structures.region_phrase_data_sample import RegionPhraseDataSample
from vlplugins.utils.records import RecordError, SkipCounter


@TRANSFORMS.register_module()
class MapPhraseSpans(BaseTransform):
    """Phrases in characters (``phrases`` of a record) to phrases in tokens: ``phrase_spans``, int64 ``[N, 2]``.

    A token belongs to a phrase if they share a character. A phrase that the end of the tokens cuts is left out, and
    counted in ``dropped``. Adds ``phrase_texts``. Needs ``token_offsets`` of :class:`Tokenize`.

    Args:
        chunker: Config of what finds phrases in captions without any, such as :class:`RuleNounPhraseChunker`; ``None``:
            these have none.
        max_phrases: The first so many phrases are kept; ``None``: all.

    Raises:
        ValueError: (when called) no ``token_offsets``, or a list of texts.
    """

    def __init__(self, chunker: Optional[dict] = None, max_phrases: Optional[int] = None) -> None:
        self.chunker = None if chunker is None else TASK_UTILS.build(chunker)
        self.max_phrases = max_phrases
        self.dropped = SkipCounter('phrases')

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add ``phrase_spans`` and ``phrase_texts``."""
        text, offsets = results['text'], results.get('token_offsets')
        if offsets is None or not isinstance(text, str):
            raise ValueError('phrases need one text, and token_offsets: Tokenize(with_offsets=True) gives them')
        phrases = results.get('phrases')
        if phrases is None:
            phrases = [] if self.chunker is None else self.chunker(text)
        spans, names = [], []
        last = offsets[:, 1].max()
        for start, end in phrases:
            words = text[start:end]
            if start + len(words.rstrip()) > last:
                self.dropped.add('cut by the end of the tokens')
                continue
            inside = np.flatnonzero(np.maximum(offsets[:, 0], start) < np.minimum(offsets[:, 1], end))
            if not len(inside):
                self.dropped.add('without a token')
                continue
            spans.append((inside[0], inside[-1] + 1))
            names.append(words.strip())
        results['phrase_spans'] = np.array(spans[: self.max_phrases], dtype=np.int64).reshape(-1, 2)
        results['phrase_texts'] = names[: self.max_phrases]
        return results


@TRANSFORMS.register_module()
class CaptionSafeFlip(BaseTransform):
    """Mirrors the image, unless its caption says left or right.

    Args:
        prob: Probability of a flip.
        words: Whole words, in lower case, that forbid it.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.
    """

    def __init__(
        self,
        prob: float = 0.5,
        words: Sequence[str] = ('left', 'right', 'leftmost', 'rightmost', 'leftward', 'rightward'),
        rng: Any = np.random,
    ) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob {prob} must be from 0 to 1')
        self.prob, self.rng = prob, rng
        self.forbidding = re.compile(rf'\b({"|".join(map(re.escape, words))})\b', re.IGNORECASE)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Flip ``img``, or not; adds ``flip``."""
        text = results['text']
        texts = [text] if isinstance(text, str) else text
        # Drawn in any case: the numbers of later records do not depend on a caption.
        wanted = self.rng.uniform() < self.prob
        results['flip'] = bool(wanted and not any(self.forbidding.search(each) for each in texts))
        if results['flip']:
            results['img'] = np.ascontiguousarray(results['img'][:, ::-1])
        return results


@TRANSFORMS.register_module()
class PackVLInputs(BaseTransform):
    """Packs an image and its texts.

    ``inputs``: ``image`` (uint8 ``[3, H, W]``, BGR as it is loaded), ``text_ids`` (int64 ``[M]``, or ``[C, M]`` of C
    texts) where there are any, ``phrase_spans`` (int64 ``[N, 2]``) likewise. ``data_samples``: a
    :class:`RegionPhraseDataSample`.

    Args:
        meta_keys: Keys of the results that become meta information of the sample, where present.
        min_size: Fewest pixels on a side of the file.

    Raises:
        RecordError: (when called) a smaller image.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'img_path',
            'img_id',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'text',
            'image_index',
            'text_indices',
            'ref_id',
            'sent_id',
            'sample_idx',
            'split',
        ),
        min_size: int = 2,
    ) -> None:
        self.meta_keys, self.min_size = tuple(meta_keys), min_size

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        sample = RegionPhraseDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        inputs: Dict[str, Any] = {}
        if 'img' in results:
            shape = results.get('ori_shape', results['img'].shape[:2])
            if min(shape) < self.min_size:
                expected = f'at least {self.min_size} pixels on a side'
                raise RecordError(results.get('img_path', 'array'), f'an image of {tuple(shape)}', expected)
            inputs['image'] = torch.from_numpy(np.ascontiguousarray(results['img'].transpose(2, 0, 1)))
        if 'text_ids' in results:
            inputs['text_ids'] = torch.as_tensor(results['text_ids'], dtype=torch.long)
        if 'phrase_spans' in results:
            inputs['phrase_spans'] = torch.from_numpy(results['phrase_spans'])
            sample.set_phrases(results['phrase_texts'], results['phrase_spans'])
        if 'gt_box' in results:
            box = torch.as_tensor(results['gt_box'], dtype=torch.float32).reshape(1, 4)
            sample.gt_instances = InstanceData(bboxes=box)
        return dict(inputs=inputs, data_samples=sample)
