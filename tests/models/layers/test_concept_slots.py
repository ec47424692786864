import pytest
import torch

from vlplugins.models.layers import ConceptSlots


@torch.no_grad()
def test_equals_a_naive_loop():
    torch.manual_seed(0)
    slots = ConceptSlots(6, 3)
    slots.queries.normal_()
    features = torch.randn(2, 4, 5, 6)
    found = slots(features)
    for b in range(2):
        for p in range(4):
            for k in range(3):
                weights = (features[b, p] @ slots.queries[k] / 6**0.5).softmax(dim=0)
                pooled = (weights[:, None] * features[b, p]).sum(dim=0)
                expected = slots.norm((pooled @ slots.weight[k] + slots.bias[k]).relu())
                assert torch.allclose(found[b, p, k], expected, atol=1e-5)


def test_slots_differ_where_a_part_has_one_feature():
    found = ConceptSlots(6, 2)(torch.randn(1, 3, 1, 6))
    assert not torch.allclose(found[:, :, 0], found[:, :, 1])
    with pytest.raises(ValueError, match='num_slots 0'):
        ConceptSlots(6, 0)
