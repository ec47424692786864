import math

import numpy as np
import pytest

from vlplugins.datasets.transforms import ResampleFeatures


@pytest.mark.parametrize('length', [1, 3, 7, 8, 20])
def test_centres_are_those_of_the_formula(length):
    features = np.arange(length, dtype=np.float32)[:, None]
    found = ResampleFeatures(8).transform(dict(features=dict(video=features)))['features']['video'][:, 0]
    assert found.tolist() == [math.floor((k + 0.5) * length / 8) for k in range(8)]


def test_jitter_stays_in_its_cell_and_is_drawn_from_the_generator():
    features = np.arange(64, dtype=np.float32)[:, None]
    drawn = []
    for seed in (0, 0, 1):
        step = ResampleFeatures(8, jitter=True, rng=np.random.default_rng(seed))
        drawn.append(step.transform(dict(features=dict(video=features)))['features']['video'][:, 0])
    assert all((each // 8 == np.arange(8)).all() for each in drawn)
    assert (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any()


def test_other_modalities_are_left_alone_and_no_position_is_refused():
    features = dict(video=np.ones((4, 2)), objects=np.ones((3, 2)))
    found = ResampleFeatures(2, modality='objects').transform(dict(features=features))['features']
    assert found['video'].shape == (4, 2) and found['objects'].shape == (2, 2)
    with pytest.raises(ValueError, match='num_positions 0'):
        ResampleFeatures(0)
