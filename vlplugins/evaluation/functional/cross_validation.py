"""One accuracy of many folds."""

from typing import Any, Dict, Mapping, Sequence

import numpy as np


def cross_validation_report(folds: Mapping[str, Mapping[str, Sequence[int]]]) -> Dict[str, Any]:
    """Pool the predictions of all folds.

    Args:
        folds: For each fold ``dict(predictions, labels)``, and optionally ``names``.

    Returns:
        Per cent: ``micro``, of all records together (the accuracy); ``macro``, the mean of the folds, and ``std``,
        their deviation. Folds differ in size, so that the two differ. ``records`` and ``folds``: the numbers of both.

    Raises:
        ValueError: no or an empty fold, lengths that differ, a record that two folds have tested.
    """
    if not folds:
        raise ValueError('no fold to report')
    hits, seen = {}, set()
    for name, fold in folds.items():
        predictions, labels = np.asarray(fold['predictions']), np.asarray(fold['labels'])
        if not len(labels) or predictions.shape != labels.shape:
            raise ValueError(f'fold {name}: {predictions.shape} predictions for {labels.shape} labels')
        again = seen & set(fold.get('names', ()))
        if again:
            raise ValueError(f'fold {name} tests {sorted(again)[:3]}, which another fold has tested')
        seen |= set(fold.get('names', ()))
        hits[name] = predictions == labels
    each = np.array([fold.mean() for fold in hits.values()])
    pooled = np.concatenate(list(hits.values()))
    return dict(
        micro=100 * float(pooled.mean()),
        macro=100 * float(each.mean()),
        std=100 * float(each.std()),
        records=len(pooled),
        folds=len(each),
    )
