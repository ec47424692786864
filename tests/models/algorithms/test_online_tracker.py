import numpy as np
import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.registry import init_default_scope  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402

from tests.helpers.trackers import make_clip, make_frame, make_tracker, random_images  # noqa: E402
from vlplugins.models.algorithms.online_tracker import given_boxes  # noqa: E402

SIZE = (60, 80)
FIRST = [10, 12, 20, 16]


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')


def step(tracker, number, task='sot', init=None, public=None, image=None, size=SIZE, **meta):
    """Instances of one frame, as a test loop gives it to the model."""
    if number == 0 and task != 'mot':
        meta['init_bbox'] = FIRST if init is None else init
    frame = make_frame([], size, frame_id=number, **meta)
    if public is not None:
        boxes = torch.tensor(public, dtype=torch.float32).reshape(-1, 4)
        labels = torch.zeros(len(boxes), dtype=torch.long)
        frame.public_instances = InstanceData(bboxes=boxes, scores=torch.full((len(boxes),), 0.9), labels=labels)
    image = random_images(1, size, number) if image is None else image
    found = tracker.test_step(dict(inputs=[image], data_samples=[make_clip(task, frame)]))
    return found[0][0].pred_track_instances


def follow(tracker, count=4, **options):
    return torch.cat([step(tracker, number, **options).bboxes for number in range(count)])


@pytest.fixture
def tracker():
    return make_tracker().eval()


@pytest.mark.parametrize('shared', [False, True])
def test_a_target_is_followed_from_its_first_box(tracker, shared):
    tracker.search.shared = shared
    boxes = follow(tracker)
    assert boxes[0].tolist() == [10, 12, 30, 28] and boxes.shape == (4, 4)
    assert not torch.equal(boxes[1], boxes[2])
    assert (boxes >= 0).all() and (boxes <= torch.tensor([80, 60, 80, 60])).all()


@pytest.mark.parametrize('task', ['sot', 'mot', 'unified'])
def test_nothing_of_a_video_is_left_in_the_next(task):
    public = [[10, 12, 30, 28], [50, 4, 60, 30]] if task != 'sot' else None
    options = dict(task=task, public=public)
    alone = follow(make_tracker(detections='public').eval(), **options)
    tracker = make_tracker(detections='public').eval()
    first = dict(options, init=[30, 8, 14, 14]) if task != 'mot' else dict(options, public=[[1, 1, 9, 9]] * 3)
    follow(tracker, count=3, **first)
    assert torch.equal(follow(tracker, **options), alone)


@pytest.mark.parametrize('shared', [False, True])
def test_several_targets_at_once_are_each_as_alone(shared):
    boxes = [FIRST, [40, 30, 10, 22], [2, 2, 30, 30]]
    tracker = make_tracker().eval()
    tracker.search.shared = shared
    calls = []
    tracker.detector.backbone.register_forward_hook(lambda _, inputs, outputs: calls.append(len(inputs[0])))
    together = [step(tracker, number, init=boxes) for number in range(4)]
    # One pass a frame: of a crop for each target, or of the frame.
    assert calls == ([1] if shared else [3]) * 4
    assert together[3].instances_id.tolist() == [1, 2, 3] and together[3].labels.tolist() == [-1] * 3
    for index, box in enumerate(boxes):
        alone = [step(tracker, number, init=box).bboxes[0] for number in range(4)]
        # Sums over batches of another size round otherwise.
        found = torch.stack([each.bboxes[index] for each in together])
        torch.testing.assert_close(found, torch.stack(alone), atol=1e-3, rtol=1e-4)


