"""From pipeline results to what a temporal localizer takes."""

from typing import Any, Dict, Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS
from vlplugins.structures.temporal_data_sample import TemporalDataSample

_FIELDS = ('times', 'gt_labels', 'gt_label_counts', 'gt_segments')


@TRANSFORMS.register_module()
class PackTemporalInputs(BaseTransform):
    """Packs the features of the segments of a clip, and their truth.

    ``inputs``: for each feature key float32 ``[N, D]``; ``times`` float32 ``[N, 2]``; ``present``: ``{key: boolean
    scalar}``. ``data_samples``: a :class:`TemporalDataSample`.

    Args:
        feature_keys: Modalities that the model takes.
        meta_keys: Keys of the results that become meta information of the sample, where present.

    Raises:
        ValueError: (when called) a modality that the pipeline did not load, or of another length than the times.
    """

    def __init__(
        self,
        feature_keys: Sequence[str] = ('video', 'text'),
        meta_keys: Sequence[str] = ('video_id', 'sample_idx', 'subtitles'),
    ) -> None:
        self.feature_keys, self.meta_keys = tuple(feature_keys), tuple(meta_keys)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        features, present = results.get('features', {}), results.get('present', {})
        inputs: Dict[str, Any] = dict(times=torch.from_numpy(np.asarray(results['times'], dtype=np.float32)))
        inputs['present'] = {}
        for key in self.feature_keys:
            if key not in features:
                raise ValueError(f'the pipeline loaded {sorted(features)}, not {key!r}, of {results.get("video_id")}')
            if len(features[key]) != len(inputs['times']):
                raise ValueError(f'{key} has {len(features[key])} rows, times {len(inputs["times"])}')
            inputs[key] = torch.from_numpy(np.ascontiguousarray(features[key], dtype=np.float32))
            inputs['present'][key] = torch.tensor(bool(present.get(key, True)))
        sample = TemporalDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        for name in _FIELDS:
            if results.get(name) is not None:
                sample.set_data({name: torch.from_numpy(np.ascontiguousarray(results[name]))})
        return dict(inputs=inputs, data_samples=sample)
