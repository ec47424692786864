import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement
from torch import nn

from tests.helpers.processes import run_distributed
from vlplugins.registry import MODELS


@MODELS.register_module(force=True)
class OnePatchLayer(nn.Conv2d):
    """Patches of 16 pixels, each seen alone."""

    def __init__(self, width):
        super().__init__(3, width, 16, 16)

    def forward(self, images):
        return (super().forward(images).tanh(),)


@MODELS.register_module(force=True)
class PixelsArePatches(nn.Module):
    """Every pixel is a patch, its channels are the feature."""

    def forward(self, images):
        return (images,)


@MODELS.register_module(force=True)
class WordTable(nn.Module):
    """The vector of each word; in the place of the first token their sum."""

    def __init__(self, vectors):
        super().__init__()
        self.width, self.table = vectors.size(1), nn.Embedding.from_pretrained(vectors)

    def forward(self, text_ids, text_mask):
        words = self.table(text_ids)
        return torch.cat([words[:, 1:].sum(dim=1, keepdim=True), words[:, 1:]], dim=1)


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


@pytest.mark.parametrize('loss_location', [None, SMALL['loss_location']])
def test_boxes_are_moved_by_the_location_loss_alone(loss_location):
    model = build(loss_location=loss_location, token_estimator=UNSIL)
    total(model(batch(), mode='loss')).backward()
    deltas, confidence = model.region_head.predict.weight.grad.unflatten(0, (-1, 5)).split([4, 1], dim=1)
    assert bool((deltas != 0).any()) == (loss_location is not None) and (confidence != 0).any()


def test_games_that_are_off_are_not_played_and_give_gradients_of_zero():
    model = build(token_estimator=UNSIL, loss_weights=dict(tsa=0.0, fsa=0.0))
    # What is off costs no pass of the head.
    model.region_head.forward = None
    losses = model(batch(), mode='loss')
    alone = build(region_head=None, loss_region=None, loss_location=None, loss_alignment=None)
    alone.load_state_dict(model.state_dict(), strict=False)
    assert total(losses).item() == pytest.approx(alone(batch(), mode='loss')['loss_cmc'].item())
    assert set(losses) == {'loss_cmc', 'loss_idle'} and model.game_steps.value == 0
    total(losses).backward()
    for part in (model.region_head, model.token_estimator):
        assert all((each.grad == 0).all() for each in part.parameters())


def contrast_only(rank, world_size):
    """Loss and averaged gradients of the second of two steps on a share of the batch, with the games off."""
    model = build(token_estimator=UNSIL, loss_weights=dict(tsa=0.0, fsa=0.0))
    trained = nn.parallel.DistributedDataParallel(model) if world_size > 1 else model
    inputs = {key: each.chunk(world_size)[rank] for key, each in batch(8).items()}
    # A parameter without gradient would be an error in the second forward pass.
    for _ in range(2):
        trained.zero_grad()
        losses = trained(inputs, mode='loss')
        total(losses).backward()
    return losses['loss_cmc'].detach(), {name: each.grad for name, each in model.named_parameters()}


def test_two_processes_contrast_as_one_does_with_games_off():
    loss, gradients = contrast_only(0, 1)
    results = run_distributed(contrast_only, 2)
    torch.testing.assert_close(sum(each[0] for each in results) / 2, loss)
    for _, found in results:
        assert set(found) == set(gradients)
        for name, gradient in gradients.items():
            torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


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
    model.game_steps.value = 0
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(batch(), mode='loss')['loss_tsa'], first['loss_tsa'])


def test_a_batch_without_phrases_judges_by_whole_texts():
    inputs = batch()
    del inputs['phrase_spans']
    model, captions = build(), build(game_text='caption')
    found, expected = model(inputs, mode='loss'), captions(inputs, mode='loss')
    assert found['loss_fsa'] == 0 and found['game/too_few_texts'] == 0
    torch.testing.assert_close(found['loss_tsa'], expected['loss_tsa'])


def test_more_padding_of_phrases_changes_no_loss():
    inputs = batch()
    padded = dict(inputs, phrase_spans=F.pad(inputs['phrase_spans'], (0, 0, 0, 3)))
    found, expected = (build()(each, mode='loss') for each in (padded, inputs))
    for name in ('loss_tsa', 'loss_fsa', 'loss_loc', 'game/full_prob'):
        torch.testing.assert_close(found[name], expected[name])


