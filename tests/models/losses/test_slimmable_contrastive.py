import pytest
import torch
import torch.nn.functional as F

from vlplugins.models.losses.slimmable_contrastive import SlimmableContrastiveLoss, reweight_widths

FOUR, THREE, TWO, ONE = (1.0, 0.75, 0.5, 0.25), (1.0, 0.5, 0.25), (1.0, 0.5), (1.0,)


# Rounded to three decimals in the original code; ours keeps full precision.
@pytest.mark.parametrize(
    'scheme, widths, weights',
    [
        ('none', FOUR, (1, 1, 1, 1)),
        ('normalized_width', FOUR, (0.4, 0.3, 0.2, 0.1)),
        ('normalized_width', THREE, (0.571, 0.286, 0.143)),
        ('width', FOUR, (1, 0.75, 0.5, 0.25)),
        ('mean_width', FOUR, (1.6, 1.2, 0.8, 0.4)),
        ('mean_width', THREE, (1.714, 0.857, 0.429)),
        ('full_plus_sum', FOUR, (2.5, 1, 1, 1)),
        ('full_plus_sum', THREE, (1.75, 1, 1)),
        ('suffix_sum', FOUR, (1.538, 1.077, 0.769, 0.615)),
        ('suffix_sum', THREE, (1.312, 0.938, 0.75)),
        ('full_plus_max', FOUR, (1.75, 1, 1, 1)),
        ('full_plus_max', THREE, (1.5, 1, 1)),
        ('full_plus_sum', TWO, (1.5, 1)),
        ('mean_width', TWO, (4 / 3, 2 / 3)),
        ('full_plus_sum', ONE, (1,)),
        ('normalized_width', ONE, (1,)),
    ],
)
def test_weights_of_the_schemes(scheme, widths, weights):
    assert reweight_widths(scheme, widths) == pytest.approx(weights, abs=1e-3)


def test_unknown_scheme_lists_the_known_ones():
    with pytest.raises(ValueError, match='full_plus_sum'):
        SlimmableContrastiveLoss(reweight='width_sum')


@pytest.fixture
def cosines():
    torch.manual_seed(0)
    return {width: torch.rand(4, 9) * 2 - 1 for width in FOUR}


LABELS = torch.zeros(4, dtype=torch.long)


def total(outputs):
    return sum(value for name, value in outputs.items() if 'loss' in name)


def distance(student, teacher, tau=5.0):
    return -(tau**2) * (F.softmax(teacher / tau, 1) * F.log_softmax(student / tau, 1)).sum(1).mean()


def test_total_is_the_weighted_sum_of_the_paper(cosines):
    loss = SlimmableContrastiveLoss(temperature=0.2, distill=dict(type='LogitKLDistill'))
    expected = 2.5 * F.cross_entropy(cosines[1.0] / 0.2, LABELS)
    for width in FOUR[1:]:
        contrast = F.cross_entropy(cosines[width] / 0.2, LABELS)
        expected += 0.5 * contrast + 0.5 * distance(cosines[width], cosines[1.0])
    outputs = loss(cosines, LABELS, FOUR)
    torch.testing.assert_close(total(outputs), expected)
    # Logged values must not enter the sum: MMEngine adds up every key with "loss" in it.
    assert [name for name in outputs if 'loss' in name] == ['loss_w1.00', 'loss_w0.75', 'loss_w0.50', 'loss_w0.25']


def test_sleeping_widths_leave_the_plain_contrastive_loss(cosines):
    loss = SlimmableContrastiveLoss(temperature=0.2, distill=dict(type='LogitKLDistill'))
    outputs = loss({1.0: cosines[1.0]}, LABELS, FOUR)
    torch.testing.assert_close(total(outputs), F.cross_entropy(cosines[1.0] / 0.2, LABELS), rtol=1e-7, atol=0)
    assert outputs['loss_w0.25'].item() == 0


def test_without_distillation_each_width_has_its_full_contrastive_loss(cosines):
    loss = SlimmableContrastiveLoss(temperature=0.2, distill=None, distill_weight=0.5, reweight='none')
    expected = sum(F.cross_entropy(rows / 0.2, LABELS) for rows in cosines.values())
    torch.testing.assert_close(total(loss(cosines, LABELS, FOUR)), expected)


def test_all_wider_widths_teach(cosines):
    loss = SlimmableContrastiveLoss(distill=dict(type='LogitKLDistill'), teachers='all_wider', reweight='none')
    outputs = loss(cosines, LABELS, FOUR)
    teachers = [cosines[1.0], cosines[0.75]]
    expected = 0.5 * F.cross_entropy(cosines[0.5] / 0.2, LABELS)
    expected += 0.5 * sum(distance(cosines[0.5], teacher) for teacher in teachers) / 2
    torch.testing.assert_close(outputs['loss_w0.50'], expected)


@pytest.mark.parametrize('on', ['similarities', 'logits', 'embeddings'])
def test_what_is_distilled(cosines, on):
    embeddings = {width: F.normalize(torch.randn(4, 6), dim=1) for width in FOUR}
    loss = SlimmableContrastiveLoss(
        temperature=0.5, distill=dict(type='SimilarityMSE'), distill_on=on, distill_weight=1.0, reweight='none'
    )
    rows = embeddings if on == 'embeddings' else {w: r / (0.5 if on == 'logits' else 1) for w, r in cosines.items()}
    outputs = loss(cosines, LABELS, FOUR, embeddings)
    torch.testing.assert_close(outputs['loss_w0.25'], F.mse_loss(rows[0.25], rows[1.0]))


def test_gap_of_a_student_like_its_teacher_is_zero(cosines):
    loss = SlimmableContrastiveLoss(distill=dict(type='LogitKLDistill'))
    outputs = loss({width: cosines[1.0] for width in FOUR}, LABELS, FOUR)
    assert outputs['kd_gap_w0.25'].item() == pytest.approx(0.0, abs=1e-4)
    # The accuracy is over 9 columns with the positive in the first.
    expected = 100 * (cosines[1.0].argmax(1) == 0).float().mean().item()
    assert outputs['contrast_acc_w1.00'].item() == pytest.approx(expected)


def test_scale_multiplies_the_contrastive_part():
    cosine = torch.rand(4, 4)
    loss = SlimmableContrastiveLoss(temperature=1.0, scale=2.0)
    torch.testing.assert_close(
        total(loss({1.0: cosine}, torch.arange(4), ONE)), 2 * F.cross_entropy(cosine, torch.arange(4))
    )


@pytest.mark.parametrize(
    'arguments', [dict(temperature=0), dict(distill_on='rows'), dict(teachers='wider'), dict(distill_weight=1.5)]
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=str(next(iter(arguments.values())))):
        SlimmableContrastiveLoss(**arguments)
