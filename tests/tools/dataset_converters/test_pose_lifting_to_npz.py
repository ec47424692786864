import numpy as np
import pytest

from tests.helpers.records import refused
from tests.helpers.tools import mistake
from tools.dataset_converters import pose_lifting_to_npz as converter
from vlplugins.datasets import PoseLiftingDataset
from vlplugins.datasets.mpi_inf_3dhp_lifting import JOINTS_OF_17
from vlplugins.datasets.synthetic import SyntheticPoseWorlds
from vlplugins.utils.records import SkipCounter


@pytest.fixture(scope='module')
def worlds(tmp_path_factory):
    return SyntheticPoseWorlds(str(tmp_path_factory.mktemp('data') / 'worlds'), 6, 2, 16, 10).prepare()


def run(*arguments):
    converter.main([str(argument) for argument in arguments])


def test_human36m_keeps_cameras_and_is_left_alone_the_second_time(worlds, tmp_path, capsys):
    arguments = ['human36m', worlds / 'data_3d_h36m.npz', tmp_path / 's9.npz', '--subjects', 'S9']
    arguments += ['--cameras', worlds / 'cameras.pkl', '--keypoints', worlds / 'data_2d_h36m_gt.npz']
    run(*arguments)
    assert '16 poses read, 16 kept' in (printed := capsys.readouterr().out) and 's9.npz written' in printed
    before = (tmp_path / 's9.npz').stat().st_mtime_ns
    run(*arguments)
    assert 'is up to date' in capsys.readouterr().out and (tmp_path / 's9.npz').stat().st_mtime_ns == before
    dataset = PoseLiftingDataset(ann_file=str(tmp_path / 's9.npz'))
    poses, cameras = dataset.seed_poses()
    assert len(dataset) == 16 and np.allclose(cameras[:, :2], 2.29) and poses[..., 2].min() > 2


def test_3dpw_counts_what_it_leaves_out(worlds, tmp_path, capsys):
    run('3dpw', worlds / '3dpw/sequenceFiles/test', tmp_path / '3dpw.npz')
    assert '10 poses read, 9 kept; 1 poses skipped: 1 without a valid camera' in capsys.readouterr().out


def sequence(count=5):
    rng = np.random.default_rng(0)
    poses = 1000 * rng.normal(size=(count, 1, 17, 3)) + (0, 0, 4000)
    return dict(
        annot2=rng.uniform(0, 2048, (count, 1, 17, 2)),
        annot3=poses,
        univ_annot3=0.9 * poses,
        valid_frame=np.array([1, 0, 1, 1, 0])[None],
        activity_annotation=np.arange(count)[:, None],
    )


def test_frames_of_3dhp():
    left_out, content = SkipCounter(), sequence()
    table = converter.read_test_sequence(content, 'TS5', 'true', left_out)
    assert len(table) == 3 and left_out.total == 2 and table.frame.tolist() == [1, 3, 4]
    np.testing.assert_allclose(table.pose3d[1], content['annot3'][2, 0, list(JOINTS_OF_17)] / 1000, rtol=1e-6)
    assert table.image_size[0].tolist() == [1920, 1080] and table.action.tolist()[0] == 'activity0'
    universal = converter.read_test_sequence(content, 'TS1', 'universal', left_out)
    np.testing.assert_allclose(universal.pose3d, 0.9 * table.pose3d, rtol=1e-5)
    with refused('valid_frame'):
        converter.read_test_sequence({'annot2': 0}, 'TS1', 'true', left_out)
    with refused('17, 3'):
        converter.read_test_sequence(dict(content, annot3=np.zeros((5, 1, 28, 3))), 'TS1', 'true', left_out)


def test_official_files_of_3dhp(tmp_path, capsys):
    h5py = pytest.importorskip('h5py')
    (tmp_path / 'TS1').mkdir()
    with h5py.File(tmp_path / 'TS1/annot_data.mat', 'w') as file:
        for key, value in sequence().items():
            file[key] = value
    run('mpi_inf_3dhp', tmp_path, tmp_path / 'test.npz')
    printed = capsys.readouterr().out
    assert '5 poses read, 3 kept' in printed and 'TS1: 3' in printed and 'size of bodies: true' in printed


def test_mistakes_of_users(worlds, tmp_path, capsys):
    arguments = ['human36m', worlds / 'data_3d_h36m.npz', tmp_path / 'out.npz']
    assert '--cameras' in mistake(capsys, converter, *arguments)
    assert 'TS1/annot_data.mat' in mistake(capsys, converter, 'mpi_inf_3dhp', tmp_path, tmp_path / 'out.npz')
