import pytest
import torch

pytest.importorskip('mmdet')

from vlplugins.models.losses.track_box_loss import TrackBoxLoss  # noqa: E402

FIRST = [0.0, 0.0, 0.5, 0.5]
SECOND = [0.25, 0.0, 0.75, 0.5]


def test_mean_and_sum_over_stages_by_hand():
    stages = [torch.tensor([[FIRST]]), torch.tensor([[SECOND]])]
    truth = torch.tensor([[FIRST]])
    # The second stage is a quarter beside: centre 0.25, sizes right; 1 - 1/3.
    mean = TrackBoxLoss()(stages, truth)
    assert mean['loss_l1'].item() == pytest.approx(5 * 0.25 / 2) and mean['loss_giou'].item() == pytest.approx(2 / 3)
    total = TrackBoxLoss(stage_reduction='sum')(stages, truth)
    assert total['loss_l1'].item() == pytest.approx(5 * 0.25) and total['loss_giou'].item() == pytest.approx(4 / 3)


def test_targets_that_do_not_count_change_nothing():
    stages = [torch.tensor([[FIRST, [0.9, 0.9, 0.1, 0.2]]])]
    truth = torch.tensor([[SECOND, SECOND]])
    found = TrackBoxLoss()(stages, truth, torch.tensor([[True, False]]))
    alone = TrackBoxLoss()([stages[0][:, :1]], truth[:, :1])
    assert found == alone
    nothing = TrackBoxLoss()(stages, truth, torch.zeros(1, 2, dtype=torch.bool))
    assert all(value == 0 for value in nothing.values())


def test_turned_corners_are_counted_and_turned_back():
    box = torch.tensor([[[0.6, 0.7, 0.2, 0.1]]], requires_grad=True)
    losses = TrackBoxLoss()([box], torch.tensor([[SECOND]]))
    assert losses['num_inverted_boxes'] == 1
    # In order it would be 0.2, 0.1, 0.6, 0.7.
    ordered = TrackBoxLoss()([torch.tensor([[[0.2, 0.1, 0.6, 0.7]]])], torch.tensor([[SECOND]]))
    assert losses['loss_giou'].item() == pytest.approx(ordered['loss_giou'].item())
    assert losses['loss_l1'] > ordered['loss_l1']
    (losses['loss_giou'] + losses['loss_l1']).backward()
    # Downhill the first corner goes left and up, the second right and down; the overlap would drive them apart.
    assert (box.grad[..., :2] > 0).all() and (box.grad[..., 2:] < 0).all()


def test_another_reduction_is_told():
    with pytest.raises(ValueError, match="stage_reduction 'max' is unknown"):
        TrackBoxLoss(stage_reduction='max')
