import math

import pytest
import torch

from vlplugins.models.losses import MultiLabelClipLoss, SegmentLabelLoss, rarity_weights

LOGITS = torch.tensor([[0.5, -1.0], [2.0, 0.0]])
LABELS = torch.tensor([[1.0, 0.0], [0.0, 1.0]])


def entropy(logit, label, weight=1.0):
    return weight * math.log1p(math.exp(-logit)) if label else math.log1p(math.exp(logit))


def expected(weights):
    values = [entropy(LOGITS[b, c].item(), LABELS[b, c], weights[b][c]) for b in range(2) for c in range(2)]
    return sum(values) / 4


def test_clip_loss_by_hand():
    assert MultiLabelClipLoss(loss_weight=2.0)(LOGITS, LABELS).item() == pytest.approx(2 * expected([[1, 1]] * 2))
    weighted = MultiLabelClipLoss(pos_weight=[2.0, 3.0])(LOGITS, LABELS)
    assert weighted.item() == pytest.approx(expected([[2, 3]] * 2))


def test_counts_weigh_positives_by_their_logarithm():
    counts = torch.tensor([[4, 0], [0, 1]])
    found = MultiLabelClipLoss(counts='log')(LOGITS, LABELS, counts)
    assert found.item() == pytest.approx(expected([[1 + math.log(4), 1], [1, 1]]))
    with pytest.raises(ValueError, match='needs the label counts'):
        MultiLabelClipLoss(counts='log')(LOGITS, LABELS)
    with pytest.raises(ValueError, match="counts 'mean' is unknown"):
        MultiLabelClipLoss(counts='mean')


def test_clips_without_the_modality_do_not_count():
    loss = MultiLabelClipLoss()
    found = loss(LOGITS, LABELS, present=torch.tensor([True, False]))
    torch.testing.assert_close(found, loss(LOGITS[:1], LABELS[:1]))
    assert loss(LOGITS, LABELS, present=torch.tensor([False, False])).item() == 0


@pytest.mark.parametrize('balance', [True, False])
def test_segment_loss_equals_a_loop(balance):
    torch.manual_seed(0)
    logits, segments = torch.randn(2, 4, 3), torch.rand(2, 4, 3) < 0.5
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    on, off = [], []
    for clip in range(2):
        for line in range(4):
            for label in range(3):
                if mask[clip, line]:
                    true = segments[clip, line, label]
                    (on if true else off).append(entropy(logits[clip, line, label].item(), true))
    value = sum(on) / len(on) + sum(off) / len(off) if balance else sum(on + off) / len(on + off)
    assert SegmentLabelLoss(balance)(logits, segments, mask).item() == pytest.approx(value, rel=1e-5)


def test_rare_classes_weigh_more_within_bounds():
    labels = torch.zeros(100, 4)
    labels[:50, 0], labels[:10, 1], labels[:1, 2] = 1, 1, 1
    assert rarity_weights(labels).tolist() == pytest.approx([1, 3, 5, 5])
