import re
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import MODELS, init_default_scope

import vlplugins
from tests.helpers.tel import clip, small_model

LOSSES = {'loss_mil_video', 'loss_mil_text', 'loss_mil_fused', 'loss_consensus', 'loss_pseudo', 'loss_align'}


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')
    torch.manual_seed(0)


def build(**changes):
    return MODELS.build(small_model(**changes))


def prepared(model, *lengths, **options):
    items = [clip(length, seed=index, **options) for index, length in enumerate(lengths)]
    return model.data_preprocessor(pseudo_collate(items), True)


def test_losses_reach_every_parameter():
    model = build(segment_loss=dict(type='SegmentLabelLoss'))
    # Logits of an untrained head span less than the pseudo labels ask for.
    for head in model.heads.values():
        torch.nn.init.normal_(head.classifier.weight)
    losses = model(**prepared(model, 6, 9), mode='loss')
    assert set(losses) == LOSSES | {'loss_segment_fused', 'loss_segment_video', 'loss_segment_text'}
    assert all(loss.shape == () and loss.isfinite() and loss > 0 for loss in losses.values())
    sum(losses.values()).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert all(re.search(r'(fine\.key\.bias|in_proj_bias)$', name) for name in silent), silent


def test_branches_share_nothing_and_do_not_see_each_other():
    model = build().eval()
    parameters = [{id(p) for p in model.branches[name].parameters()} for name in model.modalities]
    parameters += [{id(p) for p in model.heads[name].parameters()} for name in model.modalities]
    assert sum(map(len, parameters)) == len(set.union(*parameters))
    inputs = prepared(model, 6, 9)['inputs']
    before = model(inputs, mode='tensor')
    after = model(dict(inputs, text=inputs['text'] + 1), mode='tensor')
    assert torch.equal(before['video'], after['video']) and not torch.equal(before['text'], after['text'])
    torch.testing.assert_close(before['fused'], (before['video'] + before['text']) / 2)


