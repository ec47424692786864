import numpy as np
import pytest
import torch

from vlplugins.structures import RetrievalDataSample
from vlplugins.visualization.token_cluster_visualizer import TokenClusterVisualizer, dim_dropped_patches


def test_only_dropped_patches_are_dimmed():
    frames = np.random.default_rng(0).integers(0, 255, (2, 4, 6, 3), dtype=np.uint8)
    kept = np.array([[[True, False, True], [False] * 3], [[False] * 3, [True] * 3]])
    dimmed = dim_dropped_patches(frames, kept, 0.5)
    for frame, row, column in np.ndindex(2, 4, 6):
        original = frames[frame, row, column]
        expected = original if kept[frame, row // 2, column // 2] else original // 2
        assert np.array_equal(dimmed[frame, row, column], expected)
    with pytest.raises(ValueError, match='kept'):
        dim_dropped_patches(frames, kept[:1])
    with pytest.raises(ValueError, match='kept'):
        dim_dropped_patches(frames, np.ones((2, 3, 3), bool))


@pytest.mark.parametrize('captions', [['a dog'], ['a', 'b', 'c', 'd']])
def test_packed_inputs_are_drawn_with_captions(captions):
    inputs = dict(
        imgs=torch.randint(0, 255, (3, 3, 8, 8), dtype=torch.uint8), frame_mask=torch.tensor([True, True, False])
    )
    sample = RetrievalDataSample().set_captions(captions, range(len(captions)))
    figure = TokenClusterVisualizer().draw(inputs, sample)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ['0', '1', '2 (repeated)']
    assert np.array_equal(figure.axes[1].images[0].get_array(), inputs['imgs'][1].permute(1, 2, 0).numpy())
    assert figure.get_suptitle() == '\n'.join(captions[:3])


def test_pictures_are_returned_and_written(tmp_path):
    visualizer = TokenClusterVisualizer()
    frames = np.full((2, 8, 8, 3), 200, np.uint8)
    path = tmp_path / 'deep/x.png'
    picture = visualizer.draw_kept_patches(frames, np.eye(2, dtype=bool)[None].repeat(2, 0), 'title', str(path))
    assert path.is_file() and picture.ndim == 3 and picture.dtype == np.uint8
    # bright and dim patches are in it
    assert (picture == 200).all(axis=2).any() and (picture == 50).all(axis=2).any()
    found = visualizer.draw_retrieval('a dog', [frames[0]], ['x\n0.5'], str(tmp_path / 'y.png'))
    assert (tmp_path / 'y.png').is_file() and (found == 200).all(axis=2).any()