def test_the_search_is_a_crop_about_the_last_box_beside_which_is_black(tracker):
    crops, padding = [], []
    tracker.detector.backbone.register_forward_pre_hook(lambda _, inputs: crops.append(inputs[0]))
    image = random_images(1, SIZE)
    step(tracker, 0, image=image)
    # Root of 20 * 16 is 17.9, the window 108 about (20, 20): from (-34, -34).
    assert crops[0].shape == (1, 3, 64, 64)
    black = torch.tensor([-120 / 60] * 3)
    torch.testing.assert_close(crops[0][0, :, 0, 0], black)
    # Pixel 30 of 64 lies at 34 + (30.5 * 108 / 64 - 0.5) - 68: between columns 16 and 17, and rows alike.
    place = 30.5 * 108 / 64 - 0.5 - 34
    low, share = int(place), place - int(place)
    window = ((image[0].float() - 120) / 60)[:, low : low + 2, low : low + 2]
    weights = torch.tensor([[(1 - share) ** 2, share * (1 - share)], [share * (1 - share), share**2]])
    torch.testing.assert_close(crops[0][0, :, 30, 30], (window * weights).sum(dim=(1, 2)), atol=1e-4, rtol=1e-4)
    tracker.target_decoder.register_forward_pre_hook(lambda _, inputs: padding.append(inputs[2]))
    step(tracker, 1, image=image)
    assert padding[0].shape == (1, 8, 8) and padding[0][0, 0].all() and not padding[0][0, 4, 4]


def test_the_feature_of_the_first_frame_stays(tracker):
    encoded = []
    tracker.target_encoder.register_forward_hook(lambda _, inputs, outputs: encoded.append(outputs))
    follow(tracker)
    assert len(encoded) == 1


def test_the_last_iteration_is_taken_and_mapped_back(tracker):
    found = []
    tracker.target_transformer.register_forward_hook(lambda _, inputs, outputs: found.append(outputs.boxes[-1]))
    step(tracker, 0)
    box = step(tracker, 1).bboxes[0]
    expected = found[0][0, 0] * (108 / 64) - 34
    low, high = expected[:2].clamp(min=0), torch.minimum(expected[2:], torch.tensor([80.0, 60.0]))
    torch.testing.assert_close(box, torch.cat([low, torch.maximum(high, low + 2)]), atol=1e-3, rtol=1e-4)


def test_without_a_proposal_decoder_the_search_starts_at_the_last_box():
    tracker, starts = make_tracker(proposal_decoder=None).eval(), []
    tracker.target_transformer.register_forward_pre_hook(lambda _, inputs: starts.append(inputs[2]))
    step(tracker, 0)
    found = step(tracker, 1)
    expected = (torch.tensor([10.0, 12.0, 30.0, 28.0]) + 34) * 64 / 108
    torch.testing.assert_close(starts[0][0, 0], expected)
    torch.testing.assert_close(found.proposals[0], torch.tensor([10.0, 12.0, 30.0, 28.0]))


def test_a_low_score_keeps_the_box():
    tracker = make_tracker(target_transformer__output_score=True).eval()
    for bias, kept in ((-9.0, True), (9.0, False)):
        torch.nn.init.constant_(tracker.target_transformer.score_heads[-1][-1].bias, bias)
        step(tracker, 0)
        found = step(tracker, 1)
        assert (found.scores[0] < 0.4) == kept
        # A sixth of 60 is 10: the box of 20 x 16 pixels does not grow.
        assert (found.bboxes[0].tolist() == pytest.approx([10, 12, 30, 28], abs=1e-4)) == kept


def test_boxes_are_of_the_image_before_it_was_resized(tracker):
    small, large = random_images(1, SIZE), random_images(1, (120, 160), 5)
    boxes = [step(tracker, number, image=each) for number, each in enumerate((small, small))]
    scaled = [
        step(tracker, number, image=large, size=(120, 160), scale_factor=(2.0, 2.0)).bboxes for number in range(2)
    ]
    assert scaled[0][0].tolist() == [10, 12, 30, 28] and boxes[1].bboxes.shape == scaled[1].shape
    assert (scaled[1] <= torch.tensor([80, 60, 80, 60])).all()


def test_targets_stay_where_they_are_where_nothing_is_followed():
    tracker = make_tracker(follow=False).eval()
    assert follow(tracker).tolist() == [[10, 12, 30, 28]] * 4


