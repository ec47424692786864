import re

import pytest
import torch
from mmengine.registry import init_default_scope

from tests.helpers.grounding import batch, graph, packed, prepared, small_grounder, wake
from tests.helpers.processes import run_distributed

LOSSES = {'loss_map_post', 'loss_reg_post', 'loss_map_prior', 'loss_reg_prior', 'loss_kl', 'loss_guide'}


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')
    torch.manual_seed(0)


def two_actions():
    """Of "person opens the door" with a second action on "person"."""
    first = graph(with_adjective=True)
    edges = [*first.edges, ('event', 0, 'action', 1, 'EVT'), ('action', 1, 'atom', 0, 'ARG0')]
    return first.__class__(**{**first.__dict__, 'actions': [[1], [2]], 'edges': edges})


def without_atoms():
    first = graph()
    return first.__class__(**{**first.__dict__, 'atoms': [], 'edges': [('event', 0, 'action', 0, 'EVT')]})


def samples():
    return packed(0), packed(1, sentence_graph=two_actions())


def silent(model):
    return [n for n, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]


def test_losses_reach_every_parameter():
    model = wake(small_grounder())
    losses = model(**prepared(model, *samples()), mode='loss')
    assert set(losses) == LOSSES
    assert all(loss.shape == () and loss.isfinite() and loss > 0 for loss in losses.values())
    sum(losses.values()).backward()
    assert silent(model) == []


@pytest.mark.parametrize(
    'changes',
    [
        dict(neck=dict(levels=('event',))),
        dict(neck=dict(levels=('event', 'action'))),
        dict(neck=dict(variational=False)),
        dict(neck=dict(structured=False)),
        dict(neck=dict(match_states='graph')),
        dict(head=dict(event_fusion=False)),
        dict(head=dict(conv_layers=0)),
        dict(query_encoder=dict(role_aware=False), video_encoder=dict(role_aware=False)),
        dict(query_encoder=dict(freeze_words=False)),
        dict(loss_guide=None),
        dict(alpha=1.0),
        dict(alpha=0.0),
        dict(neck=dict(null_node=False)),
    ],
)
def test_ablations_leave_no_parameter_behind(changes):
    model = wake(small_grounder(**changes))
    losses = model(**prepared(model, *samples()), mode='loss')
    sum(losses.values()).backward()
    # Keys shift the scores of a query node by the same number where no role scales them.
    blind = r'(query|video)_encoder\.layers\.\d\.key\.bias' if 'query_encoder' in changes else r'$^'
    assert [name for name in silent(model) if not re.fullmatch(blind, name)] == []


def test_divergence_is_zero_at_first_and_that_of_a_naive_loop_later():
    model = small_grounder()
    data = prepared(model, *samples())
    assert model(**data, mode='loss')['loss_kl'] == 0
    wake(model)
    model.eval()
    found = model(**data, mode='loss')['loss_kl']
    _, _, comparison = model.compare(data['inputs'])
    truth = model._truth(data['data_samples'], torch.device('cpu'))
    chain = model.neck(comparison, model._overlaps(comparison, truth))
    total = 0.0
    for level, mask in comparison.masks.items():
        means = []
        for b in range(2):
            entries = []
            for i, j in mask[b].nonzero().tolist():
                (mu_q, lv_q), (mu_p, lv_p) = (
                    [float(each[b, i, j]) for each in pair[level]] for pair in (chain.posterior, chain.prior)
                )
                normal = [
                    torch.distributions.Normal(m, torch.tensor(lv / 2).exp()) for m, lv in ((mu_q, lv_q), (mu_p, lv_p))
                ]
                entries.append(float(torch.distributions.kl_divergence(*normal)))
            means.append(sum(entries) / len(entries))
        total += sum(means) / 2
    assert found.item() == pytest.approx(total, rel=1e-4) and found > 0


def test_posterior_learns_from_its_map():
    model = wake(small_grounder(loss_guide=None))
    losses = model(**prepared(model, *samples()), mode='loss')
    losses['loss_map_post'].backward()
    for matching in model.neck.matching.values():
        assert matching.posterior_net[0].weight.grad.any() and matching.answer.weight.grad.any()
        assert matching.prior_net[0].weight.grad is None


def test_two_steps_differ_and_two_predictions_do_not():
    model = wake(small_grounder())
    model.video_encoder.eval()
    model.query_encoder.eval()
    data = prepared(model, *samples())
    one, two = (model(**data, mode='loss')['loss_map_post'] for _ in range(2))
    assert one != two
    model.eval()
    one, two = (model(data['inputs'], mode='tensor').logits for _ in range(2))
    assert torch.equal(one, two)


