import copy

import pytest
import torch

from vlplugins.models.layers.slimmable import SlimmableLinear
from vlplugins.models.layers.widths import channel_ranges, scale_channels, set_width, use_width, widths_of
from vlplugins.utils.widths import check_widths, width_name


@pytest.mark.parametrize(
    'widths, message',
    [
        ((), 'empty'),
        ((0.5,), 'lacks 1.0'),
        ((1.0, 0.0), '0.0'),
        ((1.0, -0.5), '-0.5'),
        ((1.5, 1.0), '1.5'),
        ((1.0, 0.5, 0.5), 'twice'),
    ],
)
def test_wrong_widths_are_refused_by_value(widths, message):
    with pytest.raises(ValueError, match=message):
        check_widths(widths)


def test_widths_are_sorted_largest_first():
    assert check_widths((0.25, 1, 0.5)) == (1.0, 0.5, 0.25)


def test_channels_are_truncated_not_rounded():
    # 64 * 0.3 = 19.2 and 10 * 0.75 = 7.5
    assert scale_channels(64, (1.0, 0.3)) == (64, 19)
    assert scale_channels(10, (1.0, 0.75)) == (10, 7)


def test_width_without_channels_names_the_layer():
    with pytest.raises(ValueError, match='stem: width 0.1 of 8 channels'):
        scale_channels(8, (1.0, 0.1), 'stem')


@pytest.mark.parametrize('counts', [(4,), (4, 2, 1), (2, 4)])
def test_counts_must_match_the_widths_largest_first(counts):
    with pytest.raises(ValueError):
        scale_channels(counts, (1.0, 0.5))


def test_disjoint_ranges_are_given_smallest_first():
    full, half, quarter = channel_ranges((64, 32, 16), overlap=False)
    assert (full, half, quarter) == (slice(0, 64), slice(16, 48), slice(0, 16))


def test_side_of_one_size_stays_whole_without_overlap():
    assert channel_ranges((3, 3, 3), overlap=False) == (slice(0, 3),) * 3


def test_disjoint_ranges_that_do_not_fit_are_refused():
    # 0.75 + 0.5 + 0.25 = 1.5 of the full network
    with pytest.raises(ValueError, match='96 of 64'):
        channel_ranges((64, 48, 32, 16), overlap=False)


@pytest.mark.parametrize('width, name', [(1.0, 'w1.00'), (0.25, 'w0.25'), (0.333, 'w0.333')])
def test_width_names_tell_widths_apart(width, name):
    assert width_name(width) == name


def linear():
    return SlimmableLinear(4, 4, widths=(1.0, 0.5, 0.25))


def test_context_nests_and_restores_after_an_exception():
    layer = linear()
    with use_width(layer, 0.5):
        with pytest.raises(RuntimeError), use_width(layer, 0.25):
            assert layer(torch.ones(1, 1)).shape == (1, 1)
            raise RuntimeError
        assert layer(torch.ones(1, 2)).shape == (1, 2)
    assert layer(torch.ones(1, 4)).shape == (1, 4)


def test_argument_wins_over_context_and_default():
    layer = linear()
    set_width(layer, 0.5)
    assert layer(torch.ones(1, 2)).shape == (1, 2)
    with use_width(layer, 0.25):
        assert layer(torch.ones(1, 4), 1.0).shape == (1, 4)


def test_unknown_width_lists_the_known_ones_and_changes_nothing():
    layer = linear()
    with pytest.raises(ValueError, match=r'0.3.*\(1.0, 0.5, 0.25\)'):
        set_width(layer, 0.3)
    with pytest.raises(ValueError, match='0.3'), use_width(layer, 0.3):
        pass
    assert layer.width_index() == 0


def test_copy_taken_inside_a_context_is_not_stuck_in_it():
    layer = linear()
    with use_width(layer, 0.25):
        copied = copy.deepcopy(layer)
    assert copied(torch.ones(1, 4)).shape == (1, 4)
    assert copied.weight.data_ptr() != layer.weight.data_ptr()


def test_widths_of_needs_one_set_of_widths():
    assert widths_of(torch.nn.Sequential(linear(), linear())) == (1.0, 0.5, 0.25)
    with pytest.raises(ValueError, match='different widths'):
        widths_of(torch.nn.Sequential(linear(), SlimmableLinear(4, 4, widths=(1.0,))))
    with pytest.raises(ValueError, match='no slimmable part'):
        widths_of(torch.nn.Linear(1, 1))
