import numpy as np
import pytest
import torch

from tests.helpers.poses import poses_before_camera
from vlplugins.structures.pose_lifting_data_sample import PoseLiftingDataSample
from vlplugins.visualization.base import render
from vlplugins.visualization.pose_lifting_visualizer import PoseLiftingVisualizer, pose_sheet


@pytest.fixture
def sample():
    pose = poses_before_camera(1)[0][0]
    made = PoseLiftingDataSample(gt_keypoints_3d=pose - pose[0], keypoints_2d=2.29 * pose[:, :2] / pose[:, 2:])
    made.pred_keypoints_3d = made.gt_keypoints_3d + torch.tensor([0.03, 0.0, 0.0])
    return made


def test_three_views_with_truth_and_prediction(sample, tmp_path):
    visualizer = PoseLiftingVisualizer()
    figure = visualizer.draw(sample.keypoints_2d, sample)
    screen, front, side = figure.axes
    assert len(screen.lines) == 15 and len(front.lines) == len(side.lines) == 30
    assert screen.yaxis_inverted() and 'mean error of a joint: 30 mm' in figure._suptitle.get_text()
    assert front.get_legend_handles_labels()[1] == ['truth', 'lifted'] and front.azim != side.azim
    # The truth is black; up is up: the head is above the pelvis.
    assert front.lines[0].get_color() == 'black'
    picture = visualizer.add_datasample('pose', sample.keypoints_2d, sample, out_file=str(tmp_path / 'pose.png'))
    assert (tmp_path / 'pose.png').is_file() and picture.std() > 0


def test_prediction_alone_and_what_cannot_be_drawn(sample):
    visualizer = PoseLiftingVisualizer()
    figure = visualizer.draw(sample.keypoints_2d, sample, draw_gt=False)
    assert len(figure.axes[1].lines) == 15
    assert len(visualizer.draw(sample.keypoints_2d, None).axes) == 1
    bare = PoseLiftingDataSample(gt_keypoints_3d=sample.gt_keypoints_3d)
    with pytest.raises(ValueError, match='pred_keypoints_3d'):
        visualizer.draw(sample.keypoints_2d, bare)
    assert visualizer.read_input(dict(keypoints=np.ones((16, 2)))).shape == (16, 2)


def test_sheet_of_generated_poses_shows_weights():
    poses, _ = poses_before_camera(7)
    figure = pose_sheet(poses, weights=np.arange(7.0), columns=4, titles=['seed'])
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == 7 and titles[0] == 'seed w = 0.00' and titles[3] == 'w = 3.00'
    assert render(figure).std() > 0
    with pytest.raises(ValueError, match='no pose'):
        pose_sheet(poses[:0])
    with pytest.raises(ValueError, match='3 weights'):
        pose_sheet(poses, weights=[1, 2, 3])
