import copy

import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.config import Config  # noqa: E402
from mmengine.model import MMDistributedDataParallel  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

from tests.helpers.processes import run_distributed  # noqa: E402
from tests.helpers.tiny_configs import ROOT  # noqa: E402
from tests.helpers.trackers import (  # noqa: E402
    make_clip,
    make_frame,
    make_tracker,
    mot_batch,
    random_images,
    sot_batch,
    tracker_cfg,
)
from vlplugins.models.algorithms.tracking_batches import padding_of, pair_targets, task_of  # noqa: E402
from vlplugins.registry import MODELS  # noqa: E402

BATCHES = dict(sot=sot_batch, mot=mot_batch)
BASE = Config.fromfile(ROOT / 'configs/_base_/models/utt_r50.py')


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')
    torch.manual_seed(0)


def losses_of(tracker, batch, seed=0):
    torch.manual_seed(seed)
    return tracker(**tracker.data_preprocessor(copy.deepcopy(batch), True), mode='loss')


def backward(tracker, batch):
    tracker.zero_grad()
    total, _ = tracker.parse_losses(losses_of(tracker, batch))
    total.backward()
    return total


def reached(tracker, part):
    return [name for name, each in getattr(tracker, part).named_parameters() if each.grad is not None]


def spy(module, calls):
    module.register_forward_hook(lambda _, inputs, outputs: calls.append((inputs, outputs)))


def test_before_weights_are_drawn_none_is_what_the_memory_holds():
    """Of a detector of mmdet the embeddings of levels were."""
    tracker = MODELS.build(tracker_cfg())
    assert (tracker.detector.level_embed == 0).all() and all(each.isfinite().all() for each in tracker.parameters())
    tracker.init_weights()
    assert (tracker.detector.level_embed != 0).any()


def test_each_task_trains_its_parts_alone():
    tracker = make_tracker()
    assert backward(tracker, sot_batch()).isfinite()
    for part in ('target_encoder', 'target_decoder', 'proposal_decoder', 'target_transformer'):
        silent = set(dict(getattr(tracker, part).named_parameters())) - set(reached(tracker, part))
        assert not silent, (part, silent)
    detector = reached(tracker, 'detector')
    assert detector and all(name.startswith('backbone.') for name in detector)
    assert backward(tracker, mot_batch()).isfinite()
    assert not reached(tracker, 'target_decoder') and not reached(tracker, 'proposal_decoder')
    silent = {name for name, each in tracker.named_parameters() if each.grad is None}
    assert {name.split('.')[0] for name in silent} == {'target_decoder', 'proposal_decoder'}


def test_single_objects_have_a_stage_more_than_many():
    tracker, stages = make_tracker(), []
    tracker.box_loss.register_forward_pre_hook(lambda _, inputs: stages.append(len(inputs[0])))
    losses_of(tracker, sot_batch()), losses_of(tracker, mot_batch())
    assert stages == [3, 2]
    tracker = make_tracker(proposal_decoder=None)
    tracker.box_loss.register_forward_pre_hook(lambda _, inputs: stages.append(len(inputs[0])))
    losses_of(tracker, sot_batch())
    assert stages[2:] == [2]


def test_the_target_decoder_is_left_out_of_pairs():
    tracker, calls = make_tracker(), []
    spy(tracker.target_decoder, calls)
    losses_of(tracker, mot_batch())
    assert not calls
    losses_of(tracker, sot_batch())
    assert len(calls) == 1


def test_all_frames_of_a_clip_are_searched_for_the_target_of_one():
    tracker, encoded, searched = make_tracker(random_reference=False), [], []
    spy(tracker.target_encoder, encoded), spy(tracker.target_decoder, searched)
    batch = sot_batch(clips=2, length=3)
    losses_of(tracker, batch)
    boxes = torch.stack([clip[0].gt_instances.bboxes for clip in batch['data_samples']])
    assert torch.equal(encoded[0][0][1], boxes)
    targets = searched[0][0][0]
    assert targets.shape == (6, 1, 16)
    assert torch.equal(targets[0], targets[2]) and not torch.equal(targets[0], targets[3])
    tracker.random_reference = True
    chosen = []
    tracker.target_encoder.register_forward_pre_hook(lambda _, inputs: chosen.append(inputs[1]))
    for seed in range(8):
        losses_of(tracker, batch, seed)
    ends = {box[3].item() for boxes in chosen for box in boxes[:, 0]}
    assert ends == {40.0, 41.0, 42.0}


