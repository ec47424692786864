import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vlplugins.models.heads import SkeletonFusionHead

pytest.importorskip('mmaction')
from mmaction.structures import ActionDataSample  # noqa: E402


def head(**kwargs):
    torch.manual_seed(0)
    return SkeletonFusionHead(**{**dict(num_classes=6, in_channels=5, num_streams=2), **kwargs})


def maps(batch=3, streams=2):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(batch, 2, 5, 4, 3, generator=generator) for _ in range(streams)]


def samples(labels):
    return [ActionDataSample().set_gt_label(label) for label in labels]


LABELS = [0, 3, 5]


@pytest.mark.parametrize('pool', ['max', 'mean'])
def test_absent_person_neither_wins_nor_dilutes(pool):
    feats = [-each.abs() for each in maps()]
    for each in feats:
        each[0, 1] = 0
    pooled = head(person_pool=pool).pool(feats)[0]
    alone = feats[0][0, 0].mean(dim=(1, 2))
    torch.testing.assert_close(pooled[0], alone)
    both = feats[0][1].mean(dim=(2, 3))
    torch.testing.assert_close(pooled[1], both.amax(dim=0) if pool == 'max' else both.mean(dim=0))


def test_unmasked_pool_is_that_of_mmaction2():
    from mmaction.models import GCNHead

    ours, theirs = head(num_streams=1, person_pool='unmasked'), GCNHead(6, 5, dict(type='mmaction.CrossEntropyLoss'))
    theirs.fc.load_state_dict(ours.fcs[0].state_dict())
    feats = maps(streams=1)[0]
    feats[0, 1] = 0
    torch.testing.assert_close(ours.scores(feats)[0], theirs(feats))


def test_nobody_is_zero():
    pooled = head().pool([torch.zeros(2, 2, 5, 4, 3)] * 2)
    assert not any(each.any() for each in pooled)


def test_streams_are_trained_as_if_alone():
    """Without a fused loss the gradient of a stream is that of a head with this stream alone, halved by the mean."""
    both, feats = head(), maps()
    losses = both.loss(feats, samples(LABELS))
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    alone = head(num_streams=1)
    alone.fcs[0].load_state_dict(both.fcs[1].state_dict())
    alone.loss([feats[1]], samples(LABELS))['loss_cls'].backward()
    torch.testing.assert_close(2 * both.fcs[1].weight.grad, alone.fcs[0].weight.grad)


def test_loss_and_score_are_those_of_the_formula():
    module, feats = head(weights=(0.7, 0.3), stream_names=('key', 'bone')), maps()
    scores, labels = module.scores(feats), torch.tensor(LABELS)
    losses = module.loss(feats, samples(LABELS))
    for index, name in enumerate(('key', 'bone')):
        torch.testing.assert_close(losses[f'loss_{name}'], F.cross_entropy(scores[index], labels) / 2)
    expected = 0.7 * scores[0].softmax(dim=1) + 0.3 * scores[1].softmax(dim=1)
    found = module.predict(feats, samples(LABELS))
    for sample, row in zip(found, expected):
        torch.testing.assert_close(sample.pred_score, row)
        assert float(sample.pred_score.sum()) == pytest.approx(1, abs=1e-5)
        assert sample.pred_label.tolist() == [int(row.argmax())]
    hits = [(expected.topk(k).indices == labels[:, None]).any(dim=1).float().mean() for k in (1, 5)]
    torch.testing.assert_close(losses['top1_acc'], hits[0])
    torch.testing.assert_close(losses['top5_acc'], hits[1])
    assert 'loss_fused' not in losses


def test_score_and_logit_fusion_differ():
    feats = [10 * each for each in maps()]
    score, logit = head()(feats), head(fusion='logit')(feats)
    assert not torch.allclose(score, logit)
    torch.testing.assert_close(logit, head().scores(feats).mean(dim=0).log_softmax(dim=1))