def test_predictions_do_not_read_the_truth_and_never_ask_the_posterior():
    model = wake(small_grounder()).eval()
    calls = []
    for matching in model.neck.matching.values():
        matching.posterior_net.register_forward_hook(lambda *_: calls.append(1))
    found = []
    for segment in ((2.0, 6.0), (0.0, 1.0), None):
        data = prepared(model, packed(0, segment=segment), packed(1, segment=segment))
        found.append(model(**data, mode='predict')[1].pred_instances)
    for other in found[1:]:
        assert torch.equal(found[0].segments, other.segments) and torch.equal(found[0].scores, other.scores)
    assert calls == []
    model(**prepared(model, *samples()), mode='loss')
    assert len(calls) == 3


def test_alpha_chooses_what_trains_the_map():
    for alpha, absent in ((1.0, 'prior'), (0.0, 'post')):
        model = wake(small_grounder(alpha=alpha))
        losses = model(**prepared(model, *samples()), mode='loss')
        assert set(losses) == {name for name in LOSSES if not re.fullmatch(rf'loss_(map|reg)_{absent}', name)}
    model = wake(small_grounder(alpha=1.0, loss_guide=None))
    losses = model(**prepared(model, *samples()), mode='loss')
    # Only the divergence trains the prior, and the divergence does not train the map.
    (losses['loss_map_post'] + losses['loss_reg_post']).backward(retain_graph=True)
    assert all(each.prior_net[0].weight.grad is None for each in model.neck.matching.values())
    model.zero_grad()
    losses['loss_kl'].backward()
    assert all(each.prior_net[0].weight.grad.any() for each in model.neck.matching.values())
    assert all(p.grad is None for p in model.head.parameters())


def test_weight_of_the_divergence_is_saved():
    model = wake(small_grounder(kl_weight=0.0))
    data = prepared(model, *samples())
    assert model(**data, mode='loss')['loss_kl'] == 0
    model.kl_weight.fill_(0.25)
    other = small_grounder(kl_weight=0.0)
    other.load_state_dict(model.state_dict())
    assert other.kl_weight == 0.25


@pytest.mark.parametrize('with_objects', [False, True])
def test_a_longer_neighbour_changes_nothing(with_objects):
    options = dict(video_encoder=dict(object_channels=5)) if with_objects else {}
    model = wake(small_grounder(return_correspondence=True, **options)).eval()
    for name, parameter in model.named_parameters():
        if name.endswith('bias'):
            torch.nn.init.normal_(parameter)
    objects = (4, 2, 5) if with_objects else None
    short, long = packed(0, objects=objects), packed(1, sentence_graph=two_actions(), objects=objects)
    alone = model(prepared(model, short)['inputs'], mode='tensor')
    beside = model(prepared(model, short, long)['inputs'], mode='tensor')
    torch.testing.assert_close(beside.logits[:1], alone.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(beside.shifts[:1], alone.shifts, atol=1e-5, rtol=1e-5)
    found = model(**prepared(model, short, long), mode='predict')[0].correspondence
    expected = model(**prepared(model, short), mode='predict')[0].correspondence
    for level, each in expected.items():
        torch.testing.assert_close(found[level], each, atol=1e-5, rtol=1e-5)
    weights = [model(**prepared(model, short, long), mode='loss')[key] for key in ('loss_kl', 'loss_guide')]
    apart = [
        sum(model(**prepared(model, each), mode='loss')[key] for each in (short, long)) / 2
        for key in ('loss_kl', 'loss_guide')
    ]
    torch.testing.assert_close(weights, apart, atol=1e-5, rtol=1e-5)


def test_a_sentence_without_atoms():
    model = wake(small_grounder())
    for together in (
        [packed(0, sentence_graph=without_atoms())],
        [packed(0, sentence_graph=without_atoms()), packed(1)],
    ):
        losses = model(**prepared(model, *together), mode='loss')
        assert all(loss.isfinite() for loss in losses.values())
        sum(losses.values()).backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_predictions_and_correspondences_of_two_sizes():
    model = wake(small_grounder(return_correspondence=True)).eval()
    found = model(
        **prepared(model, packed(0, duration=10.0), packed(1, sentence_graph=two_actions(), duration=40.0)),
        mode='predict',
    )
    for sample, (actions, atoms) in zip(found, ((1, 2), (2, 3))):
        shapes = {level: tuple(each.shape) for level, each in sample.correspondence.items()}
        assert shapes == dict(event=(4, 4), action=(actions, 4), atom=(atoms, 4, 2))
        segments = sample.pred_instances.segments
        assert 1 <= len(segments) <= 5 and (segments >= 0).all() and (segments[:, 1] <= sample.duration).all()
        assert (segments[:, 0] < segments[:, 1]).all() and (sample.pred_instances.scores.diff() <= 0).all()
    assert found[1].pred_instances.segments.max() > 10


def test_scores_may_be_averaged_over_samples():
    model = wake(small_grounder()).eval()
    data = prepared(model, *samples())
    plain = model(**data, mode='predict')[0].pred_instances.scores.clone()
    model.num_samples = 4
    one = model(**data, mode='predict')[0].pred_instances.scores.clone()
    two = model(**data, mode='predict')[0].pred_instances.scores.clone()
    assert torch.equal(one, two) and not torch.equal(one[:1], plain[:1])


def test_modes_and_inputs_are_checked():
    model = small_grounder()
    with pytest.raises(ValueError, match="mode 'x' is unknown"):
        model({}, mode='x')
    with pytest.raises(ValueError, match='needs the true segment'):
        model(**prepared(model, packed(0, segment=None)), mode='loss')
    for options, message in ((dict(alpha=1.5), 'alpha 1.5'), (dict(num_samples=-1), 'num_samples -1')):
        with pytest.raises(ValueError, match=message):
            small_grounder(**options)
    strict = small_grounder(data_preprocessor=dict(type='GroundingDataPreprocessor', num_positions=8))
    with pytest.raises(ValueError, match=r'videos of \[7, 8\] positions; expected num_positions=8'):
        prepared(strict, packed(0, length=7), packed(1))


def test_half_precision_and_a_round_trip_of_the_weights():
    model = wake(small_grounder()).eval()
    data = prepared(model, *samples())
    expected = model(data['inputs'], mode='tensor').logits
    plain = model(**data, mode='loss')
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**data, mode='loss')
        found = model(data['inputs'], mode='tensor').logits
    assert all(loss.dtype == torch.float32 and loss.isfinite() for loss in losses.values())
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(plain[name].item(), rel=0.1, abs=0.02)
    torch.testing.assert_close(found.float(), expected, atol=0.1, rtol=0.1)
    other = small_grounder().eval()
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(data['inputs'], mode='tensor').logits, expected)