def test_the_target_of_a_pair_is_pooled_where_it_was_and_not_where_it_is_looked_for():
    tracker, encoded = make_tracker(), []
    spy(tracker.target_encoder, encoded)
    batch = mot_batch()
    losses_of(tracker, batch)
    for clip in batch['data_samples']:
        clip[1].gt_instances.bboxes += 3
    losses_of(tracker, batch)
    assert torch.equal(encoded[0][1], encoded[1][1])
    expected = torch.stack([clip[0].gt_instances.bboxes for clip in batch['data_samples']])
    assert torch.equal(encoded[0][0][1], expected)


def test_pairs_are_matched_by_identity_and_the_rest_does_not_count():
    before, after = ([clip[index] for clip in mot_batch()['data_samples']] for index in range(2))
    pairs = pair_targets(before, after)
    assert pairs.present.tolist() == [[True, True, False]] * 2
    assert pairs.search[0, 0].tolist() == [10.0, 6.0, 26.0, 44.0]  # 7 is the second of the later frame
    assert torch.equal(pairs.search[:, 2], pairs.reference[:, 2])
    empty = pair_targets(before[:1], [make_frame([], (64, 96))])
    assert not empty.present.any()
    filled = pair_targets([before[0], make_frame([[1.0, 2.0, 3.0, 4.0]])], [after[0], after[0]])
    assert filled.reference.shape == (2, 3, 4) and filled.present[1].tolist() == [False] * 3
    nothing = pair_targets([make_frame([])], [make_frame([])])
    assert nothing.reference.shape == (1, 0, 4)


def test_what_becomes_of_targets_without_a_partner_is_no_loss():
    tracker = make_tracker()
    batch = mot_batch()
    total = losses_of(tracker, batch)
    for clip in batch['data_samples']:
        clip[1].gt_instances.bboxes[2] += 9  # not in the reference frame
    for name in ('loss_l1', 'loss_giou'):
        torch.testing.assert_close(losses_of(tracker, batch)[name], total[name])


def test_a_pair_without_any_object_is_a_step():
    empty = dict(inputs=[random_images(2)], data_samples=[make_clip('mot', make_frame([]), make_frame([]))])
    tracker = make_tracker()
    losses = losses_of(tracker, empty)
    assert losses['loss_l1'] == 0 and losses['loss_giou'] == 0
    assert backward(tracker, empty).isfinite()


def test_corners_in_the_wrong_order_are_a_finite_loss_that_brings_them_into_order():
    tracker = make_tracker(random_reference=False)
    peaks = torch.zeros(2, 8, 8)
    peaks[0, 6, 6] = peaks[1, 1, 2] = 8.0
    tower = tracker.proposal_decoder.towers[0]
    tower.register_forward_hook(lambda _, inputs, scores: scores + peaks)
    found = []
    spy(tracker.proposal_decoder, found)
    batch = sot_batch()
    losses = losses_of(tracker, batch)
    boxes, scores = found[0][1]
    assert (boxes[..., :2] > boxes[..., 2:]).all() and losses['num_inverted_boxes'] >= 4
    scores.retain_grad()
    total, _ = tracker.parse_losses(losses)
    total.backward()
    assert total.isfinite() and all(each.grad.isfinite().all() for each in tower.parameters())
    # Downhill a peak sinks, as it is on the wrong side of the middle, and the weights of the tower learn of it.
    assert (scores.grad[:, 0, 0, 6, 6] > 0).all() and (scores.grad[:, 0, 1, 1, 2] > 0).all()
    assert tower[0].conv.weight.grad.any()


def test_boxes_are_shares_of_the_frame_without_its_padding():
    tracker, truths = make_tracker(), []
    tracker.box_loss.register_forward_pre_hook(lambda _, inputs: truths.append(inputs[1]))
    losses_of(tracker, mot_batch(sizes=((90, 100),)))
    expected = torch.tensor([10.0, 6.0, 26.0, 44.0]) / torch.tensor([100.0, 90.0, 100.0, 90.0])
    torch.testing.assert_close(truths[0][0, 0], expected)


