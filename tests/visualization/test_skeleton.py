import numpy as np
from matplotlib.figure import Figure

from tests.helpers.records import refused
from vlplugins.structures.skeleton_layout import H36M16
from vlplugins.visualization.base import render
from vlplugins.visualization.skeleton import SIDE_COLOURS, draw_skeleton, frame_space, to_display


def test_bones_join_their_joints_in_the_colour_of_the_side():
    points = np.random.default_rng(0).normal(size=(16, 2))
    axes = Figure().subplots()
    draw_skeleton(axes, points, 'h36m16', label='pose')
    assert len(axes.lines) == 15 and axes.get_legend_handles_labels()[1] == ['pose']
    for line, (child, parent) in zip(axes.lines, H36M16.bones):
        np.testing.assert_array_equal(np.stack(line.get_data(), axis=1), points[[child, parent]])
        assert line.get_color() == SIDE_COLOURS[H36M16.sides[child]]


def test_joints_that_are_not_valid_are_left_out():
    points = np.ones((16, 2))
    points[3] = np.nan
    axes = Figure().subplots()
    draw_skeleton(axes, points, 'h36m16')
    assert len(axes.lines) == 14
    axes = Figure().subplots()
    draw_skeleton(axes, points, 'h36m16', valid=np.arange(16) < 3, colour='black')
    assert len(axes.lines) == 2 and {line.get_color() for line in axes.lines} == {'black'}
    with refused('17 joints'):
        draw_skeleton(axes, np.zeros((17, 2)), 'h36m16')


def test_space_has_equal_scales_and_up_is_up():
    points = np.zeros((16, 3))
    points[9] = (0, -1.7, 0.2)
    shown = to_display(points)
    assert shown[9].tolist() == [0, 0.2, 1.7]
    figure = Figure()
    axes = figure.add_subplot(projection='3d')
    draw_skeleton(axes, shown, 'h36m16')
    frame_space(axes, shown)
    spans = [np.ptp(limits) for limits in (axes.get_xlim(), axes.get_ylim(), axes.get_zlim())]
    assert np.allclose(spans, 1.7 * 1.05)
    assert render(figure).std() > 0