def test_a_compiled_model_gives_the_same():
    model = wake(small_grounder(query_encoder=dict(layers=1), video_encoder=dict(layers=1))).eval()
    inputs = prepared(model, *samples())['inputs']
    expected = model(inputs, mode='tensor').logits
    # An LSTM is not traced by torch.compile: the graph is one from there on.
    query, video, comparison = model.compare(inputs)
    neck = torch.compile(model.neck, backend='eager', fullgraph=True)
    head = torch.compile(model.head, backend='eager', fullgraph=True)
    found = head(query, video, comparison, neck(comparison).matrices)
    torch.testing.assert_close(found.logits, expected)
    torch.testing.assert_close(torch.compile(model, backend='eager')(inputs, mode='tensor').logits, expected)


def _gradients(rank, world_size):
    """Mean gradients over processes of the losses of one sample each, or of both in one process."""
    init_default_scope('vlplugins')
    torch.manual_seed(0)
    model = wake(small_grounder()).eval()
    # The same segment: as many segments are trained for each sample.
    both = [packed(0), packed(1, sentence_graph=two_actions())]
    chosen = both if world_size == 1 else [both[rank]]
    losses = model(**prepared(model, *chosen), mode='loss')
    sum(losses.values()).backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    if world_size > 1:
        for gradient in gradients.values():
            torch.distributed.all_reduce(gradient)
            gradient /= world_size
    return gradients


def test_two_processes_learn_what_one_learns_where_they_have_equal_counts():
    alone = _gradients(0, 1)
    for found in run_distributed(_gradients, 2):
        for name, gradient in alone.items():
            torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-4, msg=name)


def test_unseen_words_keep_their_place():
    model = wake(small_grounder())
    table = model.query_encoder.words.weight.clone()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
    sum(model(**prepared(model, *samples()), mode='loss').values()).backward()
    optimizer.step()
    assert torch.equal(model.query_encoder.words.weight, table) and table[1].any() and not table[0].any()


def test_batch_of_one_video_twice_is_not_special():
    model = wake(small_grounder()).eval()
    inputs = model.data_preprocessor(batch(packed(0), packed(0)))['inputs']
    logits = model(inputs, mode='tensor').logits
    torch.testing.assert_close(logits[0], logits[1])
