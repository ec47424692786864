import numpy as np
import pytest
import torch

from vlplugins.datasets.human36m_lifting import Human36mLiftingDataset
from vlplugins.datasets.mpi_inf_3dhp_lifting import MPIINF3DHPLiftingDataset
from vlplugins.datasets.synthetic import SyntheticPoseWorlds
from vlplugins.models.layers.pose_generator.codec import LocalSphericalCodec


@pytest.fixture(scope='module')
def tables(tmp_path_factory):
    folder = SyntheticPoseWorlds(str(tmp_path_factory.mktemp('data') / 'worlds'), 100, 2, 400, 10).prepare()
    options = dict(data_root=str(folder), ann_file='data_3d_h36m.npz', camera_param_file='cameras.pkl')
    people = Human36mLiftingDataset(keypoint_file='data_2d_h36m_gt.npz', **options).table
    return people, MPIINF3DHPLiftingDataset(ann_file=str(folder / 'test_3dhp.npz')).table


def angles_of(table):
    codec = LocalSphericalCodec()
    encoded = codec.encode(torch.from_numpy(table.pose3d))
    return codec.movable_angles(encoded.angles), codec.movable_limits, encoded.lengths


def test_most_people_of_one_world_stand_and_the_other_is_uniform(tables):
    people, others = tables
    values, (low, high), lengths = angles_of(people[people.subject == 'S1'])
    spread = (values - values.median(dim=0).values).abs().amax(dim=1)
    # Eighteen angles of 8 degrees stay below 40; uniform ones do not.
    assert abs(float((spread < np.deg2rad(40)).float().mean()) - 0.9) < 0.04
    uniform, _, others_lengths = angles_of(others)
    share = (uniform - low) / (high - low)
    assert torch.allclose(share.mean(dim=0), torch.tensor(0.5), atol=0.06)
    assert share.min() > -1e-4 and share.max() < 1 + 1e-4
    assert lengths.std(dim=0).max() < 1e-4 and others_lengths.std(dim=0).max() < 1e-4


def test_people_are_seen_upright_and_whole(tables):
    for table in tables:
        assert (table.pose3d[:, 8, 1] < table.pose3d[:, 0, 1]).all() and (table.pose3d[..., 2] > 2).all()
    people, others = tables
    assert people.pose2d.min() > 0 and people.pose2d.max() < 1000 and np.abs(others.pose2d - 1).max() < 1


def test_same_seed_same_files_and_other_people_in_the_test(tmp_path):
    folders = [SyntheticPoseWorlds(str(tmp_path / name), 4, 2, 8, 4, seed).prepare() for name, seed in
               (('a', 0), ('b', 0), ('c', 1))]  # fmt: skip
    poses = [np.load(folder / 'test_3dhp.npz')['pose3d'] for folder in folders]
    assert np.array_equal(poses[0], poses[1]) and not np.array_equal(poses[0], poses[2])
    with pytest.raises(ValueError, match='expected at least'):
        SyntheticPoseWorlds(str(tmp_path / 'd'), num_seeds=1)
