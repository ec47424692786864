import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.registry import init_default_scope  # noqa: E402

from tests.helpers.trackers import make_frame, make_tracker, mot_batch  # noqa: E402
from vlplugins.models.algorithms.detection_losses import detection_errors, detection_losses  # noqa: E402


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')


def head_of(classes):
    return make_tracker(detector__bbox_head__num_classes=classes).detector.bbox_head


def test_errors_of_a_crowded_and_an_empty_frame_by_hand():
    frames = [make_frame([[0, 0, 32, 32], [32, 32, 64, 64]]), make_frame([])]
    frames[0].gt_instances.labels = torch.tensor([0, 1])
    boxes = torch.tensor([[0.25, 0.25, 0.5, 0.5], [0.75, 0.75, 0.5, 0.5], [0.5, 0.1, 0.1, 0.1]]).repeat(2, 1, 1)
    # Of the first frame the second object is found, but taken for the other class; in the second frame two too many.
    scores = torch.tensor([[[2.0, -9.0], [1.0, 0.5], [-3.0, -3.0]], [[2.0, -9.0], [0.1, -9.0], [-0.1, -9.0]]])
    found = detection_errors(head_of(2), scores, boxes, frames)
    assert {name: value.item() for name, value in found.items()} == dict(cardinality_error=1.0, class_error=50.0)
    # A frame with an object that no query sees is as wrong as one with an object too many; of one class none is wrong.
    found = detection_errors(head_of(1), scores[:1, :, 1:], boxes[:1], frames[:1])
    assert {name: value.item() for name, value in found.items()} == dict(cardinality_error=1.0)


def test_losses_are_those_of_the_head_and_errors_are_logged_beside_them():
    tracker = make_tracker(detector__bbox_head__num_classes=2)
    data = tracker.data_preprocessor(mot_batch(), True)
    frames = [sample[0] for sample in data['data_samples']]
    head, detected = tracker.detector.bbox_head, tracker.detect(tracker.detector.backbone(data['inputs'][:, 0]), frames)
    found = detection_losses(head, head(detected['hidden_states'], detected['references']), detected, frames)
    errors = {name: found.pop(f'det_{name}') for name in ('cardinality_error', 'class_error')}
    assert not any(each.requires_grad for each in errors.values())
    expected = head.loss(**detected, batch_data_samples=frames)
    assert found.keys() == {f'det_{name}' for name in expected}
    for name, value in expected.items():
        torch.testing.assert_close(found[f'det_{name}'], value)
    logged = tracker.parse_losses(tracker(**data, mode='loss'))[1]
    assert {'det_cardinality_error', 'det_class_error'} <= set(logged)
