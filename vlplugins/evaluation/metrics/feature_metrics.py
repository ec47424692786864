"""Metrics that judge features of one set by the labels of another, in one pass over both."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from vlplugins.evaluation.functional.knn import knn_classify
from vlplugins.evaluation.functional.linear_probe import linear_probe_accuracy
from vlplugins.evaluation.functional.ridge_probe import ridge_classify
from vlplugins.registry import METRICS
from vlplugins.utils.widths import width_name

_ROLES = ('bank', 'query')


class FeatureMetric(BaseMetric):
    """Collects the features of samples whose meta information ``role`` is ``'bank'`` or ``'query'``.

    The evaluated data set is a concatenation of both, e.g. the un-augmented training set as the bank and the
    validation set as the queries. A sample that a distributed sampler repeats is counted once.

    Args:
        widths: The widths to judge; by default all that the samples hold.
        collect_device: ``'cpu'`` or ``'gpu'``, where results of several processes are joined.
        prefix: Name before the metrics: ``<prefix>/w0.50``.
    """

    def __init__(
        self, widths: Optional[Sequence[float]] = None, collect_device: str = 'cpu', prefix: Optional[str] = None
    ) -> None:
        super().__init__(collect_device, prefix)
        self.widths = None if widths is None else tuple(widths)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep role, index, path, label and features of each sample."""
        for sample in data_samples:
            role = sample.get('role')
            if role not in _ROLES:
                raise ValueError(
                    f"sample {sample.get('img_path', sample.get('sample_idx'))} has role {role!r}; expected 'bank' or "
                    "'query': set extra_info=dict(role=...) in both data sets, and pack the key 'role'"
                )
            features = sample['features']
            self.results.append(
                dict(
                    key=(role, sample['sample_idx']),
                    path=sample.get('img_path'),
                    label=int(sample['gt_label']),
                    features={w: features[w].float().cpu().numpy() for w in self.widths or features},
                )
            )

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Judge each width.

        Raises:
            ValueError: no bank or no queries, or an image in both.
        """
        unique = {each['key']: each for each in results}
        ordered = [unique[key] for key in sorted(unique)]
        bank = [each for each in ordered if each['key'][0] == 'bank']
        queries = [each for each in ordered if each['key'][0] == 'query']
        if not bank or not queries:
            raise ValueError(
                f'found {len(bank)} samples of role bank and {len(queries)} of role query; both are needed'
            )
        shared = {each['path'] for each in bank if each['path']} & {each['path'] for each in queries}
        if shared:
            raise ValueError(f'{len(shared)} images are bank and query at once, e.g. {min(shared)}')
        bank_labels, query_labels = (np.array([each['label'] for each in part]) for part in (bank, queries))
        metrics: Dict[str, float] = {}
        for width in sorted(bank[0]['features'], reverse=True):
            bank_rows, query_rows = (np.stack([each['features'][width] for each in part]) for part in (bank, queries))
            for name, value in self.judge(bank_rows, bank_labels, query_rows, query_labels).items():
                metrics[f'{width_name(width)}{name}'] = value
        return metrics

    def judge(
        self, bank: np.ndarray, bank_labels: np.ndarray, queries: np.ndarray, query_labels: np.ndarray
    ) -> Dict[str, float]:
        """Metrics of one width by the ending of their name; ``''`` for the main one.

        Args:
            bank: ``[M, D]``.
            bank_labels: ``[M]``.
            queries: ``[N, D]``.
            query_labels: ``[N]``.
        """
        raise NotImplementedError


@METRICS.register_module()
class KNNAccuracy(FeatureMetric):
    """Accuracy, in per cent, of weighted nearest neighbours, per width.

    Args:
        k: Neighbours.
        temperature: Of the weights.
        kwargs: Arguments of :class:`FeatureMetric`.
    """

    default_prefix = 'knn'

    def __init__(self, k: int = 200, temperature: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.k, self.temperature = k, temperature

    def judge(self, bank, bank_labels, queries, query_labels) -> Dict[str, float]:
        """Share of queries that their neighbours classify right."""
        arrays: List[Tensor] = [torch.from_numpy(each) for each in (queries, bank, bank_labels)]
        predicted = knn_classify(*arrays, k=self.k, temperature=self.temperature)
        return {'': 100.0 * float(np.mean(predicted.numpy() == query_labels))}


@METRICS.register_module()
class LinearProbeAccuracy(FeatureMetric):
    """Accuracy, in per cent, of logistic regression on the features, per width.

    Args:
        labels_per_class: Labels of each class to learn from; all by default. With few labels also the standard
            deviation over the draws is given, under ``<prefix>/w0.50_std``.
        draws: Draws of few labels.
        l2: Strength of the regularisation.
        seed: Seed of the draws.
        kwargs: Arguments of :class:`FeatureMetric`.
    """

    default_prefix = 'probe'

    def __init__(
        self,
        labels_per_class: Optional[int] = None,
        draws: int = 5,
        l2: float = 1e-3,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.labels_per_class, self.draws, self.l2, self.seed = labels_per_class, draws, l2, seed

    def judge(self, bank, bank_labels, queries, query_labels) -> Dict[str, float]:
        """Mean accuracy over the draws, and its deviation."""
        mean, std = linear_probe_accuracy(
            bank, bank_labels, queries, query_labels, self.labels_per_class, self.draws, self.l2, self.seed
        )
        return {'': mean} if self.labels_per_class is None else {'': mean, '_std': std}


@METRICS.register_module()
class RidgeProbeAccuracy(FeatureMetric):
    """Accuracy, in per cent, of closed-form ridge regression on one-hot labels, per width.

    Args:
        l2: Strength of the regularisation.
        kwargs: Arguments of :class:`FeatureMetric`.
    """

    default_prefix = 'ridge'

    def __init__(self, l2: float = 0.01, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.l2 = l2

    def judge(self, bank, bank_labels, queries, query_labels) -> Dict[str, float]:
        """Share of queries whose highest regressed value is that of their class."""
        arrays: List[Tensor] = [torch.from_numpy(each) for each in (bank, bank_labels, queries)]
        predicted = ridge_classify(*arrays, l2=self.l2)
        return {'': 100.0 * float(np.mean(predicted.numpy() == query_labels))}