def test_nothing_depends_on_what_is_padding():
    """The padding mask is true for padding: with the right one, the decoder does not see changed pixels there."""
    tracker = make_tracker().eval()
    batch = sot_batch(clips=1, length=2)
    mask = torch.zeros(64, 64, dtype=torch.bool)
    mask[:, 40:] = True
    for frame in batch['data_samples'][0].video_data_samples:
        frame.padding_mask = mask
    frames = batch['data_samples'][0].video_data_samples
    assert torch.equal(padding_of(frames, (64, 64), torch.zeros(1))[1], mask)
    maps = torch.randn(1, 16, 8, 8)
    changed = maps.clone()
    changed[..., 5:] += 3
    targets = torch.randn(1, 1, 16)
    decoded = []
    tracker.target_decoder.register_forward_hook(lambda _, inputs, outputs: decoded.append(outputs))
    for padding, same in ((mask[None], True), (~mask[None], False)):
        found = [tracker.search_targets([each], targets, padding) for each in (maps, changed)]
        assert torch.equal(decoded.pop(), decoded.pop()) == same
        assert found[0].proposals.isfinite().all()


def test_training_hides_the_padding_of_crops():
    tracker, hidden = make_tracker(), []
    tracker.target_decoder.register_forward_pre_hook(lambda _, inputs: hidden.append(inputs[2]))
    batch = sot_batch(clips=1, length=2)
    batch['data_samples'][0][1].padding_mask = torch.arange(64).expand(64, 64) >= 40
    losses_of(tracker, batch)
    # Three of eight places of 8 pixels, in the second frame alone.
    assert hidden[0].sum(dim=(1, 2)).tolist() == [0, 24] and hidden[0][1, :, 5:].all()


def test_padding_is_that_of_the_mask_and_of_the_batch():
    frame = make_frame([], (40, 50))
    padding = padding_of([frame], (64, 64), torch.zeros(1))[0]
    assert not padding[:40, :50].any() and padding[40:].all() and padding[:, 50:].all()
    frame.padding_mask = torch.zeros(40, 50, dtype=torch.bool)
    frame.padding_mask[:3] = True
    padding = padding_of([frame], (64, 64), torch.zeros(1))[0]
    assert padding[:3].all() and not padding[3:40, :50].any() and padding[40:].all()


def test_crops_that_are_all_padding_are_finite():
    batch = sot_batch()
    for frame in batch['data_samples'][0].video_data_samples:
        frame.padding_mask = torch.ones(64, 64, dtype=torch.bool)
    assert backward(make_tracker(), batch).isfinite()


def test_both_necks_begin_alike_and_are_apart():
    tracker = make_tracker().eval()
    images = torch.randn(1, 3, 64, 64)
    levels = tracker.detector.backbone(images)
    for one, two in zip(tracker.detector.neck(levels), tracker.tracking_neck(levels)):
        assert torch.equal(one, two)
    before = [each.clone() for each in tracker.detector.neck(levels)]
    with torch.no_grad():
        tracker.tracking_neck.convs[0].conv.weight += 1
    assert all(torch.equal(one, two) for one, two in zip(tracker.detector.neck(levels), before))
    assert not torch.equal(tracker.tracking_neck(levels)[0], before[0])


@pytest.mark.parametrize('on', ['reference', 'search'])
def test_detection_is_trained_in_the_frame_that_is_chosen(on):
    tracker = make_tracker(det_loss_on=on)
    batch = mot_batch(sizes=((64, 64),))
    total = {name: value for name, value in losses_of(tracker, batch).items() if name.startswith('det_')}
    for frame, same in ((0, on == 'search'), (1, on == 'reference')):
        changed = copy.deepcopy(batch)
        changed['inputs'][0][frame] = 255 - changed['inputs'][0][frame]
        found = losses_of(tracker, changed)
        assert all(torch.equal(found[name], value) for name, value in total.items()) == same


