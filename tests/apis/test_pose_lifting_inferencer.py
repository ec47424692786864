import json

import numpy as np
import pytest
import torch
from mmengine.config import Config

from tests.helpers.records import refused
from tests.helpers.tools import mistake
from tools import infer
from vlplugins.apis import PoseLiftingInferencer
from vlplugins.registry import MODELS
from vlplugins.structures.skeleton_layout import convert_joints

CONFIG = """
default_scope = 'vlplugins'
backbone = dict(type='SemGCN', channels=8, num_blocks=1)
model = dict(type='PoseGULifter', backbone=backbone, head=dict(type='PoseLiftHead'))
pipeline = [dict(type='ScreenNormalize'), dict(type='PackLiftingInputs')]
test_dataloader = dict(
    dataset=dict(type='PoseLiftingDataset', ann_file='none.npz', pipeline=pipeline),
    collate_fn=dict(type='pseudo_collate'),
)
visualizer = dict(type='PoseLiftingVisualizer')
inferencer = dict(type='PoseLiftingInferencer')
"""


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('lifter')
    (folder / 'config.py').write_text(CONFIG)
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(folder / 'config.py').model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'weights.pth')
    return str(folder / 'config.py'), str(folder / 'weights.pth')


@pytest.fixture(scope='module')
def inferencer(files):
    return PoseLiftingInferencer(*files, image_size=(1000, 800), device='cpu', show_progress=False)


def coco(count=2):
    return np.random.default_rng(0).uniform(100, 700, (count, 17, 2)).astype(np.float32)


def test_a_sequence_of_coco_joints(inferencer):
    poses = coco(3)
    predictions = inferencer(poses, batch_size=2)['predictions']
    assert [each['frame'] for each in predictions] == [0, 1, 2] and predictions[0]['layout'] == 'h36m16'
    converted = torch.from_numpy(convert_joints(poses, 'coco17', 'h36m16'))
    screen = 2 * converted / 1000 - torch.tensor([1, 0.8])
    with torch.no_grad():
        joints = inferencer.model.lift(screen.flatten(1)[..., None])
    expected = 1000 * (joints - joints[:, :1])
    found = np.array([each['keypoints_3d'] for each in predictions])
    # Millimetres, rounded to hundredths.
    np.testing.assert_allclose(found, expected.numpy(), atol=0.02, rtol=1e-5)


def test_joints_of_human36m_and_dicts(inferencer):
    pose = coco(1)[0]
    one = inferencer(dict(keypoints=pose[:16], image_size=(1000, 800)))['predictions']
    other = inferencer([pose[:16]])['predictions']
    assert one[0]['keypoints_3d'] == other[0]['keypoints_3d'] and len(one[0]['keypoints_3d']) == 16
    bigger = inferencer(dict(keypoints=2 * pose[:16], image_size=(2000, 1600)))['predictions']
    np.testing.assert_allclose(bigger[0]['keypoints_3d'], one[0]['keypoints_3d'], atol=0.05)


def test_files(inferencer, tmp_path):
    poses = coco()
    np.save(tmp_path / 'a.npy', poses)
    np.savez(tmp_path / 'b.npz', keypoints=poses, image_size=(1000, 800))
    instances = [
        dict(frame_id=frame, instances=[dict(keypoints=pose.tolist(), keypoint_scores=[1.0] * 17)])
        for frame, pose in enumerate(poses)
    ]
    (tmp_path / 'c.json').write_text(json.dumps(dict(meta_info={}, instance_info=instances)))
    (tmp_path / 'd.json').write_text(json.dumps(poses[0].tolist()))
    (tmp_path / 'e.json').write_text(json.dumps([[dict(keypoints=pose.tolist())] for pose in poses]))
    predictions = inferencer(str(tmp_path))['predictions']
    assert len(predictions) == 2 + 2 + 2 + 1 + 2
    first = predictions[0]['keypoints_3d']
    assert all(predictions[index]['keypoints_3d'] == first for index in (2, 4, 6, 7))
    assert 'frame 1' in predictions[5]['source']


def test_unsure_joints_are_warned_of(inferencer):
    scored = np.concatenate([coco(), np.ones((2, 17, 1))], axis=2).astype(np.float32)
    scored[1, 11, 2] = 0.1
    with pytest.warns(UserWarning, match='1 of 2 poses'):
        inferencer(scored)


def test_bad_inputs(inferencer, files, tmp_path):
    bad = coco(1)
    bad[0, 3, 1] = np.nan
    (tmp_path / 'bad.json').write_text('{')
    (tmp_path / 'none.json').write_text('{}')
    (tmp_path / 'bad.npy').write_bytes(b'nothing')
    for item, message in (
        (bad, 'not finite'),
        (np.zeros((2, 12, 2), np.float32), '12 joints'),
        (np.zeros(4, np.float32), 'shape'),
        (str(tmp_path / 'bad.json'), 'malformed JSON'),
        (str(tmp_path / 'none.json'), 'no pose'),
        (str(tmp_path / 'bad.npy'), 'no readable array'),
    ):
        with refused(message):
            inferencer(item)
    with refused('image_size'):
        PoseLiftingInferencer(*files, device='cpu', show_progress=False)(coco())
    with pytest.raises(ValueError, match='no skeleton layout'):
        PoseLiftingInferencer(*files, layout='smpl', device='cpu')


def test_from_the_command_line(files, tmp_path, capsys):
    np.save(tmp_path / 'poses.npy', coco())
    arguments = [*files, str(tmp_path / 'poses.npy'), '--device', 'cpu', '--out-dir', str(tmp_path / 'out')]
    infer.main([*arguments, '--image-size', '1000', '800', '--layout', 'coco17'])
    assert len(json.loads((tmp_path / 'out/predictions.json').read_text())) == 2
    assert len(list((tmp_path / 'out/pictures').glob('*.png'))) == 2
    assert 'image_size' in mistake(capsys, infer, *arguments)
