import pytest
import torch
from sklearn.linear_model import Ridge

from vlplugins.evaluation.functional.ridge_probe import ridge_classify


def test_equals_ridge_regression_of_a_library():
    generator = torch.Generator().manual_seed(0)
    bank, labels = torch.randn(50, 4, generator=generator), torch.randint(3, (50,), generator=generator)
    queries = torch.randn(200, 4, generator=generator)
    # The constant is a feature like the others, so it is regularised too.
    columns = torch.cat([torch.ones(50, 1), bank], dim=1).numpy()
    library = Ridge(alpha=0.01 * 50, fit_intercept=False).fit(columns, torch.eye(3)[labels].numpy())
    expected = library.predict(torch.cat([torch.ones(200, 1), queries], dim=1).numpy()).argmax(1)
    assert ridge_classify(bank, labels, queries).tolist() == expected.tolist()


def test_more_features_than_samples_are_no_problem():
    bank = torch.eye(3, 10)
    assert ridge_classify(bank, torch.tensor([2, 0, 1]), bank).tolist() == [2, 0, 1]


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match='l2'):
        ridge_classify(torch.eye(2), torch.tensor([0, 1]), torch.eye(2), l2=0)