@pytest.mark.parametrize('box', [[10, 10, 0, 5], [10, 10, 5, -1], [float('nan'), 1, 5, 5]])
def test_a_box_without_area_is_refused(tracker, box):
    with pytest.raises(ValueError, match='has no area'):
        step(tracker, 0, init=box)


@pytest.mark.parametrize('box', [[80, 10, 5, 5], [-9, 10, 9, 5], [10, 60, 5, 5], [1, -6, 5, 6]])
def test_a_box_outside_the_frame_is_refused_and_one_partly_outside_is_not(tracker, box):
    with pytest.raises(ValueError, match=r'the given box \[.*\] .* lies outside the frame'):
        step(tracker, 0, init=box)
    inside = [box[0] + np.sign(20 - box[0]) * 2, box[1] + np.sign(20 - box[1]) * 2, *box[2:]]
    assert step(tracker, 0, init=inside).bboxes.shape == (1, 4)


def test_frames_must_come_one_by_one_and_in_order(tracker):
    with pytest.raises(ValueError, match='frame_id 1 comes after no frame'):
        step(tracker, 1)
    step(tracker, 0)
    for wrong in (2, None):
        with pytest.raises(ValueError, match=f'frame_id {wrong} comes after frame 0'):
            step(tracker, wrong, image=random_images(1, SIZE))
    with pytest.raises(ValueError, match='a batch of 2 videos'):
        clips = [make_clip('sot', make_frame([], frame_id=0, init_bbox=FIRST)) for _ in range(2)]
        tracker.test_step(dict(inputs=[random_images(1)] * 2, data_samples=clips))
    with pytest.raises(ValueError, match='no init_bbox'):
        given_boxes(make_frame([]), torch.ones(4))


def test_a_whole_video_at_once_is_followed_as_frame_by_frame(tracker):
    alone = follow(tracker, count=3)
    frames = [make_frame([], SIZE, frame_id=number) for number in range(3)]
    frames[0].set_metainfo(dict(init_bbox=FIRST))
    images = torch.cat([random_images(1, SIZE, number) for number in range(3)])
    (clip,) = tracker.test_step(dict(inputs=[images], data_samples=[make_clip('sot', *frames)]))
    assert torch.equal(torch.cat([frame.pred_track_instances.bboxes for frame in clip.video_data_samples]), alone)


def public_tracker(**changes):
    return still(make_tracker(detections='public', **changes).eval())


def still(tracker):
    """Random weights move boxes wildly; without shifts, they stay."""
    for head in tracker.target_transformer.box_heads:
        torch.nn.init.zeros_(head[-1].weight), torch.nn.init.zeros_(head[-1].bias)
    return tracker


OBJECTS = [[10, 12, 30, 28], [50, 4, 60, 30]]


def test_objects_are_detected_and_given_ids():
    tracker = still(make_tracker(associator=dict(type='vlplugins.GIoUAssociator', det_thr=0.0)).eval())
    tracker.det_min_score = 0.0
    first = step(tracker, 0, task='mot')
    assert first.instances_id.tolist() == list(range(1, 11)) and first.labels.tolist() == [0] * 10
    second = step(tracker, 1, task='mot')
    assert set(second.instances_id.tolist()) & set(range(1, 11))
    tracker.det_min_score = 1.0
    assert len(step(tracker, 2, task='mot')) == 0


def test_objects_are_looked_for_where_they_were_with_what_they_looked_like():
    tracker, calls, encoded = public_tracker(), [], []
    tracker.target_transformer.register_forward_pre_hook(lambda _, inputs: calls.append(inputs))
    tracker.target_encoder.register_forward_hook(lambda _, inputs, outputs: encoded.append((inputs, outputs)))
    for number in range(3):
        moved = (torch.tensor(OBJECTS) + number).tolist()
        step(tracker, number, task='mot', public=moved)
    assert len(calls) == 2  # there is nobody to move in the first frame
    assert calls[1][2][0].tolist() == (torch.tensor(OBJECTS) + 1).tolist()
    # Features are those of the frame before, at the boxes of that frame.
    assert torch.equal(calls[1][1], encoded[1][1]) and not torch.equal(encoded[0][1], encoded[1][1])


