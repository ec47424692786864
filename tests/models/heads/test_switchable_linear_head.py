import math

import pytest
import torch

from vlplugins.models.heads import SwitchableLinearHead

WIDTHS = (1.0, 0.5)


def make_head(**options):
    torch.manual_seed(0)
    return SwitchableLinearHead(8, 3, widths=WIDTHS, init_std=0.5, **options)


@pytest.fixture
def batch():
    torch.manual_seed(1)
    features = {1.0: torch.randn(5, 8), 0.5: torch.randn(5, 4)}
    return features, torch.tensor([0, 2, 1, 1, 0])


def probabilities(rows):
    return [[math.exp(v) / sum(map(math.exp, row)) for v in row] for row in rows.tolist()]


def cross_entropy(rows, labels):
    return sum(-math.log(row[label]) for row, label in zip(probabilities(rows), labels.tolist())) / len(labels)


def test_narrow_widths_learn_half_from_labels_and_half_from_the_full_width(batch):
    features, labels = batch
    head = make_head()
    scores, losses = head(features), head.loss(*batch)
    teacher, student = probabilities(scores[1.0]), probabilities(scores[0.5])
    taught = sum(-p * math.log(q) for t, s in zip(teacher, student) for p, q in zip(t, s)) / 5
    assert losses['loss_w1.00'].item() == pytest.approx(cross_entropy(scores[1.0], labels), rel=1e-5)
    expected = (cross_entropy(scores[0.5], labels) + taught) / 2
    assert losses['loss_w0.50'].item() == pytest.approx(expected, rel=1e-5)


def test_without_distillation_each_width_learns_from_labels_alone(batch):
    features, labels = batch
    head = make_head(distill=False)
    losses, scores = head.loss(*batch), head(features)
    assert losses['loss_w0.50'].item() == pytest.approx(cross_entropy(scores[0.5], labels), rel=1e-5)


def test_accuracy_is_logged_in_per_cent_and_does_not_enter_the_sum(batch):
    features, labels = batch
    head = make_head()
    outputs = head.loss(*batch)
    for width, name in ((1.0, 'w1.00'), (0.5, 'w0.50')):
        right = (head(features)[width].argmax(dim=1) == labels).sum().item()
        assert outputs[f'accuracy_{name}'].item() == pytest.approx(20.0 * right)
    assert not any('loss' in name for name in outputs if name.startswith('accuracy'))


@pytest.mark.parametrize('kind', ['switchable', 'slimmable'])
def test_only_a_slimmable_head_shares_weights(batch, kind):
    """The loss of the narrow width must move the layer of the full one only where they share it."""
    head = make_head(kind=kind, distill=False)
    head.loss(*batch)['loss_w0.50'].backward()
    if kind == 'slimmable':
        assert head.fc.weight.grad[:, :4].abs().sum() > 0 and head.fc.weight.grad[:, 4:].abs().sum() == 0
    else:
        assert head.fc.linears[0].weight.grad is None and head.fc.linears[1].weight.grad.abs().sum() > 0


def test_the_teacher_has_no_gradient(batch):
    head = make_head()
    head.loss(*batch)['loss_w0.50'].backward()
    assert head.fc.linears[0].weight.grad is None


def test_predictions_are_probabilities(batch):
    predicted = make_head().predict(batch[0])
    for rows in predicted.values():
        torch.testing.assert_close(rows.sum(dim=1), torch.ones(5))


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind 'shared' is unknown"):
        make_head(kind='shared')