def test_reference_frames_may_be_without_gradient():
    batch = mot_batch(sizes=((64, 64),))
    gradients, values = [], []
    for freeze in (False, True):
        tracker = make_tracker(det_loss_on='search', freeze_reference=freeze)
        found = losses_of(tracker, batch)
        track = found['loss_l1'] + found['loss_giou']
        gradients.append(torch.autograd.grad(track, tracker.detector.backbone.conv1.weight)[0])
        values.append(track.item())
    assert values[0] == pytest.approx(values[1], rel=1e-5) and not torch.allclose(*gradients)


def test_all_detections_may_be_targets_of_which_the_matched_count():
    tracker, calls, losses = make_tracker(mot_reference='matched_pred'), [], []
    tracker.target_transformer.register_forward_pre_hook(lambda _, inputs: calls.append(inputs))
    tracker.box_loss.register_forward_pre_hook(lambda _, inputs: losses.append(inputs))
    batch = mot_batch()
    assert backward(tracker, batch).isfinite()
    maps, targets, start, real, level, _ = calls[0]
    assert targets.shape == (2, 10, 16) and real is None and level is None
    stages, truth, counted = losses[0]
    assert counted.sum(dim=1).tolist() == [2, 2]
    sizes = torch.tensor([[96.0, 64.0, 96.0, 64.0], [80.0, 60.0, 80.0, 60.0]])
    wanted = {tuple(box) for box in batch['data_samples'][0][1].gt_instances.bboxes[:2].tolist()}
    found = {tuple(round(number, 3) for number in box) for box in (truth[0] * sizes[0])[counted[0]].tolist()}
    assert found == wanted


@pytest.mark.parametrize(
    'changes',
    [
        dict(target_decoder=None),
        dict(proposal_decoder=None),
        dict(mot_levels='single'),
        dict(mot_levels='single', target_transformer__attention='cross'),
        dict(target_transformer__self_attention=False),
        dict(target_transformer__output_score=True),
        dict(det_loss_on='search', mot_reference='matched_pred'),
    ],
    ids=str,
)
def test_every_switch_trains_both_tasks(changes):
    tracker = make_tracker(**changes)
    for task, batch in BATCHES.items():
        assert backward(tracker, batch()).isfinite()
        scores = [name for name in losses_of(tracker, batch()) if 'score' in name]
        assert scores == (['loss_score'] if 'target_transformer__output_score' in changes else []), task


def test_crops_of_many_objects_are_of_the_levels_that_are_chosen():
    for levels, expected in (('all', None), ('single', 0)):
        tracker, calls = make_tracker(mot_levels=levels), []
        spy(tracker.target_encoder, calls)
        losses_of(tracker, mot_batch()), losses_of(tracker, sot_batch())
        assert [inputs[2] for inputs, _ in calls] == [expected, 0]


@pytest.mark.parametrize(
    'changes, match',
    [
        (dict(mot_levels='s16'), "mot_levels 's16' is unknown"),
        (dict(det_loss_on='both'), "det_loss_on 'both' is unknown"),
        (dict(mot_reference='pred'), "mot_reference 'pred' is unknown"),
        (dict(detections='mixed'), "detections 'mixed' is unknown"),
        (dict(freeze_reference=True), 'freeze_reference keeps from being trained'),
        (dict(target_transformer__attention='cross'), "goes with mot_levels='single'"),
    ],
    ids=str,
)
def test_switches_are_checked(changes, match):
    with pytest.raises(ValueError, match=match):
        make_tracker(**changes)


def test_samples_that_do_not_fit_are_told():
    tracker, batch = make_tracker(), sot_batch()
    mixed = dict(batch, data_samples=[batch['data_samples'][0], mot_batch()['data_samples'][0]])
    with pytest.raises(ValueError, match=r"tasks \['mot', 'sot'\]"):
        losses_of(tracker, mixed)
    with pytest.raises(ValueError, match=r"tasks \['None'\]"):
        task_of([make_clip(None, make_frame([]))])
    batch['data_samples'][1][0].gt_instances = make_frame([[0, 0, 5, 5], [1, 1, 4, 4]]).gt_instances
    with pytest.raises(ValueError, match='2 boxes; a single target has one'):
        losses_of(tracker, batch)
    with pytest.raises(ValueError, match='have 3 frames'):
        losses_of(tracker, dict(inputs=[random_images(3)], data_samples=[make_clip('mot', *[make_frame([])] * 3)]))
    with pytest.raises(ValueError, match="task 'unified' is for tests"):
        losses_of(tracker, dict(inputs=[random_images(1)], data_samples=[make_clip('unified', make_frame([]))]))
    with pytest.raises(ValueError, match="mode 'train' is unknown"):
        tracker(torch.zeros(1, 1, 3, 64, 64), mode='train')


