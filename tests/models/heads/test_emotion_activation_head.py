import pytest
import torch

from vlplugins.models.heads import EmotionActivationHead


def test_every_class_starts_at_the_prior_and_is_for_itself():
    torch.manual_seed(0)
    head = EmotionActivationHead(8, num_classes=5, prior=0.1).eval()
    logits, clip = head(0.01 * torch.randn(2, 6, 8), torch.ones(2, 6, dtype=torch.bool))
    assert logits.shape == (2, 6, 5) and clip.shape == (2, 5)
    torch.testing.assert_close(logits.sigmoid(), torch.full((2, 6, 5), 0.1), atol=1e-3, rtol=0)


@pytest.mark.parametrize('pool', ['TopKPooling', 'MaskedMeanPooling', 'MaskedMaxPooling', 'MaskedAttentionPooling'])
def test_pooling_is_a_choice(pool):
    cfg = dict(type=pool, **(dict(channels=8, num_classes=5) if 'Attention' in pool else {}))
    head = EmotionActivationHead(8, num_classes=5, pool=cfg)
    mask = torch.tensor([[True, True, False]])
    logits, clip = head(torch.randn(1, 3, 8), mask)
    assert (clip >= logits[:, :2].amin(dim=1) - 1e-6).all() and (clip <= logits[:, :2].amax(dim=1) + 1e-6).all()


def test_a_prior_is_a_probability():
    with pytest.raises(ValueError, match='prior 1'):
        EmotionActivationHead(8, prior=1)
