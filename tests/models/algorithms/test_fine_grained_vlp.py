import pytest
import torch
from mmengine.structures import BaseDataElement
from torch import nn

from vlplugins.registry import MODELS


@MODELS.register_module(force=True)
class OnePatchLayer(nn.Conv2d):
    """Patches of 16 pixels, each seen alone."""

    def __init__(self, width):
        super().__init__(3, width, 16, 16)

    def forward(self, images):
        return (super().forward(images).tanh(),)


SMALL = dict(
    type='FineGrainedVLPretrainer',
    image_backbone=dict(type='OnePatchLayer', width=16),
    image_channels=16,
    text_backbone=dict(type='BertTextEncoder', vocab_size=30, width=16, depth=1, heads=2, max_len=10, dropout=0.0),
    embed_dim=8,
    region_head=dict(type='SemanticRegionHead', in_channels=16, feat_channels=8, groups=2, num_regions=4, num_random=3),
    loss_region=dict(type='TokenShapleyLoss'),
    loss_location=dict(type='RegionLocationLoss', min_iou=0.01),
    loss_alignment=dict(type='SemanticShapleyLoss'),
    sampler=dict(type='SampledShapley', num_samples=8),
)
UNSIL = dict(
    type='HybridShapley', estimator=dict(type='TokenUNSIL', dim=8, grid=(4, 6), hidden=8, heads=2), warmup_iters=1
)


def build(**options):
    torch.manual_seed(0)
    return MODELS.build({**SMALL, **options})


def batch(size=4):
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(2, 30, (size, 10), generator=generator)
    mask = torch.arange(10) < torch.tensor([10, 8, 6, 9] * (size // 4))[:, None]
    spans = torch.tensor([[[1, 3], [4, 7]], [[2, 4], [0, 0]], [[0, 0], [0, 0]], [[1, 2], [3, 9]]]).repeat(
        size // 4, 1, 1
    )
    image = torch.randn(size, 3, 64, 96, generator=generator)
    return dict(image=image, text_ids=ids, text_mask=mask, phrase_spans=spans)


def total(losses):
    return sum(value for key, value in losses.items() if 'loss' in key)


@pytest.mark.parametrize('options', [{}, dict(token_estimator=UNSIL), dict(game_text='caption', num_game_images=3)])
def test_every_parameter_learns(options):
    model = build(**options)
    losses = model(batch(), mode='loss')
    assert {'loss_cmc', 'loss_tsa', 'loss_loc', 'loss_fsa'} <= set(losses)
    assert ('loss_unsil' in losses) == ('token_estimator' in options)
    total(losses).backward()
    still = {name for name, each in model.named_parameters() if each.grad is None}
    assert not still and all(each.grad.isfinite().all() for each in model.parameters())
    assert all(each.grad.abs().sum() > 0 for name, each in model.named_parameters() if 'estimator' not in name)


def test_games_that_are_off_are_not_played_and_give_gradients_of_zero():
    model = build(token_estimator=UNSIL, loss_weights=dict(tsa=0.0, fsa=0.0))
    losses = model(batch(), mode='loss')
    alone = build(region_head=None, loss_region=None, loss_location=None, loss_alignment=None)
    alone.load_state_dict(model.state_dict(), strict=False)
    assert total(losses).item() == pytest.approx(alone(batch(), mode='loss')['loss_cmc'].item())
    assert set(losses) == {'loss_cmc', 'loss_idle'} and model.game_steps == 0
    total(losses).backward()
    for part in (model.region_head, model.token_estimator):
        assert all((each.grad == 0).all() for each in part.parameters())


def test_the_estimator_teaches_nothing_but_itself():
    model = build(token_estimator=UNSIL)
    model(batch(), mode='loss')['loss_unsil'].backward()
    assert all(each.grad is None for name, each in model.named_parameters() if 'token_estimator' not in name)
    assert model.token_estimator.estimator.read_out[-1].weight.grad.abs().sum() > 0


def test_games_leave_the_global_random_numbers_alone_and_are_repeated_on_resume():
    model = build()
    state = torch.get_rng_state()
    first = model(batch(), mode='loss')
    assert torch.equal(torch.get_rng_state(), state)
    second, other = model(batch(), mode='loss'), build()
    assert first['loss_tsa'] != second['loss_tsa']
    model.game_steps.zero_()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(batch(), mode='loss')['loss_tsa'], first['loss_tsa'])


def test_a_batch_without_phrases_judges_by_whole_texts():
    inputs = batch()
    del inputs['phrase_spans']
    model, captions = build(max_texts=1), build(max_texts=1, game_text='caption')
    found, expected = model(inputs, mode='loss'), captions(inputs, mode='loss')
    assert found['loss_fsa'] == 0
    torch.testing.assert_close(found['loss_tsa'], expected['loss_tsa'])


def test_wanted_coalitions_alone_are_sampled():
    model, seen = build(), []

    class Sampler:
        def estimate(self, game, coalitions, step):
            seen.append(coalitions)
            mean = coalitions.sum(dim=2, keepdim=True).float().expand(-1, -1, 2)
            return type('Result', (), dict(mean=mean))

    model.sampler = Sampler()
    coalitions = torch.ones(2, 5, 6).cumsum(dim=1) > torch.arange(6)
    wanted = torch.zeros(2, 5, 2, dtype=torch.bool)
    wanted[0, 3, 1] = wanted[0, 1, 0] = wanted[1, 4] = True
    found = model._sample(None, coalitions, wanted, 0)
    assert seen[0].shape == (2, 2, 6)
    assert found[0, [1, 3]].tolist() == [[2, 2], [4, 4]] and found[1, 4].tolist() == [5, 5]


def test_boxes_for_a_text_are_sorted_inside_the_image_and_mapped_back():
    model, inputs = build().eval(), batch()
    samples = [BaseDataElement(metainfo=dict(scale_factor=(0.5, 2.0))) for _ in range(4)]
    plain = [BaseDataElement() for _ in range(4)]
    for one, other in zip(model(inputs, samples, 'predict'), model(inputs, plain, 'predict')):
        found, expected = one.pred_instances, other.pred_instances
        assert 1 <= len(found) <= 4 and (found.scores.diff() <= 0).all()
        torch.testing.assert_close(found.bboxes * torch.tensor([0.5, 2, 0.5, 2]), expected.bboxes)
        assert (expected.bboxes >= 0).all() and (expected.bboxes <= torch.tensor([96, 64, 96, 64])).all()


def test_games_under_autocast_are_finite():
    model = build(token_estimator=UNSIL)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(batch(), mode='loss')
    total(losses).backward()
    assert all(each.grad.isfinite().all() for each in model.parameters())


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(game_text='word'), "game_text 'word'.*'phrase' or 'caption'"),
        (dict(region_head=None), 'need a region_head'),
        (dict(loss_region=None), 'need a loss_region'),
    ],
)
def test_parts_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)
    with pytest.raises(ValueError, match="mode 'train'"):
        build()(batch(), mode='train')