def test_a_long_neighbour_does_not_change_the_scores_of_a_clip():
    model = build().eval()
    for name, parameter in model.named_parameters():
        if name.endswith('bias'):
            torch.nn.init.ones_(parameter)
    alone = model(**prepared(model, 5), mode='predict')[0]
    beside = model(**prepared(model, 5, 108), mode='predict')[0]
    torch.testing.assert_close(beside.segment_scores, alone.segment_scores, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(beside.clip_scores, alone.clip_scores, atol=1e-5, rtol=1e-5)


def test_predictions_have_the_lengths_of_their_clips():
    model = build().eval()
    samples = model(**prepared(model, 5, 8), mode='predict')
    for sample, length in zip(samples, (5, 8)):
        assert sample.segment_scores.shape == (length, 3) and sample.clip_scores.shape == (3,)
        assert 0 < sample.clip_scores.min() and sample.clip_scores.max() < 1
        assert sample.branch_scores['text'].shape == (length, 3)
        assert sample.granularity_weights['video'].shape == (length, 4)
        found = sample.pred_instances
        assert len(found.segments) == len(found.labels) > 0 and found.lines.max() < length


def test_given_labels_are_looked_for_instead_of_predicted_ones():
    model = build(given_labels=True).eval()
    data = prepared(model, 6)
    data['data_samples'][0].gt_labels = torch.tensor([0.0, 1.0, 0.0])
    (sample,) = model(**data, mode='predict')
    assert set(sample.pred_instances.labels.tolist()) == {1}


def test_fusion_weights_are_a_choice():
    model = build(fusion_weights=[1.0, 0.0]).eval()
    found = model(prepared(model, 6)['inputs'], mode='tensor')
    torch.testing.assert_close(found['fused'], found['video'])
    with pytest.raises(ValueError, match='3 fusion_weights'):
        build(fusion_weights=[1, 1, 1])


def test_an_absent_modality_is_left_out_of_fusion_and_consensus():
    model = build().eval()
    data = prepared(model, 6, 6)
    data['inputs']['present']['video'] = torch.tensor([False, True])
    found = model(data['inputs'], mode='tensor')
    torch.testing.assert_close(found['fused'][0], found['text'][0])
    torch.testing.assert_close(found['fused'][1], (found['video'][1] + found['text'][1]) / 2)
    losses = model(**data, mode='loss')
    other = {**data['inputs'], 'video': data['inputs']['video'].clone()}
    other['video'][0] += 5
    again = model(other, data['data_samples'], mode='loss')
    for name in ('loss_mil_video', 'loss_consensus', 'loss_pseudo', 'loss_align', 'loss_mil_fused'):
        torch.testing.assert_close(losses[name], again[name], msg=name)
    weighted = build(fusion_weights=[1.0, 0.0]).eval()
    found = weighted(data['inputs'], mode='tensor')
    torch.testing.assert_close(found['fused'][0], found['text'][0])


@pytest.mark.parametrize('loss', ['consensus_loss', 'pseudo_loss', 'align_loss'])
def test_losses_between_modalities_need_two(loss):
    cfg = small_model()
    options = {name: None for name in ('consensus_loss', 'pseudo_loss', 'align_loss') if name != loss}
    with pytest.raises(ValueError, match=rf"{loss} compares two modalities, the model has \('text',\)"):
        MODELS.build(dict(cfg, branches=dict(cfg['branches'], video=None), **options))


def test_one_modality_alone():
    cfg = small_model(consensus_loss=None, pseudo_loss=None, align_loss=None)
    model = MODELS.build(dict(cfg, branches=dict(cfg['branches'], video=None)))
    assert set(model(**prepared(model, 4, text=5), mode='loss')) == {'loss_mil_text'}


def test_attention_pooling_pools_each_branch_by_its_own_features():
    pool = dict(type='MaskedAttentionPooling', channels=16, num_classes=3)
    model = build(head=dict(type='EmotionActivationHead', num_classes=3, pool=pool))
    losses = model(**prepared(model, 6, 9), mode='loss')
    assert losses['loss_mil_fused'].isfinite()


def test_full_supervision_needs_boundaries():
    model = build(segment_loss=dict(type='SegmentLabelLoss'), clip_loss=None)
    data = prepared(model, 4)
    del data['data_samples'][0].gt_segments
    with pytest.raises(ValueError, match='segment_loss needs boundaries, which clip0 lacks'):
        model(**data, mode='loss')


def test_modes_and_inputs_are_checked():
    model = build()
    inputs = prepared(model, 4)['inputs']
    with pytest.raises(ValueError, match="mode 'x' is unknown"):
        model(inputs, mode='x')
    del inputs['text']
    with pytest.raises(ValueError, match=r"the model needs \['text'\]"):
        model(inputs, mode='tensor')


def test_half_precision_and_a_round_trip_of_the_weights():
    model = build().eval()
    data = prepared(model, 6, 9)
    expected = model(data['inputs'], mode='tensor')['fused']
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**data, mode='loss')
        found = model(data['inputs'], mode='tensor')['fused']
    assert all(loss.isfinite() for loss in losses.values())
    torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0.05)
    other = build().eval()
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(data['inputs'], mode='tensor')['fused'], expected)


def test_compiled_branches_give_the_same(monkeypatch):
    model = build(align_loss=None).eval()
    inputs = prepared(model, 6, 9)['inputs']
    expected = model(inputs, mode='tensor')['fused']
    compiled = torch.compile(model, backend='aot_eager', dynamic=True)
    torch.testing.assert_close(compiled(inputs, mode='tensor')['fused'], expected)


def test_no_model_of_the_package_asks_for_the_epoch():
    files = Path(vlplugins.__file__).parent.glob('models/**/*.py')
    names = [path.name for path in files if re.search(r'\bepochs?\b\s*(<|>|==|%)', path.read_text())]
    assert names == []
