import pytest
import torch

from vlplugins.models.task_modules.single_object_search import SingleObjectSearch


def boxes_of(*rows):
    return torch.tensor(rows, dtype=torch.float32)


def test_boxes_stay_inside_the_frame_with_a_margin():
    search = SingleObjectSearch()
    found = boxes_of([-10, -5, -4, 20], [95, 60, 140, 90], [10, 10, 30, 20])
    settled = search.settle(found, found, None, (100, 50))
    assert settled.tolist() == [[0, 0, 2, 20], [95, 48, 100, 50], [10, 10, 30, 20]]


def test_a_low_score_keeps_the_last_box_and_lets_it_grow():
    search = SingleObjectSearch(score_thr=0.4, growth=1.1)
    last, found = boxes_of([40, 40, 50, 50], [0, 0, 80, 60]), boxes_of([60, 60, 70, 70], [10, 10, 60, 60])
    settled = search.settle(found, last, torch.tensor([0.39, 0.41]), (200, 120))
    # 10 grows to 11, which is below a sixth of 120.
    torch.testing.assert_close(settled, boxes_of([39.5, 39.5, 50.5, 50.5], [10, 10, 60, 60]))
    settled = search.settle(found, last, torch.tensor([0.0, 0.0]), (200, 120))
    # What is larger than that grows no further; what is close to it grows up to it.
    torch.testing.assert_close(settled[1], last[1])
    near = boxes_of([0, 0, 19, 19])
    torch.testing.assert_close(search.settle(near, near, torch.tensor([0.0]), (200, 120)), boxes_of([0, 0, 19.5, 19.5]))


@pytest.mark.parametrize('options', [dict(factor=0.5), dict(size=0), dict(growth=0.9)])
def test_arguments_are_checked(options):
    with pytest.raises(ValueError, match='must be at least 1'):
        SingleObjectSearch(**options)