@pytest.mark.parametrize('rows, played', [((0, 1, 0, 1), False), ((0, 1, 2, 1), True)])
def test_of_two_different_texts_none_judges(rows, played):
    inputs = {key: each if key == 'image' else each[list(rows)] for key, each in batch().items()}
    model = build(token_estimator=UNSIL, game_text='caption', loss_location=None, loss_alignment=None)
    losses = model(inputs, mode='loss')
    # Chance is a half, as is the greatest probability: the gain falls to 0, and a target of 0 would teach "no region".
    assert losses['game/too_few_texts'] == (0 if played else 1)
    (losses['loss_tsa'] + losses['loss_unsil']).backward()
    taught = [model.region_head.predict.bias.grad, model.token_estimator.estimator.read_out[-1].bias.grad]
    assert all(bool((each != 0).any()) == played for each in taught)
    # A cosine needs no rival.
    alone = build(value=dict(type='CosineValue'), game_text='caption')
    assert alone(inputs, mode='loss')['loss_tsa'] > 0


def test_unsure_coalitions_alone_are_sampled():
    model, seen = build(token_estimator={**UNSIL, 'warmup_iters': 0, 'budget': 0.25}), []
    estimate = model.sampler.estimate
    model.sampler.estimate = lambda game, coalitions, step: (
        seen.append(coalitions.shape) or estimate(game, coalitions, step)
    )
    losses = model(batch(), mode='loss')
    # At the start exp(s) is 1, above the threshold: of four times 4 + 3 coalitions the budget allows seven.
    assert seen == [(7, 1, 24)] and 0 < losses['unsil/sample_ratio'] < 1


def test_games_tell_how_full_and_how_capped_they_are():
    losses = build(value=dict(type='MatchedProbValue', gain=200.0))(batch(), mode='loss')
    assert losses['game/capped_ratio'] > 0 and losses['game/full_prob'] <= 0.5 + 1e-4
    losses = build(value=dict(type='MatchedProbValue', gain=200.0, max_full_prob=None))(batch(), mode='loss')
    assert losses['game/capped_ratio'] == 0
    assert 'game/full_prob' not in build(value=dict(type='CosineValue'))(batch(), mode='loss')


def test_images_are_encoded_anew_without_the_absent_patches():
    backbone = dict(type='PatchEncoder', patch_size=16, hidden=8, width=16, depth=1, heads=2)
    value = dict(type='ReencodeValue')
    model = build(image_backbone=backbone, value=value, num_game_images=2).eval()
    inputs = batch()
    encoded = model.encode(inputs)
    encoded = type(encoded)(*(each[:2] for each in encoded))
    texts = model.game_texts(encoded, inputs, torch.Generator().manual_seed(0))
    game = model.token_game(encoded.patches, texts, inputs['image'])
    masks = torch.rand(2, 3, 24) > 0.4
    found = game(masks)
    for image in range(2):
        embedded = model.image_backbone.embed(inputs['image'][image : image + 1])
        for mask, scores in zip(masks[image], found[image]):
            seen = []
            for present in (mask, torch.zeros(24, dtype=torch.bool)):
                kept = embedded * present.view(1, 1, 4, 6)
                feature = model.proj_img(model.image_backbone.encode(kept.flatten(2).transpose(1, 2))).mean(dim=1)
                rivals = texts.candidates[image, 0]
                logits = 8 * F.cosine_similarity(feature, texts.texts[image])
                seen.append(logits.masked_fill(~rivals, -torch.inf).softmax(dim=0)[texts.own[image, 0]])
            torch.testing.assert_close(scores[0], seen[0] - seen[1], atol=1e-5, rtol=1e-4)
    losses = model.train()(inputs, mode='loss')
    total(losses).backward()
    assert losses['loss_tsa'].isfinite()
    with pytest.raises(ValueError, match="ReencodeValue needs a backbone with 'embed' and 'encode', not OnePatchLayer"):
        build(value=value)


SEMANTIC = dict(type='HybridShapley', estimator=dict(type='SemanticUNSIL', dim=8, hidden=8, heads=2), warmup_iters=1)


def test_second_game_is_estimated_and_sampled_where_unsure():
    model = build(semantic_estimator=SEMANTIC)
    first, second = model(batch(), mode='loss'), model(batch(), mode='loss')
    assert first['unsil_semantic/sample_ratio'] == 1 and 0 < second['unsil_semantic/sample_ratio'] < 1
    # While all is sampled the labels are those of the closed form.
    torch.testing.assert_close(first['loss_fsa'], build()(batch(), mode='loss')['loss_fsa'])
    total(second).backward()
    assert model.semantic_estimator.estimator.read_out[-1].weight.grad.abs().sum() > 0
    model.loss_weights['fsa'] = 0.0
    off = model(batch(), mode='loss')
    model.zero_grad()
    total(off).backward()
    assert all((each.grad == 0).all() for each in model.semantic_estimator.parameters())


