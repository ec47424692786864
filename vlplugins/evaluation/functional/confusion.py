"""What is confused with what, on plain arrays."""

from typing import Dict, List, Mapping, Sequence, Tuple

import numpy as np


def confusion_matrix(predictions: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts ``[K, K]``: rows are true classes, columns predicted ones."""
    flat = np.asarray(labels, dtype=int) * num_classes + np.asarray(predictions, dtype=int)
    return np.bincount(flat, minlength=num_classes**2).reshape(num_classes, num_classes)


def accuracy_of_groups(matrix: np.ndarray, groups: Mapping[str, Sequence[int]]) -> Dict[str, float]:
    """Per cent of the records of each group of classes that are predicted right, among all classes.

    Groups without any record are left out.

    Raises:
        ValueError: a group with a class that the matrix does not have.
    """
    found = {}
    for name, classes in groups.items():
        classes = list(classes)
        if not classes or min(classes) < 0 or max(classes) >= len(matrix):
            raise ValueError(f'group {name!r} has the classes {classes}; there are {len(matrix)}')
        total = matrix[classes].sum()
        if total:
            found[name] = 100 * float(matrix[classes, classes].sum() / total)
    return found


def mean_class_accuracy(matrix: np.ndarray) -> float:
    """Mean over the classes that occur of the per cent that is predicted right."""
    total = matrix.sum(axis=1)
    return 100 * float((matrix.diagonal()[total > 0] / total[total > 0]).mean())


def most_confused_pairs(matrix: np.ndarray, number: int) -> List[Tuple[int, int, int]]:
    """Up to ``number`` pairs (true, predicted, count), most frequent first, ties by class."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind='stable')[:number]
    rows, columns = np.unravel_index(order, wrong.shape)
    return [(int(r), int(c), int(wrong[r, c])) for r, c in zip(rows, columns) if wrong[r, c]]
