import pytest
import torch

from vlplugins.evaluation.functional.classification import top_k_accuracy


def test_values_worked_out_by_hand():
    scores = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.4, 0.4, 0.2]])
    # The label ranks 1st, 2nd, 3rd, and with equal scores second after the lower class.
    accuracy = top_k_accuracy(scores, torch.tensor([1, 1, 0, 1]), topk=(1, 2, 3))
    assert accuracy == {1: 25.0, 2: 75.0, 3: 100.0}


def test_more_ranks_than_classes_and_empty_input_are_refused():
    with pytest.raises(ValueError, match='top-5'):
        top_k_accuracy(torch.zeros(2, 3), torch.zeros(2, dtype=torch.long), topk=(1, 5))
    with pytest.raises(ValueError):
        top_k_accuracy(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long), topk=(1,))
