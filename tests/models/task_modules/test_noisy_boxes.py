import pytest
import torch

overlaps = pytest.importorskip('mmdet.structures.bbox').bbox_overlaps

from vlplugins.models.task_modules.noisy_boxes import NoisyBoxGenerator  # noqa: E402

BOXES = torch.tensor([[100.0, 200.0, 140.0, 300.0]]).repeat(4000, 1)


def draw(boxes=BOXES, seed=0, **options):
    return NoisyBoxGenerator(**options)(boxes, torch.Generator().manual_seed(seed))


def test_noise_has_the_share_of_the_root_of_the_area():
    found = draw(sigmas=(0.1,))
    sides = found[:, 2:] - found[:, :2]
    centres = (found[:, :2] + found[:, 2:]) / 2
    # The root of 40 * 100 is 63.2; rounding adds 1/12 to a variance of 40.
    for values, middle in ((sides, (40, 100)), (centres, (120, 250))):
        assert values.mean(dim=0).tolist() == pytest.approx(middle, abs=0.5)
        assert values.std(dim=0).tolist() == pytest.approx([6.33, 6.33], rel=0.05)
    assert torch.equal(sides, sides.round())


def test_overlap_is_left_and_vanished_sides_come_back():
    found = draw(sigmas=(1.0,), min_iou=0.3)
    assert (overlaps(found, BOXES, is_aligned=True) > 0.3).all()
    assert (found[:, 2:] - found[:, :2] > 1).all()
    assert not torch.equal(found, BOXES)


def test_what_finds_no_overlap_stays_true():
    found = draw(BOXES[:50], sigmas=(30.0,), min_iou=0.9, max_tries=2)
    stays = (found == BOXES[:50]).all(dim=1)
    assert stays.any() and (overlaps(found, BOXES[:50], is_aligned=True) > 0.9).all()


def test_same_seed_same_boxes_and_no_box_at_all():
    assert torch.equal(draw(), draw()) and not torch.equal(draw(), draw(seed=1))
    assert draw(torch.zeros(0, 4)).shape == (0, 4)


def test_arguments_are_checked():
    for options, message in (
        (dict(sigmas=()), 'sigmas'),
        (dict(sigmas=(0.0,)), 'sigmas'),
        (dict(min_iou=1), 'min_iou'),
    ):
        with pytest.raises(ValueError, match=message):
            NoisyBoxGenerator(**options)
