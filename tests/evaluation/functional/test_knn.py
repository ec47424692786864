import math

import pytest
import torch

from vlplugins.evaluation.functional.knn import knn_classify


def naive(queries, bank, labels, k, temperature):
    predicted = []
    for query in queries.tolist():
        scored = []
        for feature, label in zip(bank.tolist(), labels.tolist()):
            norm = math.dist(query, [0] * len(query)) * math.dist(feature, [0] * len(feature))
            scored.append((sum(a * b for a, b in zip(query, feature)) / norm, label))
        votes = {}
        for cosine, label in sorted(scored, reverse=True)[:k]:
            votes[label] = votes.get(label, 0.0) + math.exp(cosine / temperature)
        predicted.append(max(sorted(votes), key=votes.get))
    return predicted


@pytest.mark.parametrize('k', [1, 3, 10, 500])
@pytest.mark.parametrize('chunk_size', [1, 7, 100])
def test_equals_the_naive_loop(k, chunk_size):
    generator = torch.Generator().manual_seed(0)
    queries, bank = torch.randn(20, 5, generator=generator), torch.randn(40, 5, generator=generator)
    labels = torch.randint(4, (40,), generator=generator)
    predicted = knn_classify(queries, bank, labels, k=k, temperature=0.1, chunk_size=chunk_size)
    assert predicted.tolist() == naive(queries, bank, labels, min(k, 40), 0.1)


def test_equal_votes_go_to_the_lowest_class():
    bank = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert knn_classify(torch.tensor([[1.0, 0.0]]), bank, torch.tensor([2, 1, 0]), k=2).item() == 1


def test_low_temperature_does_not_overflow():
    predicted = knn_classify(torch.eye(3), torch.eye(3), torch.tensor([0, 1, 2]), k=3, temperature=1e-3)
    assert predicted.tolist() == [0, 1, 2]


def test_empty_bank_and_no_neighbour_are_refused():
    with pytest.raises(ValueError, match='bank'):
        knn_classify(torch.eye(2), torch.zeros(0, 2), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match='k >= 1'):
        knn_classify(torch.eye(2), torch.eye(2), torch.tensor([0, 1]), k=0)
