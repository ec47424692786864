import torch

from vlplugins.models.layers.masked_softmax import masked_softmax


def test_over_valid_entries_and_zero_where_there_are_none():
    scores = torch.tensor([[1.0, 2.0, 50.0], [1.0, 2.0, 3.0]], requires_grad=True)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    found = masked_softmax(scores, mask)
    assert torch.allclose(found[0, :2], torch.tensor([1.0, 2.0]).softmax(0)) and not found[1].any() and found[0, 2] == 0
    found.square().sum().backward()
    assert scores.grad.isfinite().all() and scores.grad[0, 2] == 0