def test_fused_loss_and_learned_weights():
    module, feats = head(weights='learned', fused_loss_weight=0.5), maps()
    losses = module.loss(feats, samples(LABELS))
    fused = module(feats)
    torch.testing.assert_close(losses['loss_fused'], 0.5 * F.nll_loss(fused, torch.tensor(LABELS)))
    assert float(losses['weight_stream0'] + losses['weight_stream1']) == pytest.approx(1)
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    assert module.free_weights.grad.abs().sum() > 0
    # By the fused loss alone.
    other = head(weights='learned')
    names = [name for name in other.loss(feats, samples(LABELS)) if 'loss' in name]
    assert names == ['loss_stream0', 'loss_stream1', 'loss_fused']
    losses = other.loss(feats, samples(LABELS))
    (losses['loss_stream0'] + losses['loss_stream1']).backward()
    assert other.free_weights.grad is None


def test_concat_has_one_classifier_and_one_loss():
    module, feats = head(fusion='concat'), maps()
    assert len(module.fcs) == 1 and module.fcs[0].in_features == 10
    losses = module.loss(feats, samples(LABELS))
    assert [name for name in losses if 'loss' in name] == ['loss_cls']
    torch.testing.assert_close(module(feats).exp().sum(dim=1), torch.ones(3))


def test_clips_of_a_sample_are_averaged_as_probabilities():
    module, feats = head(num_streams=1), maps(batch=6, streams=1)
    (first, second, third) = module.predict(feats, samples(LABELS))
    expected = module(feats).exp().view(3, 2, 6).mean(dim=1)
    torch.testing.assert_close(torch.stack([first.pred_score, second.pred_score, third.pred_score]), expected)
    assert module.loss(feats, samples(LABELS))['loss_cls'].isfinite()


def test_label_smoothing_and_few_classes():
    plain, smooth, feats = head(), head(label_smooth_eps=0.1), maps()
    scores = plain.scores(feats)[0]
    targets = 0.9 * F.one_hot(torch.tensor(LABELS), 6) + 0.1 / 6
    expected = -(targets * scores.log_softmax(dim=1)).sum(dim=1).mean() / 2
    torch.testing.assert_close(smooth.loss(feats, samples(LABELS))['loss_stream0'], expected)
    few = head(num_classes=2).loss(feats, samples([0, 1, 1]))
    assert 'top1_acc' in few and 'top5_acc' not in few


def test_half_precision_is_finite_and_gradients_reach_every_parameter():
    module, feats = head(fused_loss_weight=1.0), maps()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = module.loss([100 * each for each in feats], samples(LABELS))
    total = sum(value for name, value in losses.items() if 'loss' in name)
    assert total.isfinite()
    total.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


@pytest.mark.parametrize(
    'bad, text',
    [
        (dict(fusion='early'), 'fusion'),
        (dict(person_pool='sum'), 'person_pool'),
        (dict(weights=(0.5, 0.6)), 'sum is 1'),
        (dict(weights=(1.5, -0.5)), 'at least 0'),
        (dict(weights='learned', fused_loss_weight=0.0), 'learned'),
        (dict(stream_names=('key',)), 'must name 2'),
    ],
)
def test_bad_arguments_are_told(bad, text):
    with pytest.raises(ValueError, match=text):
        head(**bad)


def test_another_number_of_streams_is_told():
    with pytest.raises(ValueError, match='num_streams=2'):
        head()(maps(streams=3))


def test_recognizer_of_mmaction2_trains_and_predicts_clips():
    from mmengine.registry import MODELS, init_default_scope

    init_default_scope('vlplugins')
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='mmaction.RecognizerGCN',
            data_preprocessor=dict(type='mmaction.ActionDataPreprocessor'),
            backbone=dict(type='AFECNN', stream_channels=(4, 2), widths=(8, 16)),
            cls_head=dict(type='SkeletonFusionHead', num_classes=6, in_channels=16, num_streams=2),
        )
    )
    inputs = [torch.from_numpy(np.random.default_rng(0).normal(size=(2, 1, 6, 16, 10))) for _ in range(3)]
    data = model.data_preprocessor(dict(inputs=inputs, data_samples=samples(LABELS)), True)
    losses = model(**data, mode='loss')
    assert losses['loss_stream0'].isfinite()
    assert model.eval()(**data, mode='predict')[0].pred_score.shape == (6,)