def test_one_task_per_frame_is_read_too():
    clip = make_clip('mot', make_frame([]))
    clip.set_metainfo(dict(task='sot'))
    assert task_of([clip]) == 'sot'
    bare = make_clip('sot', make_frame([], task='mot'))
    del bare.task
    assert task_of([bare]) == 'mot'


def test_half_precision_trains_and_weights_go_round():
    tracker = make_tracker()
    for batch in (sot_batch(), mot_batch()):
        with torch.autocast('cpu', dtype=torch.bfloat16):
            assert backward(tracker, batch).isfinite()
    other = make_tracker(seed=1)
    other.load_state_dict(tracker.state_dict())
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in tracker.state_dict().items())


def test_the_compiled_search_is_the_same_with_crops_beside_its_graph():
    """All of a step on single objects that is ours: the two decoders, and an iteration of the target transformer."""
    tracker = make_tracker(target_transformer__num_iterations=1)
    maps, targets = [torch.randn(2, 16, 8, 8, requires_grad=True)], torch.randn(2, 1, 16)
    padding = torch.arange(64).expand(2, 64, 64) >= 40
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    found = []
    for search in (tracker.search_targets, torch.compile(tracker.search_targets, backend='eager')):
        result = search(maps, targets, padding)
        (gradient,) = torch.autograd.grad(result.tracked.boxes[-1].square().sum(), maps)
        found.append((result.proposals, result.tracked.boxes[-1], gradient))
    torch.testing.assert_close(found[1], found[0])
    reasons = list(torch._dynamo.utils.counters['graph_break'])
    assert reasons and all('BoxCrops.forward' in each for each in reasons)


def test_maps_of_the_tracking_branch_are_what_the_mode_tensor_gives():
    tracker = make_tracker().eval()
    images = torch.randn(2, 1, 3, 64, 64)
    maps = tracker(images)
    assert [tuple(each.shape) for each in maps] == [(2, 16, side, side) for side in (8, 4, 2, 1)]
    assert torch.equal(maps[0], tracker.tracking_maps(images[:, 0])[0])


def shared_losses(rank, world_size, parts):
    """Losses and gradients of the part of this process of clips, and of pairs that share two, one and no objects."""
    init_default_scope('vlplugins')
    options = dict(detector__bbox_head__sync_cls_avg_factor=True)
    tracker = make_tracker(random_reference=False, target_transformer__output_score=True, **options)
    tracker.noisy_boxes = lambda boxes: boxes + 1.0
    for part in tracker.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    pairs = mot_batch([(64, 64)] * 4)
    for sample, identities in zip(pairs['data_samples'], [(8, 7, 4), (8, 5, 4), (8, 7, 9), (1, 2, 3)]):
        sample[1].gt_instances.instances_ids = torch.tensor(identities)
    network = tracker
    if world_size > 1:
        # As a runner wraps it; a step of one task leaves out parts of the other.
        network = MMDistributedDataParallel(tracker, find_unused_parameters=BASE.find_unused_parameters)
    found = []
    for batch in (sot_batch(4), pairs):
        own = {name: [values[number] for number in parts[rank]] for name, values in batch.items()}
        network.zero_grad()
        total, _ = tracker.parse_losses(network(**tracker.data_preprocessor(own, True), mode='loss'))
        total.backward()
        found.append(total.detach())
        found += [
            each.grad.flatten()
            for each in (tracker.detector.backbone.conv1.weight, next(tracker.target_encoder.parameters()))
        ]
    return found


def test_two_processes_equal_one():
    whole = shared_losses(0, 1, [[0, 1, 2, 3]])
    for one, *pair in zip(whole, *run_distributed(shared_losses, 2, [[0], [1, 2, 3]])):
        torch.testing.assert_close(sum(pair) / 2, one, atol=1e-5, rtol=1e-3)
