"""From pipeline results to what a retrieval model takes."""

from typing import Any, Dict, Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS
from vlplugins.structures.retrieval_data_sample import RetrievalDataSample


@TRANSFORMS.register_module()
class PackRetrievalInputs(BaseTransform):
    """Packs the frames of a video and its captions; one of both may be absent.

    ``inputs``: ``imgs`` (uint8 ``[T, 3, H, W]``, RGB), ``frame_mask`` (booleans ``[T]``), ``text_ids`` (int64 ``[M]``
    or ``[C, M]``). ``data_samples``: a :class:`RetrievalDataSample`.

    Args:
        meta_keys: Keys of the results that become meta information of the sample, where present.

    Raises:
        ValueError: (when called) neither frames nor texts, or frames of several shapes.
    """

    def __init__(self, meta_keys: Sequence[str] = ('video_path', 'video_id', 'video_index', 'sample_idx')) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        inputs: Dict[str, Any] = {}
        if results.get('imgs') is not None:
            inputs['imgs'] = self._frames(results)
            mask = results.get('frame_mask')
            mask = np.ones(len(results['imgs']), dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
            inputs['frame_mask'] = torch.from_numpy(mask)
        if results.get('text_ids') is not None:
            inputs['text_ids'] = torch.as_tensor(results['text_ids'], dtype=torch.long)
        if not inputs:
            raise ValueError(f'results hold {sorted(results)}; expected imgs, text_ids, or both')
        sample = RetrievalDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        if 'text' in results and 'text_indices' in results:
            text = results['text']
            sample.set_captions([text] if isinstance(text, str) else text, results['text_indices'])
        return dict(inputs=inputs, data_samples=sample)

    @staticmethod
    def _frames(results: Dict[str, Any]) -> torch.Tensor:
        shapes = {frame.shape for frame in results['imgs']}
        if len(shapes) > 1:
            raise ValueError(f'frames of {results.get("video_path")} have shapes {sorted(shapes)}; expected one')
        frames = np.stack(results['imgs']).transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(frames))
