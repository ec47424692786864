"""The whole model, and each trap that a sloppy version of it falls into."""

import copy

import pytest
import torch
from mmengine.dataset import pseudo_collate

from tests.helpers.processes import run_distributed
from tests.helpers.violin import batch, packed, seeded, small_model, two_clips
from vlplugins.models.losses.semantic_coherence import Corruption

pytest.importorskip('mmdet')


def build(seed=0, **changes):
    """A model in which no part is near zero, so that what is connected shows."""
    model = seeded(small_model(**changes), seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


def prepare(model, data):
    return model.data_preprocessor(copy.deepcopy(data), True)


def test_losses_reach_every_parameter():
    model = build().train()
    losses = model(**prepare(model, two_clips()), mode='loss')
    assert set(losses) == {'loss_cls', 'loss_local', 'loss_segment', 'loss_global'}
    sum(losses.values()).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # No segment of these clips is silent.
    assert silent == ['local_graph.silent']


def test_one_projection_serves_statements_and_subtitles():
    model = build()
    data = prepare(model, two_clips())
    for path in (data['inputs']['statements']['tokens'], data['inputs']['sub']):
        path.requires_grad_()
    model(**data).sum().backward()
    assert data['inputs']['sub'].grad.abs().sum() > 0 and data['inputs']['statements']['tokens'].grad.abs().sum() > 0
    owners = [name for name, part in model.named_modules() if part is model.text_proj]
    assert owners == ['text_proj'] and sum('text_proj.1.weight' in name for name in model.state_dict()) == 1


@pytest.mark.parametrize('padding', ['clip', 'statement'])
@torch.no_grad()
def test_padding_changes_nothing(padding):
    model = build().eval()
    first = packed('man opens saying coffee', 'man opens saying money', seed=1)
    longer = dict(
        clip=dict(frames=20, lines=['i want coffee'] * 7 + ['a b c d e f g h'], duration=60.0), statement=dict()
    )[padding]
    texts = ['man opens saying coffee and girl lifts saying peace', 'man opens after girl lifts']
    other = packed(*(texts if padding == 'statement' else texts[1:] * 2), seed=2, **longer)
    alone = model(**prepare(model, batch(first)))
    beside = model(**prepare(model, batch(first, other)))
    torch.testing.assert_close(beside[:1], alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_statement_is_judged_alone():
    model = build().eval()
    pair = model(**prepare(model, batch(packed('man opens saying coffee', 'man opens before girl lifts'))))
    for number, text in enumerate(('man opens saying coffee', 'man opens before girl lifts')):
        data = prepare(model, batch(packed(text)))
        (sample,) = model(**data, mode='predict')
        torch.testing.assert_close(sample.pred_score, pair[0, number : number + 1].sigmoid(), atol=1e-6, rtol=1e-5)


def attention(model, texts):
    """Attention of the layers of hierarchies 1 and 2 for a clip with one statement."""
    found = []
    layers = [*model.local_graph.layers, *model.segment_graph.layers]

    def keep(layer, args, kwargs, output):
        inputs = [each for each in args]
        found.append(type(layer).forward(layer, *inputs, return_attention=True, **kwargs)[1])

    handles = [layer.register_forward_hook(keep, with_kwargs=True) for layer in layers]
    with torch.no_grad():
        model(**prepare(model, batch(packed(*texts))))
    for handle in handles:
        handle.remove()
    return found


@pytest.mark.parametrize('adaptive', [True, False])
def test_the_statement_steers_the_graphs(adaptive):
    model = build(local_graph=dict(adaptive=adaptive), segment_graph=dict(adaptive=adaptive)).eval()
    one, other = (attention(model, [text]) for text in ('man opens saying coffee', 'girl lifts saying peace'))
    assert len(one) == 3
    for first, second in zip(one, other):
        assert torch.equal(first, second) is not adaptive


@torch.no_grad()
def test_every_event_has_its_own_evidence():
    text = 'man opens saying coffee and girl lifts saying peace'
    model = build().eval()
    (sample,) = model(**prepare(model, batch(packed(text))), mode='predict')
    assert sample.evidence.shape == (1, 2, 4, 2) and sample.event_scores.shape == (1, 2)
    torch.testing.assert_close(sample.evidence.sum(dim=(2, 3)), torch.ones(1, 2))
    assert not torch.allclose(sample.evidence[0, 0], sample.evidence[0, 1], atol=1e-3)
    plain = build(statement_encoder=dict(structure=False)).eval()
    (sample,) = plain(**prepare(plain, batch(packed(text))), mode='predict')
    assert sample.evidence.shape == (1, 1, 4, 2)


def test_alignment_sees_each_modality_alone():
    model = build().train()
    data = prepare(model, two_clips())['inputs']
    premise = model.encode_premise(data)
    frames, words = (each.detach().requires_grad_() for each in (premise.frames, premise.words))
    video, text = model.local_graph(premise._replace(frames=frames, words=words), cross_modal=False)
    assert torch.autograd.grad(video.square().sum(), words, retain_graph=True, allow_unused=True)[0].abs().sum() == 0
    assert torch.autograd.grad(text.square().sum(), frames, allow_unused=True)[0].abs().sum() == 0
    joint, _ = model.local_graph(premise._replace(frames=frames, words=words))
    assert torch.autograd.grad(joint.square().sum(), words)[0].abs().sum() > 0


def arguments_of(monkeypatch, part):
    """The arguments of each call of the forward of a part, in a list that fills."""
    calls, true = [], part.forward
    monkeypatch.setattr(part, 'forward', lambda *args, **kwargs: calls.append(args) or true(*args, **kwargs))
    return calls


def test_what_is_aligned_has_seen_neither_the_other_modality_nor_the_statement(monkeypatch):
    model = build().train()
    data = prepare(model, two_clips())
    calls = arguments_of(monkeypatch, model.coherence['local'])
    inputs = data['inputs']
    sources = dict(video=inputs['video'], sub=inputs['sub'], tokens=inputs['statements']['tokens'])
    for each in sources.values():
        each.requires_grad_()
    model(**data, mode='loss')
    ((video, text, *_),) = calls
    for states, own in ((video, 'video'), (text, 'sub')):
        found = torch.autograd.grad(states.square().sum(), list(sources.values()), allow_unused=True, retain_graph=True)
        reached = {name for name, each in zip(sources, found) if each is not None and each.abs().sum() > 0}
        assert reached == {own}


def test_both_modalities_are_replaced_in_their_places_under_the_true_statement(monkeypatch):
    model = build().train()
    other = packed('man opens before girl lifts', 'man opens after girl lifts', seed=2, lines=['no', 'yes', 'ah', 'oh'])
    data = prepare(model, batch(packed('man opens saying coffee', 'man opens saying money', seed=1), other))
    drawn, loss = [], model.coherence['segment']
    corrupt = loss.corrupt
    monkeypatch.setattr(loss, 'corrupt', lambda *args: drawn.append(corrupt(*args)) or drawn[-1])
    aligned, seen = arguments_of(monkeypatch, model.coherence['local']), arguments_of(monkeypatch, model.segment_graph)
    model(**data, mode='loss')
    (corruption,), ((video, text, *_),), (verdict, corrupted) = drawn, aligned, seen
    for states, found in ((video, corrupted[0]), (text, corrupted[1])):
        for clip in range(2):
            for place in range(4):
                is_foreign = corruption.replaced[clip, place]
                donor = (1 - clip, corruption.segment[clip, place]) if is_foreign else (clip, place)
                assert torch.equal(found[clip, place], states[donor])
    # Times, by which a segment knows its place, stay with the slot.
    assert torch.equal(corrupted[2].times, verdict[2].times[::2])
    # Of two pairs, of one event and of two: the events of the first of each.
    claimed, events = verdict[3], corrupted[3].unflatten(0, (2, 2))
    assert torch.equal(events[0, 0], claimed[0]) and torch.equal(events[1], claimed[2:4])


@torch.no_grad()
def test_padding_does_not_change_how_foreign_a_segment_is(monkeypatch):
    model = build().eval()

    def nothing(mask, *_):
        rows = torch.zeros(mask.shape, dtype=torch.long)
        return Corruption(torch.zeros_like(mask), rows, rows, mask.float(), mask)

    monkeypatch.setattr(model.coherence['segment'], 'corrupt', nothing)
    calls = arguments_of(monkeypatch, model.coherence['segment'])
    first = packed('man opens', 'man lifts', seed=1, lines=['i want coffee', 'no'])
    longer = packed('man opens before girl lifts', 'man opens after girl lifts', seed=2)
    for items in ([first], [first, longer]):
        model(**prepare(model, batch(*items)), mode='loss')
    (alone, *_), (beside, mask, _) = calls
    assert mask.tolist() == [[True, True, False, False], [True] * 4]
    torch.testing.assert_close(beside[:1, :2], alone, atol=1e-5, rtol=1e-4)
    found = [model.coherence['segment'].logits(states, real) for states, real, _ in calls]
    torch.testing.assert_close(found[1][:1, :2], found[0], atol=1e-5, rtol=1e-4)


def test_the_corrupted_clip_does_not_reach_the_verdict():
    with_loss, without = build().train(), build(coherence=dict(segment=None)).train()
    without.load_state_dict(with_loss.state_dict(), strict=False)
    data = prepare(with_loss, two_clips())
    found = [model(**data, mode='loss')['loss_cls'] for model in (with_loss, without)]
    assert torch.equal(*found)
    assert torch.equal(with_loss.eval()(**data), without.eval()(**data))


def test_a_loss_of_weight_0_costs_no_pass(monkeypatch):
    model = build().train()
    data = prepare(model, two_clips())
    for name in ('local', 'segment', 'glob'):
        model.coherence[name].loss_weight = 0.0
    monkeypatch.setattr(type(model.coherence['segment']), 'corrupt', lambda *args: 1 / 0)
    assert set(model(**data, mode='loss')) == {'loss_cls'}


def test_statements_that_are_no_pairs_have_no_hinge():
    model = build().train()
    data = batch(packed('man opens'), packed('girl lifts', seed=2))
    assert 'loss_global' not in model(**prepare(model, data), mode='loss')


@pytest.mark.parametrize('mode', ['replace', 'order'])
def test_clips_of_which_a_false_statement_is_asked_are_not_judged_as_a_whole(mode):
    model = build(coherence=dict(segment=dict(type='ReplacedSegmentLoss', mode=mode))).train()
    items = [packed('man opens'), packed('girl lifts', seed=2)]
    for number, label in enumerate((1, 0)):
        items[number]['data_samples'].gt_label = torch.tensor([label])
    losses = model(**prepare(model, batch(*items)), mode='loss')
    assert losses['loss_segment'] > 0
    items[0]['data_samples'].gt_label = torch.tensor([0])
    assert model(**prepare(model, batch(*items)), mode='loss')['loss_segment'] == 0


def test_the_hinge_is_that_of_true_and_false_statements():
    model = build().eval()
    data = prepare(model, two_clips())
    logits = model(**data)
    expected = 0.5 * (1 - (logits[:, 0] - logits[:, 1])).clamp(min=0).mean()
    torch.testing.assert_close(model(**data, mode='loss')['loss_global'], expected)


@pytest.mark.parametrize(
    'options', [dict(lines=[]), dict(lines=['', '', '']), dict(frames=1), dict(lines=[], frames=1)]
)
def test_silent_and_short_clips(options):
    model = build().train()
    data = prepare(model, batch(packed('man opens', 'man lifts', **options)))
    losses = model(**data, mode='loss')
    assert all(loss.isfinite() for loss in losses.values())
    sum(losses.values()).backward()
    if 'lines' in options:
        assert model.local_graph.silent.grad.abs().sum() > 0
    (sample,) = model.eval()(**data, mode='predict')
    assert sample.evidence.isfinite().all()


@pytest.mark.parametrize('modalities', [('video',), ('subtitle',), ()])
def test_modalities_are_left_out(modalities):
    model = build(premise_encoder=dict(modalities=modalities), coherence=None).train()
    data = prepare(model, two_clips())
    before = model.eval()(**data)
    for name, key in (('video', 'video'), ('subtitle', 'sub')):
        if name not in modalities:
            data['inputs'][key] = torch.randn_like(data['inputs'][key])
    assert torch.equal(model(**data), before)
    model.train()(**data, mode='loss')['loss_cls'].backward()


@pytest.mark.parametrize('modalities, name', [((), 'segment'), (('video',), 'local')])
def test_coherence_without_its_modalities_is_refused(modalities, name):
    loss = small_model()['coherence'][name]
    with pytest.raises(ValueError, match=rf'coherence\.{name} needs'):
        build(premise_encoder=dict(modalities=modalities), coherence={name: loss, **{'glob': None}} | _none(name))


def _none(name):
    return {other: None for other in ('local', 'segment', 'glob') if other != name}


@pytest.mark.parametrize(
    'changes, match',
    [
        (dict(local_graph=dict(heads=3)), 'heads=3'),
        (dict(segment_graph=dict(topk=0)), 'topk 0'),
        (dict(head=dict(verdict='or')), "verdict 'or'"),
        (dict(premise_encoder=dict(modalities=('audio',))), 'audio'),
        (dict(premise_encoder=dict(video_channels=None)), 'video_channels'),
        (dict(premise_encoder=dict(local_positions=0)), 'local_positions 0'),
        (dict(segment_graph=dict(positions=0)), 'positions 0'),
        (dict(coherence=dict(other=None)), r'coherence\.other'),
        (dict(coherence=dict(glob=dict(type='PairCoherenceLoss', margin=-1))), 'margin -1'),
        (dict(coherence=dict(segment=dict(type='ReplacedSegmentLoss', prob=1.5))), 'prob 1.5'),
        (dict(coherence=dict(local=dict(type='SegmentAlignmentLoss', temperature=0))), 'temperature 0'),
    ],
)
def test_wrong_arguments_are_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        build(**changes)


def test_unknown_modes_and_missing_inputs_are_refused():
    model = build()
    data = prepare(model, two_clips())
    with pytest.raises(ValueError, match="mode 'x'"):
        model(**data, mode='x')
    for key, name in (('video', 'video'), ('sub', 'sub')):
        inputs = {other: value for other, value in data['inputs'].items() if other != key}
        with pytest.raises(ValueError, match=f'needs {name}'):
            model(inputs)


@torch.no_grad()
def test_places_in_a_segment_are_told_apart_as_far_as_their_table_goes():
    model = build(premise_encoder=dict(local_positions=3)).eval()
    inputs = prepare(model, two_clips())['inputs']
    table = model.premise_encoder.places.clone()
    found = model.encode_premise(inputs)
    model.premise_encoder.places.zero_()
    unplaced = model.encode_premise(inputs)
    torch.testing.assert_close(found.words - unplaced.words, table.expand(2, 4, -1, -1))
    torch.testing.assert_close(found.frames - unplaced.frames, table[:2].expand(2, 4, -1, -1))
    with pytest.raises(ValueError, match='3 places in a segment for local_positions=2'):
        build(premise_encoder=dict(local_positions=2))(inputs)


@torch.no_grad()
def test_a_score_of_the_threshold_follows():
    model = build().eval()
    data = prepare(model, two_clips())
    scores = torch.stack([sample.pred_score for sample in model(**copy.deepcopy(data), mode='predict')])
    model.head.threshold = float(scores[0, 0])
    labels = torch.stack([sample.pred_label for sample in model(**data, mode='predict')])
    assert labels[0, 0] == 1 and torch.equal(labels == 1, scores >= scores[0, 0])


@torch.no_grad()
def test_encoded_premise_serves_many_statements():
    model = build().eval()
    texts = ['man opens saying coffee', 'girl lifts', 'man opens before girl lifts']
    data = prepare(model, batch(packed(*texts)))
    premise = model.encode_premise(data['inputs'])
    for number, text in enumerate(texts):
        single = prepare(model, batch(packed(text)))
        found = model.judge(single['inputs'], premise).logits
        torch.testing.assert_close(found, model(**data)[0, number : number + 1], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_direction_of_a_connective_matters():
    model = build().eval()
    first, second = 'man opens', 'girl lifts'
    texts = [f'{a} {word} {b}' for a, b in ((first, second), (second, first)) for word in ('before', 'after')]
    found = model(**prepare(model, batch(packed(*texts))))
    assert (found[0, :1] - found[0, 1:]).abs().min() > 1e-4


def test_half_precision():
    model = build().train()
    data = prepare(model, two_clips())
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**data, mode='loss')
    exact = model(**data, mode='loss')
    torch.testing.assert_close(losses['loss_cls'].float(), exact['loss_cls'], atol=0.1, rtol=0.1)
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_weights_round_trip():
    one, other = build(0).eval(), build(1).eval()
    data = prepare(one, two_clips())
    assert not torch.allclose(one(**data), other(**data))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(**data), other(**data))


@torch.no_grad()
def test_compiled_model_gives_the_same():
    model = build().eval()
    data = prepare(model, two_clips())
    compiled = torch.compile(model.judge, backend='aot_eager')
    torch.testing.assert_close(compiled(data['inputs']).logits, model.judge(data['inputs']).logits)


def coherent_losses(rank, world_size, parts):
    """Losses and gradients of the part of this process; the corruption of clips is given."""
    model = build().train()
    data = prepare(model, pseudo_collate([ITEMS[number] for number in parts[rank]]))
    losses = model(**data, mode='loss')
    names = ('loss_local',)
    gradients = torch.autograd.grad(sum(losses[name] for name in names), list(model.text_proj.parameters()))
    states = [torch.cat([g.flatten() for g in gradients]), losses['loss_local'].detach()]
    mask = torch.tensor([[True] * (2 + number) + [False] * (4 - number) for number in parts[rank]])
    loss = model.coherence['segment']
    torch.manual_seed(0)
    everything = torch.randn(4, 6, 16)[parts[rank]]
    target = (everything[..., 0] > 0).float()
    corruption = loss.corrupt(mask)._replace(target=target, counted=mask)
    states.append(loss(everything, mask, corruption).detach())
    return states


ITEMS = [
    packed('man opens', 'man lifts', seed=number, lines=['i want coffee', 'i want money', 'no', 'yes'][: 1 + number])
    for number in range(4)
]


def verdict_losses(rank, world_size, parts):
    """Losses of the verdicts of the part of this process, and their gradients."""
    model = build().train()
    data = prepare(model, pseudo_collate([ITEMS[number] for number in parts[rank]]))
    losses = model(**data, mode='loss')
    chosen = [losses['loss_cls'], losses['loss_global']]
    gradients = torch.autograd.grad(sum(chosen), list(model.text_proj.parameters()))
    return [torch.cat([g.flatten() for g in gradients]), *(each.detach() for each in chosen)]


def all_losses(rank, world_size, uneven, even):
    """Means over statements need equal parts; what is gathered or counted over processes does not."""
    return [*coherent_losses(rank, world_size, uneven), *verdict_losses(rank, world_size, even)]


def test_two_processes_equal_one():
    whole = all_losses(0, 1, [[0, 1, 2, 3]], [[0, 1, 2, 3]])
    found = run_distributed(all_losses, 2, [[0], [1, 2, 3]], [[0, 3], [1, 2]])
    for one, pair in zip(whole, zip(*found)):
        torch.testing.assert_close(sum(pair) / 2, one, atol=1e-5, rtol=1e-4)
