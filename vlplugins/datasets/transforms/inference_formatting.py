"""From pipeline results to what a model of video-and-language inference takes."""

from typing import Any, Dict, Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS
from vlplugins.structures.temporal_data_sample import TemporalDataSample

_CLIP = ('frame_index', 'word_index', 'segment_times', 'segment_text')


@TRANSFORMS.register_module()
class PackInferenceInputs(BaseTransform):
    """Packs a clip of K segments, and its statements.

    ``inputs``: ``video [T, D_v]`` and ``sub [L, D_w]`` float32, what is there of them; ``frame_index``, ``word_index``,
    ``segment_times``, ``segment_text`` (see :class:`AlignSegments`), ``duration``; ``statements``: for each of them a
    dict of ``tokens [N, D_w]`` and, where there is a graph, of the arrays of :class:`StatementArrays`.
    ``data_samples``: a :class:`TemporalDataSample` with ``gt_label [S]`` where it is known.

    Args:
        meta_keys: Keys of the results that become meta information of the sample, where present.

    Raises:
        ValueError: (when called) neither frames nor subtitles were loaded.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'video_id', 'sample_idx', 'subtitles', 'line_times', 'statements', 'pair_indices', 'polarities', 'groups',
            'graphs', 'source', 'split', 'duration',
        ),
    ) -> None:  # fmt: skip
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        video, sub = results.get('features', {}).get('video'), results.get('sub')
        if video is None and sub is None:
            raise ValueError(f'the pipeline loaded neither frames nor subtitles of {results.get("video_id")}')
        inputs: Dict[str, Any] = {name: _tensor(results[name]) for name in _CLIP}
        inputs['duration'] = torch.tensor(float(results['duration']) or 1.0)
        for name, value in dict(video=video, sub=sub).items():
            if value is not None:
                inputs[name] = _tensor(value).float()
        graphs = results.get('graph_arrays') or [{}] * len(results['stm'])
        inputs['statements'] = [
            dict(tokens=_tensor(tokens).float(), **{name: _tensor(value) for name, value in graph.items()})
            for tokens, graph in zip(results['stm'], graphs)
        ]
        meta = {key: results[key] for key in self.meta_keys if results.get(key) is not None}
        sample = TemporalDataSample(metainfo=meta)
        sample.set_data(dict(segment_times=inputs['segment_times'].clone()))
        if results.get('gt_label') is not None:
            sample.set_data(dict(gt_label=torch.tensor(results['gt_label'])))
        if results.get('gt_evidence') is not None:
            rows = [[np.nan, np.nan] if each is None else each for each in results['gt_evidence']]
            sample.set_data(dict(gt_evidence=torch.tensor(rows, dtype=torch.float32)))
        return dict(inputs=inputs, data_samples=sample)


def _tensor(value: Any) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(value))