def test_second_game_is_sampled_by_any_estimator():
    closed = build()(batch(), mode='loss')['loss_fsa']
    sampler = dict(type='SampledShapley', num_samples=3000)
    torch.testing.assert_close(
        build(semantic_sampler=sampler)(batch(), mode='loss')['loss_fsa'], closed, atol=5e-3, rtol=0.03
    )
    model = build(semantic_sampler=sampler, semantic_estimator={**SEMANTIC, 'warmup_iters': 0})
    regions = model._pair_interactions
    seen = []
    model._pair_interactions = lambda *args: seen.append(regions(*args)) or seen[-1]
    assert model(batch(), mode='loss')['unsil_semantic/sample_ratio'] > 0
    # Of four images with two regions and two phrases each.
    assert seen[0].shape == (8, 2)


def test_state_of_the_games_is_resumed():
    model = build(token_estimator=UNSIL, semantic_estimator=SEMANTIC)
    for _ in range(3):
        model(batch(), mode='loss')
    other = build(token_estimator=UNSIL, semantic_estimator=SEMANTIC)
    other.load_state_dict({key: value.clone() for key, value in model.state_dict().items()})
    assert other.game_steps.value == 3 and other.token_estimator.steps.value == 3
    assert other.token_estimator.sample_ratio == model.token_estimator.sample_ratio < 1
    torch.testing.assert_close(other(batch(), mode='loss'), model(batch(), mode='loss'))


def test_boxes_for_a_text_are_sorted_inside_the_image_and_mapped_back():
    model, inputs = build(test_mode='grounding', test_cfg=dict(max_per_img=5)).eval(), batch()
    samples = [BaseDataElement(metainfo=dict(scale_factor=(0.5, 2.0))) for _ in range(4)]
    plain = [BaseDataElement() for _ in range(4)]
    for one, other in zip(model(inputs, samples, 'predict'), model(inputs, plain, 'predict')):
        found, expected = one.pred_instances, other.pred_instances
        assert len(found) == 5 and (found.scores.diff() <= 0).all()
        torch.testing.assert_close(found.bboxes * torch.tensor([0.5, 2, 0.5, 2]), expected.bboxes)
        assert (expected.bboxes >= 0).all() and (expected.bboxes <= torch.tensor([96, 64, 96, 64])).all()


def test_games_under_autocast_are_finite():
    model = build(token_estimator=UNSIL)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(batch(), mode='loss')
    total(losses).backward()
    assert all(each.grad.isfinite().all() for each in model.parameters())


def test_encoders_and_regions_are_one_graph():
    """Games stay outside: they read counters and draw with a generator of their own."""
    model, inputs = build().eval(), batch()

    def encode(inputs):
        encoded = model(inputs, mode='tensor')
        return (*encoded, *model.region_head(encoded.feature_map, (64, 96)))

    for found, expected in zip(torch.compile(encode, backend='eager', fullgraph=True)(inputs), encode(inputs)):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(game_text='word'), "game_text 'word'.*'phrase' or 'caption'"),
        (dict(region_head=None), 'need a region_head'),
        (dict(loss_region=None), 'need a loss_region'),
        (dict(loss_alignment=None, semantic_estimator=SEMANTIC), 'semantic_estimator needs a loss_alignment'),
        (dict(loss_weights=dict(tas=1.0)), r"loss_weights has \['tas'\].*'tsa'"),
        (dict(test_mode='classify'), "test_mode 'classify'.*'retrieval', 'detection', 'grounding'"),
        (dict(test_cfg=dict(nms=1)), r"test_cfg has \['nms'\]"),
        (dict(text_pool='max'), "text_pool 'max'"),
        (dict(embed_dim=16, token_estimator=UNSIL), 'token_estimator has dim 8; expected 16'),
        (
            dict(region_head={**SMALL['region_head'], 'grid': (4, 6)}, sampler=dict(type='ExactShapley')),
            r'24 players have 2\^24 coalitions',
        ),
        (
            dict(region_head={**SMALL['region_head'], 'num_regions': 16}, semantic_sampler=dict(type='ExactShapley')),
            r'17 players have 2\^17 coalitions',
        ),
        (
            dict(region_head={**SMALL['region_head'], 'grid': (1, 1), 'num_regions': 7}),
            'num_regions 7 is above the 6 anchors',
        ),
        (
            dict(token_estimator={**UNSIL, 'estimator': {**UNSIL['estimator'], 'heads': 3}}),
            'heads 3 divide hidden 8',
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)
    with pytest.raises(ValueError, match="mode 'train'"):
        build()(batch(), mode='train')


