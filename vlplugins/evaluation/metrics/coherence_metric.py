"""How coherent sight and words of segments are to a model, by the objectives of coherence learning themselves."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from vlplugins.evaluation.functional.entailment import area_under_curve
from vlplugins.registry import METRICS


@METRICS.register_module()
class SemanticCoherenceMetric(BaseMetric):
    """Retrieval of the words of a segment from its sight, and detection of segments that are of another clip.

    ``retrieval``: how often, in per cent, the words of a segment are nearest to its sight among ``pool`` candidates,
    its own and those of segments of other clips (``retrieval_chance``: ``100 / pool``). ``replaced_auc``: area under
    the ROC curve of the detection, times 100 (chance 50). What the model does not tell is left out.

    Args:
        pool: Candidates.
        seed: Seed of the choice of candidates.
        collect_device: As in MMEngine's ``BaseMetric``.
        prefix: As in MMEngine's ``BaseMetric``.
    """

    default_prefix = 'coherence'

    def __init__(
        self, pool: int = 16, seed: int = 0, collect_device: str = 'cpu', prefix: Optional[str] = None
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if pool < 2:
            raise ValueError(f'pool {pool} must be at least 2')
        self.pool, self.seed = pool, seed

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the vectors and scores of a batch.

        Args:
            data_batch: Not used.
            data_samples: With the meta information ``video_id`` and, where the model tells them, ``aligned`` (vectors
                ``[2, K, E]`` of sight and words of length 1), ``aligned_mask [K]``, ``replaced_scores [K]``,
                ``replaced [K]``.
        """
        names = ('aligned', 'aligned_mask', 'replaced_scores', 'replaced')
        for sample in data_samples:
            found = {name: sample.get(name) for name in names}
            arrays = {n: v.detach().cpu().numpy() for n, v in found.items() if isinstance(v, torch.Tensor)}
            self.results.append(dict(clip=sample.get('video_id'), **arrays))

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Both measures over all clips, each once."""
        clips = list({result['clip']: result for result in results}.values())
        metrics: Dict[str, float] = {}
        if clips and all('aligned' in clip for clip in clips):
            metrics.update(self._retrieval(clips))
        if clips and all('replaced' in clip for clip in clips):
            scores, truth = (np.concatenate([clip[name] for clip in clips]) for name in ('replaced_scores', 'replaced'))
            area = area_under_curve(scores, truth.astype(bool))
            if area is not None:
                metrics['replaced_auc'] = 100.0 * area
        return metrics

    def _retrieval(self, clips: List[dict]) -> Dict[str, float]:
        masks = [clip['aligned_mask'].astype(bool) for clip in clips]
        sight, words = (np.concatenate([clip['aligned'][i][m] for clip, m in zip(clips, masks)]) for i in (0, 1))
        owner = np.repeat(np.arange(len(clips)), [mask.sum() for mask in masks])
        rng = np.random.default_rng(self.seed)
        hits = []
        for index, clip in enumerate(owner):
            others = np.flatnonzero(owner != clip)
            if len(others) < self.pool - 1:
                continue
            rivals = words[rng.choice(others, self.pool - 1, replace=False)] @ sight[index]
            hits.append(float(words[index] @ sight[index] > rivals.max()))
        if not hits:
            return {}
        return dict(retrieval=100.0 * float(np.mean(hits)), retrieval_chance=100.0 / self.pool)
