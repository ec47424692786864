"""From pipeline results to what a temporal grounder takes."""

from typing import Any, Dict, Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS
from vlplugins.structures.temporal_data_sample import TemporalDataSample

_QUERY = ('tokens', 'action_spans', 'atom_index', 'edges', 'parents', 'guide')


@TRANSFORMS.register_module()
class PackGroundingInputs(BaseTransform):
    """Packs the features of a video, a query, and the segment that it describes.

    ``inputs``: each feature key, float32 (``video [L, D]``, ``objects [P, K, D]``); ``query``: a dict of tensors:
    ``tokens [N]``, and the arrays of :class:`GraphArrays`. ``data_samples``: a :class:`TemporalDataSample` with
    ``gt_intervals [1, 2]`` where the segment is known.

    Args:
        feature_keys: Features that the model takes.
        meta_keys: Keys of the results that become meta information of the sample, where present.

    Raises:
        ValueError: (when called) features that the pipeline did not load.
    """

    def __init__(
        self,
        feature_keys: Sequence[str] = ('video',),
        meta_keys: Sequence[str] = (
            'video_id', 'query_id', 'sentence', 'split', 'duration', 'novel', 'sample_idx', 'graph',
        ),
    ) -> None:  # fmt: skip
        self.feature_keys, self.meta_keys = tuple(feature_keys), tuple(meta_keys)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        features = results.get('features', {})
        inputs: Dict[str, Any] = {}
        for key in self.feature_keys:
            if key not in features:
                raise ValueError(f'the pipeline loaded {sorted(features)}, not {key!r}, of {results.get("video_id")}')
            inputs[key] = torch.from_numpy(np.ascontiguousarray(features[key], dtype=np.float32))
        inputs['query'] = {key: torch.from_numpy(np.ascontiguousarray(results[key])) for key in _QUERY}
        sample = TemporalDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        if results.get('segment') is not None:
            sample.set_data(dict(gt_intervals=torch.tensor([results['segment']], dtype=torch.float32)))
        return dict(inputs=inputs, data_samples=sample)
