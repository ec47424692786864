import pytest

from vlplugins.evaluation.functional.cross_validation import cross_validation_report


def test_pooled_accuracy_is_not_the_mean_of_folds():
    """9 of 10 and 1 of 2 right: 10 / 12 together, 70 % on average."""
    folds = dict(
        a=dict(predictions=[0] * 10, labels=[0] * 9 + [1], names=[f'a{i}' for i in range(10)]),
        b=dict(predictions=[1, 1], labels=[1, 0], names=['b0', 'b1']),
    )
    report = cross_validation_report(folds)
    assert report['micro'] == pytest.approx(100 * 10 / 12) and report['macro'] == pytest.approx(70)
    assert report['std'] == pytest.approx(20) and report['records'] == 12 and report['folds'] == 2


def test_bad_folds_are_told():
    with pytest.raises(ValueError, match='no fold'):
        cross_validation_report({})
    with pytest.raises(ValueError, match='fold a'):
        cross_validation_report(dict(a=dict(predictions=[1], labels=[])))
    fold = dict(predictions=[1], labels=[1], names=['x'])
    with pytest.raises(ValueError, match='which another fold has tested'):
        cross_validation_report(dict(a=fold, b=fold))
