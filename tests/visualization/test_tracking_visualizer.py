import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.structures import InstanceData  # noqa: E402

from tests.helpers.trackers import make_clip, make_frame, random_images  # noqa: E402
from vlplugins.visualization import TrackingVisualizer  # noqa: E402
from vlplugins.visualization.tracking_visualizer import colour_of  # noqa: E402


def clip(count=3):
    frames = [make_frame([[10, 10, 30, 40]], frame_id=number) for number in range(count)]
    for frame in frames:
        frame.pred_track_instances = InstanceData(
            bboxes=torch.tensor([[12.0, 10, 32, 40], [40, 4, 50, 9]]), instances_id=torch.tensor([1, 2])
        )
    return make_clip('sot', *frames)


def test_truth_and_predictions_of_each_frame_are_drawn(tmp_path):
    visualizer = TrackingVisualizer(max_frames=4)
    figure = visualizer.draw(random_images(9), clip(9))
    assert [axes.get_title() for axes in figure.axes] == [f'frame {number}' for number in (0, 3, 5, 8)]
    assert [len(axes.patches) for axes in figure.axes] == [3] * 4
    boxes = [patch.get_bbox().extents.tolist() for patch in figure.axes[0].patches]
    assert boxes == [[12, 10, 32, 40], [40, 4, 50, 9], [10, 10, 30, 40]]
    assert len(visualizer.draw(random_images(3), clip(), draw_pred=False).axes[1].patches) == 1
    assert len(visualizer.draw(random_images(3), clip(), draw_gt=False).axes[1].patches) == 2
    picture = visualizer.add_datasample('clip', random_images(3), clip(), out_file=str(tmp_path / 'clip.png'))
    assert picture.ndim == 3 and (tmp_path / 'clip.png').is_file()


def test_frames_are_annotated_in_the_colours_of_identities():
    image = np.zeros((60, 80, 3), dtype=np.uint8)
    objects = [dict(id=1, box=[10, 20, 30, 25]), dict(id=2, box=[50, 2, 200, 10])]
    picture = TrackingVisualizer(line_width=1).annotate(image, objects)
    assert not image.any()
    for identity, place in ((1, (20, 25)), (1, (45, 40)), (2, (2, 60))):
        assert picture[place].tolist() == pytest.approx([int(255 * v) for v in colour_of(identity)[::-1]], abs=1)
    assert colour_of(1) != colour_of(2)


def test_inputs_are_arrays_images_or_folders(tmp_path):
    visualizer = TrackingVisualizer()
    image = random_images(1)[0].permute(1, 2, 0).numpy()
    for number in range(2):
        cv2.imwrite(str(tmp_path / f'{number}.png'), image)
    assert visualizer.read_input(str(tmp_path)).shape == (2, 3, 64, 64)
    assert np.array_equal(visualizer.read_input(str(tmp_path / '0.png'))[0], random_images(1)[0].numpy())
    assert visualizer.read_input(image[None]).shape == (1, 3, 64, 64)
