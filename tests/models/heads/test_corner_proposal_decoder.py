import pytest
import torch

from vlplugins.models.heads.corner_proposal_decoder import CornerProposalDecoder, expected_corners


def test_even_scores_of_eight_columns_give_seven_sixteenths():
    boxes = expected_corners(torch.zeros(2, 8, 8))
    assert boxes.tolist() == pytest.approx([0.4375] * 4)


def test_a_peak_stands_at_its_column_and_row():
    scores = torch.zeros(3, 2, 4, 8)
    scores[:, 0, 1, 2] = scores[:, 1, 3, 6] = 1e4
    assert expected_corners(scores)[1].tolist() == pytest.approx([2 / 8, 1 / 4, 6 / 8, 3 / 4])


@pytest.mark.parametrize('shared', [True, False])
def test_targets_are_apart_and_gradients_reach_all(shared):
    torch.manual_seed(0)
    decoder = CornerProposalDecoder(dim=8, shared_tower=shared, norm_cfg=dict(type='GN', num_groups=1))
    assert len(decoder.towers) == (1 if shared else 2)
    targets, search = torch.randn(2, 3, 8), torch.randn(2, 8, 6, 5)
    found = decoder(targets, search)
    assert found.boxes.shape == (2, 3, 4) and found.scores.shape == (2, 3, 2, 6, 5)
    for frame in range(2):
        for target in range(3):
            alone = decoder(targets[frame : frame + 1, target : target + 1], search[frame : frame + 1])
            torch.testing.assert_close(alone.boxes[0, 0], found.boxes[frame, target])
    (found.boxes * torch.randn(2, 3, 4)).sum().backward()
    # A bias of the last layer moves all places of a map alike, which the softmax does not see.
    silent = [name for name, each in decoder.named_parameters() if not each.grad.abs().max() > 1e-9]
    assert all(name.endswith('4.bias') for name in silent)


def test_padded_places_may_be_left_out():
    torch.manual_seed(0)
    decoder = CornerProposalDecoder(dim=8, mask_padding=True, norm_cfg=dict(type='GN', num_groups=1))
    padding = torch.ones(1, 4, 4, dtype=torch.bool)
    padding[0, 2, 1] = False
    found = decoder(torch.randn(1, 1, 8), torch.randn(1, 8, 4, 4), padding)
    assert found.boxes.flatten().tolist() == pytest.approx([0.25, 0.5, 0.25, 0.5])


def test_width_that_cannot_be_halved_three_times_is_told():
    with pytest.raises(ValueError, match='dim 12 must be a multiple of 8'):
        CornerProposalDecoder(dim=12)
