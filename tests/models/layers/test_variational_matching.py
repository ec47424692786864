import math

import torch
import torch.nn.functional as F

from vlplugins.models.layers.variational_matching import VariationalMatching


def make(variational=True):
    torch.manual_seed(0)
    return VariationalMatching(8, 4, variational), torch.randn(2, 3, 8), torch.randn(2, 5, 8)


def test_both_begin_as_cosine_matching_and_are_equal():
    matching, query, video = make()
    pairs = matching.pair(query, video)
    coarser, overlap = torch.randn(2, 3, 5), torch.rand(2, 5)
    mean, logvar = matching.prior(pairs, coarser)
    a, b = matching.query(query), matching.video(video)
    for i in range(3):
        for j in range(5):
            cosine = F.cosine_similarity(a[1, i], b[1, j], dim=0)
            assert math.isclose(mean[1, i, j], 5 * cosine + 0.5 * coarser[1, i, j], abs_tol=1e-5)
    assert (logvar == -2).all()
    other = matching.posterior(pairs, coarser, overlap)
    assert torch.equal(other[0], mean) and torch.equal(other[1], logvar)


def test_the_answer_moves_the_posterior_alone():
    matching, query, video = make()
    for net in (matching.prior_net, matching.posterior_net):
        torch.nn.init.normal_(net[-1].weight)
    pairs = matching.pair(query, video)
    one, two = (matching.posterior(pairs, None, torch.full((2, 5), value)) for value in (0.0, 1.0))
    assert not torch.allclose(one[0], two[0])
    (one[0].sum() + one[1].sum()).backward()
    assert all(p.grad is not None for p in matching.posterior_net.parameters())
    assert all(p.grad is None for p in matching.prior_net.parameters())


def test_variances_are_bounded():
    matching, query, video = make()
    with torch.no_grad():
        matching.prior_net[-1].bias[1] = 50
    assert (matching.prior(matching.pair(query, video), None)[1] == 2).all()


def test_without_a_posterior_there_are_no_parameters_for_it():
    names = [name for name, _ in make(variational=False)[0].named_parameters()]
    assert not any('posterior' in name or 'answer' in name for name in names)
