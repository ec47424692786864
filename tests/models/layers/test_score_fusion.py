import torch

from vlplugins.models.layers.score_fusion import fused_log_probability


def test_equals_the_mean_of_probabilities():
    scores, weights = torch.randn(3, 5, 4), torch.tensor([0.5, 0.2, 0.3])
    expected = sum(w * s.softmax(dim=1) for w, s in zip(weights, scores)).log()
    torch.testing.assert_close(fused_log_probability(scores, weights), expected)
    torch.testing.assert_close(fused_log_probability(scores), scores.softmax(dim=2).mean(dim=0).log())


def test_a_stream_of_weight_zero_is_left_out():
    scores = torch.randn(2, 5, 4)
    found = fused_log_probability(scores, torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(found, scores[0].log_softmax(dim=1))


def test_half_precision_keeps_unlikely_classes_apart():
    """A softmax in half precision is zero there, and its logarithm infinite."""
    scores = torch.tensor([[[0.0, 60.0, -60.0]]]).half()
    assert scores.softmax(dim=2)[0, 0, 2] == 0
    torch.testing.assert_close(fused_log_probability(scores)[0, 2], torch.tensor(-120.0))
