import math

import pytest
import torch

from vlplugins.models.losses.distillation import ATKDistill, DKDistill, LogitKLDistill, SimilarityMSE


def softmax(row):
    top = max(row)
    values = [math.exp(value - top) for value in row]
    return [value / sum(values) for value in values]


@pytest.fixture
def rows():
    torch.manual_seed(0)
    return torch.randn(3, 5), torch.randn(3, 5)


def test_logit_distillation_equals_the_naive_loop(rows):
    student, teacher = rows
    total = 0.0
    for s, t in zip(student.tolist(), teacher.tolist()):
        p, q = softmax([v / 4 for v in t]), softmax([v / 2 for v in s])
        total -= sum(a * math.log(b) for a, b in zip(p, q))
    loss = LogitKLDistill(tau_teacher=4.0, tau_student=2.0, loss_weight=0.5)
    assert loss(student, teacher).item() == pytest.approx(0.5 * 2**2 * total / 3, rel=1e-5)


def test_floor_is_the_value_of_a_perfect_student(rows):
    _, teacher = rows
    loss = LogitKLDistill(tau_teacher=5.0, tau_student=5.0)
    assert loss(teacher, teacher).item() == pytest.approx(loss.floor(teacher).item(), rel=1e-6)
    assert loss(teacher + torch.randn(3, 5), teacher) > loss.floor(teacher)


def test_mean_squared_difference(rows):
    student, teacher = rows
    pairs = zip(student.flatten().tolist(), teacher.flatten().tolist())
    expected = sum((a - b) ** 2 for a, b in pairs) / 15
    assert SimilarityMSE()(student, teacher).item() == pytest.approx(expected, rel=1e-5)


def test_standardised_distillation_equals_the_naive_loop(rows):
    def standardise(row):
        mean = sum(row) / len(row)
        variance = sum((v - mean) ** 2 for v in row) / len(row)
        return [2.0 * (v - mean) / math.sqrt(variance + 1e-5) / 4.0 for v in row]

    student, teacher = rows
    total = 0.0
    for s, t in zip(student.tolist(), teacher.tolist()):
        p, q = softmax(standardise(t)), softmax(standardise(s))
        total += sum(a * math.log(a / b) for a, b in zip(p, q))
    assert ATKDistill()(student, teacher).item() == pytest.approx(16 * total / 3, rel=1e-4)


def test_decoupled_distillation_equals_the_naive_loop(rows):
    student, teacher = rows
    labels = [0, 3, 4]
    total = 0.0
    for s, t, label in zip(student.tolist(), teacher.tolist(), labels):
        p, q = softmax(t), softmax(s)
        binary = [(p[label], q[label]), (1 - p[label], 1 - q[label])]
        rest_p = softmax([v for j, v in enumerate(t) if j != label])
        rest_q = softmax([v for j, v in enumerate(s) if j != label])
        total += sum(a * math.log(a / b) for a, b in binary)
        total += 0.5 * sum(a * math.log(a / b) for a, b in zip(rest_p, rest_q))
    assert DKDistill()(student, teacher, torch.tensor(labels)).item() == pytest.approx(total / 3, rel=1e-4)


def test_decoupled_distillation_needs_labels(rows):
    with pytest.raises(ValueError, match='labels'):
        DKDistill()(*rows)


ALL = [LogitKLDistill(), SimilarityMSE(), ATKDistill(), DKDistill()]


@pytest.mark.parametrize('loss', ALL, ids=lambda loss: type(loss).__name__)
def test_teacher_has_no_gradient_and_the_student_has_a_finite_one(loss, rows):
    student, teacher = (each.clone().requires_grad_() for each in rows)
    loss(student, teacher, torch.tensor([0, 1, 2])).backward()
    assert teacher.grad is None
    assert student.grad.isfinite().all() and student.grad.abs().sum() > 0


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_gradient_survives_half_precision_over_many_classes(dtype):
    """Over 65,537 columns and temperature 5, log-probabilities differ by less than half precision resolves."""
    student = (torch.rand(2, 65537) * 0.2).requires_grad_()
    teacher = torch.rand(2, 65537) * 0.2
    with torch.autocast('cpu', dtype=dtype):
        LogitKLDistill()(student, teacher).backward()
    exact = 5 * (torch.softmax(student.double() / 5, 1) - torch.softmax(teacher.double() / 5, 1)) / 2
    torch.testing.assert_close(student.grad.double(), exact, rtol=0.02, atol=1e-9)


@pytest.mark.parametrize('make', [LogitKLDistill, ATKDistill, DKDistill])
def test_temperature_must_be_positive(make):
    name = 'tau_teacher' if make is LogitKLDistill else 'temperature'
    with pytest.raises(ValueError, match=name):
        make(**{name: 0.0})
