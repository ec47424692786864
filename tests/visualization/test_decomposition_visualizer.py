import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmdet')

from mmdet.structures import DetDataSample  # noqa: E402
from mmengine.registry import VISUALIZERS  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402

from vlplugins.visualization.decomposition_visualizer import project  # noqa: E402


@pytest.fixture
def visualizer():
    made = VISUALIZERS.build(dict(type='vlplugins.DecompositionVisualizer', name='decomposition', score_threshold=0.5))
    made.dataset_meta = dict(classes=('car', 'bus'))
    return made


def sample(score=0.9):
    found = InstanceData(
        bboxes=torch.tensor([[8.0, 8.0, 40.0, 40.0]]), scores=torch.tensor([score]), labels=torch.tensor([1])
    )
    return DetDataSample(pred_instances=found)


def test_boxes_above_the_threshold_are_drawn(visualizer, tmp_path):
    image = np.full((64, 80, 3), 120, np.uint8)
    drawn = visualizer.draw_input('a', image, sample(), out_file=str(tmp_path / 'x' / 'a.png'))
    assert drawn.shape == (64, 80, 3) and (drawn != 120).any()
    assert cv2.imread(str(tmp_path / 'x' / 'a.png')).shape == (64, 80, 3)
    assert (visualizer.draw_input('b', image, sample(0.4)) == 120).all()


def test_maps_stand_beside_the_image_on_one_scale(visualizer, tmp_path):
    image = np.full((64, 80, 3), 120, np.uint8)
    base = torch.zeros(4, 4, 5)
    base[:, 0, 0] = 2.0
    parts = dict(base=base, invariant=base / 2, specific=base / 2)
    with_parts = sample()
    with_parts.set_field(parts, 'parts', dtype=dict)
    drawn = visualizer.draw_input('a', image, with_parts)
    assert drawn.shape[1] > 3 * drawn.shape[0] / 2
    # A part of half the size is not drawn like the whole.
    same = visualizer.draw_decomposition(image, dict(parts, invariant=base))
    assert (visualizer.draw_decomposition(image, parts) != same).any()
    with pytest.raises(ValueError, match='expected .*invariant'):
        visualizer.draw_decomposition(image, dict(base=base))


@pytest.mark.parametrize('method', ['pca', 'tsne'])
def test_domains_that_differ_are_apart_in_the_plane(visualizer, method):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(24, 8))
    features[12:] += 20
    points = project(features, method)
    within = np.linalg.norm(points[:12] - points[:12].mean(0), axis=1).mean()
    assert np.linalg.norm(points[:12].mean(0) - points[12:].mean(0)) > 2 * within
    domains = ['source'] * 12 + ['target'] * 12
    picture = visualizer.draw_domains(dict(before=features, after=features - features.mean(0)), domains, method)
    assert picture.ndim == 3 and picture.std() > 0


def test_bad_input_is_refused(visualizer):
    with pytest.raises(ValueError, match="'umap'"):
        project(np.zeros((4, 3)), 'umap')
    with pytest.raises(ValueError, match="4 features 'before' of 3"):
        visualizer.draw_domains(dict(before=np.zeros((4, 3))), ['a', 'b', 'c'])
