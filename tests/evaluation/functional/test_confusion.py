import numpy as np
import pytest

from vlplugins.evaluation.functional.confusion import (
    accuracy_of_groups,
    confusion_matrix,
    mean_class_accuracy,
    most_confused_pairs,
)

LABELS = [0, 0, 0, 1, 1, 2]
PREDICTED = [0, 1, 1, 1, 0, 2]


def test_by_hand():
    matrix = confusion_matrix(PREDICTED, LABELS, 4)
    assert matrix.tolist() == [[1, 2, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    groups = accuracy_of_groups(matrix, {'first two': (0, 1), 'third': (2,), 'nobody': (3,)})
    assert groups == {'first two': pytest.approx(40.0), 'third': 100.0}
    assert mean_class_accuracy(matrix) == pytest.approx(100 * (1 / 3 + 1 / 2 + 1) / 3)
    assert most_confused_pairs(matrix, 5) == [(0, 1, 2), (1, 0, 1)]
    with pytest.raises(ValueError, match="'far'"):
        accuracy_of_groups(np.eye(3), {'far': (5,)})