def test_lost_objects_keep_their_box_their_looks_and_their_id():
    tracker, calls = public_tracker(), []
    tracker.target_transformer.register_forward_pre_hook(lambda _, inputs: calls.append(inputs))
    ids = [step(tracker, n, task='mot', public=p).instances_id.tolist() for n, p in
           enumerate([OBJECTS, OBJECTS[:1], OBJECTS[:1], OBJECTS])]  # fmt: skip
    assert ids == [[1, 2], [1], [1], [1, 2]]
    assert calls[2][2][0, 1].tolist() == OBJECTS[1]
    assert torch.equal(calls[2][1][0, 1], calls[0][1][0, 1]) and not torch.equal(calls[2][1][0, 0], calls[0][1][0, 0])


@pytest.mark.parametrize('kind', ['GIoUAssociator', 'ByteAssociator'])
def test_frames_without_detections_give_no_objects(kind):
    tracker = public_tracker(associator=dict(type=f'vlplugins.{kind}'))
    counts = [len(step(tracker, number, task='mot', public=[])) for number in range(3)]
    assert counts == [0, 0, 0]
    assert len(step(tracker, 3, task='mot', public=OBJECTS)) == (2 if kind == 'GIoUAssociator' else 0)


def test_public_detections_must_be_there_and_private_ones_are_not_asked():
    tracker = public_tracker()
    asked = []
    tracker.detector.encoder.register_forward_hook(lambda *_: asked.append(1))
    step(tracker, 0, task='mot', public=OBJECTS)
    assert not asked
    with pytest.raises(ValueError, match="frame 1 has no public_instances, which detections='public' takes"):
        step(tracker, 1, task='mot')


def test_without_following_objects_are_associated_by_their_last_boxes():
    tracker, calls = public_tracker(follow=False), []
    tracker.target_transformer.register_forward_pre_hook(lambda _, inputs: calls.append(inputs))
    ids = [step(tracker, number, task='mot', public=OBJECTS).instances_id.tolist() for number in range(2)]
    assert ids == [[1, 2]] * 2 and not calls


def test_attention_to_the_whole_map_leaves_out_the_padding_of_the_frame():
    tracker, seen = public_tracker(mot_levels='single', target_transformer__attention='cross'), []
    tracker.target_transformer.layers[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[4]))
    step(tracker, 0, task='mot', public=OBJECTS), step(tracker, 1, task='mot', public=OBJECTS)
    # A map of 8 x 12 places of 8 pixels, of a frame of 60 x 80 padded to 64 x 96.
    assert seen[0].view(8, 12).int().sum(dim=1).tolist() == [2] * 8


def test_given_targets_and_objects_share_one_pass():
    tracker, passes = public_tracker(), []
    tracker.detector.backbone.register_forward_hook(lambda *_: passes.append(1))
    given = [FIRST, [40, 30, 10, 22]]
    found = [step(tracker, number, task='unified', init=given, public=OBJECTS) for number in range(3)]
    assert len(passes) == 3
    assert found[2].labels.tolist()[:2] == [-1, -1] and found[0].instances_id.tolist() == [1, 2, 3, 4]
    tracker.search.shared = True
    single = [step(tracker, number, task='sot', init=given) for number in range(3)]
    many = [step(tracker, number, task='mot', public=OBJECTS) for number in range(3)]
    for both, one, other in zip(found, single, many):
        torch.testing.assert_close(both.bboxes, torch.cat([one.bboxes, other.bboxes]))
        assert both.instances_id.tolist() == [*one.instances_id.tolist(), *(other.instances_id + 2).tolist()]