def scenes(count, colours, seed):
    """Grids of 6 x 6 with an object in either half, of 2 or 3 by 2 to 4 patches, and texts that name both colours.

    Nothing tells how large an object is. Returns inputs of a model, and boxes ``[count, 2, 4]``.
    """
    generator = torch.Generator().manual_seed(seed)
    image = 0.03 * torch.randn(count, colours.size(1), 6, 6, generator=generator)
    kinds = torch.rand(count, len(colours), generator=generator).argsort(dim=1)[:, :2]
    size = torch.stack([torch.randint(2, high, (count, 2), generator=generator) for high in (4, 5)], dim=2)
    room = torch.tensor([4, 7]) - size
    corner = (torch.rand(count, 2, 2, generator=generator) * room).long() + torch.tensor([[0, 0], [3, 0]])
    boxes, axis = torch.cat([corner, corner + size], dim=2), torch.arange(6)
    for k in range(2):
        x1, y1, x2, y2 = boxes[:, k, :, None].unbind(dim=1)
        inside = ((axis >= y1) & (axis < y2))[:, :, None] & ((axis >= x1) & (axis < x2))[:, None]
        image += inside[:, None] * colours[kinds[:, k]][:, :, None, None]
    text_ids = F.pad(kinds + 1, (1, 0))
    spans = torch.tensor([[1, 2], [2, 3]]).expand(count, -1, -1)
    inputs = dict(image=image, text_ids=text_ids, text_mask=torch.ones_like(text_ids) > 0, phrase_spans=spans)
    return inputs, boxes.float()


def grounding_accuracy(model, inputs, boxes):
    """Share of the words whose first box has an IoU above a half with their object."""
    hits = []
    for k in range(2):
        text_ids = inputs['text_ids'][:, [0, k + 1]]
        query = dict(image=inputs['image'], text_ids=text_ids, text_mask=torch.ones_like(text_ids) > 0)
        for sample, box in zip(model(query, [BaseDataElement() for _ in boxes], 'predict'), boxes[:, k]):
            found = sample.pred_instances.bboxes[0]
            sides = (torch.minimum(found[2:], box[2:]) - torch.maximum(found[:2], box[:2])).clamp(min=0)
            areas = [(each[2:] - each[:2]).prod() for each in (found, box)]
            hits.append(sides.prod() / (sum(areas) - sides.prod()) > 0.5)
    return sum(hits).item() / len(hits)


@pytest.mark.learning
def test_the_game_of_phrases_alone_teaches_how_large_objects_are():
    colours = F.normalize(torch.randn(12, 16, generator=torch.Generator().manual_seed(0)), dim=1)
    (train, _), test = scenes(480, colours, seed=1), scenes(80, colours, seed=99)
    sides = [(width, height) for width in (2, 3, 4) for height in (2, 3, 4)]
    head = dict(feat_channels=32, groups=8, anchor_sizes=sides, on_borders=True, num_regions=10, num_random=14)
    accuracy = {}
    for game_text in ('phrase', 'caption'):
        model = build(
            image_backbone=dict(type='PixelsArePatches'),
            text_backbone=dict(type='WordTable', vectors=torch.cat([torch.zeros(1, 16), colours])),
            embed_dim=16,
            region_head=dict(type='SemanticRegionHead', in_channels=16, **head),
            loss_location=None,
            loss_alignment=None,
            sampler=dict(type='SampledShapley', num_samples=8),
            game_text=game_text,
            test_mode='grounding',
            confidence_weight=2.0,
        )
        for layer in (model.proj_img, model.proj_txt):
            nn.init.eye_(layer.weight)
        accuracy['untrained'] = grounding_accuracy(model, *test)
        optimizer = torch.optim.AdamW(model.region_head.parameters(), lr=4e-3)
        for step in range(60):
            rows = (torch.arange(12) + 12 * step) % 480
            optimizer.zero_grad()
            model({key: value[rows] for key, value in train.items()}, mode='loss')['loss_tsa'].backward()
            optimizer.step()
        accuracy[game_text] = grounding_accuracy(model, *test)
    assert accuracy['phrase'] >= 0.75, accuracy
    assert accuracy['phrase'] >= max(accuracy['caption'], accuracy['untrained']) + 0.15, accuracy
