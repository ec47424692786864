"""Accuracy on groups of actions that are easily confused."""

from typing import Any, Dict, List, Mapping, Optional, Sequence

import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from vlplugins.evaluation.functional.confusion import (
    accuracy_of_groups,
    confusion_matrix,
    mean_class_accuracy,
    most_confused_pairs,
)
from vlplugins.registry import METRICS

# Classes of NTU RGB+D from 0 (A001 is 0). The choice is ours.
NTU_GROUPS: Dict[str, Sequence[int]] = {
    'with a pen or a screen': (10, 11, 29, 28),
    'hand at the head': (0, 1, 2, 27),
    'putting on and taking off': (15, 16, 17, 18, 19, 20),
    'both hands together': (33, 9, 38),
}


@METRICS.register_module()
class ChallengingActionMetric(BaseMetric):
    """Top-1 accuracy, its mean over classes, and that of each group; per cent. The most confused pairs go into the log.

    Keys: ``action/top1``, ``action/mean_class``, ``action/<group>``.

    Args:
        groups: Classes (from 0) of each group; those of NTU RGB+D by default, ``{}`` for none.
        topn_pairs: Pairs of classes in the log; 0 for none.
        collect_device: As in MMEngine's ``BaseMetric``.
        prefix: As in MMEngine's ``BaseMetric``.
    """

    default_prefix = 'action'

    def __init__(
        self,
        groups: Optional[Mapping[str, Sequence[int]]] = None,
        topn_pairs: int = 10,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, prefix)
        self.groups = NTU_GROUPS if groups is None else {name: tuple(each) for name, each in groups.items()}
        self.topn_pairs = topn_pairs

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep label, prediction, and the number of classes."""
        for sample in data_samples:
            score = torch.as_tensor(sample['pred_score'])
            self.results.append((int(sample['gt_label']), int(score.argmax()), score.numel()))

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """Accuracies of all records."""
        labels, predictions, sizes = zip(*results)
        matrix = confusion_matrix(predictions, labels, sizes[0])
        pairs = most_confused_pairs(matrix, self.topn_pairs)
        if pairs:
            classes = (self.dataset_meta or {}).get('classes') or range(sizes[0])
            shown = '; '.join(f'{classes[true]} as {classes[said]}: {count}' for true, said, count in pairs)
            print_log(f'most confused: {shown}', logger='current')
        metrics = dict(top1=100 * float(matrix.trace() / matrix.sum()), mean_class=mean_class_accuracy(matrix))
        return {**metrics, **accuracy_of_groups(matrix, self.groups)}
