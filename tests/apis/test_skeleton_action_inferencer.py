import json

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, init_default_scope

from tests.helpers.records import refused
from tests.helpers.skeletons import person
from tests.helpers.tiny_configs import ROOT
from tools import infer
from vlplugins.apis import SkeletonActionInferencer
from vlplugins.apis.skeleton_action_inferencer import frames_of
from vlplugins.datasets.synthetic.skeleton_files import format_skeleton_file, format_utkinect_joints
from vlplugins.structures.skeleton_layout import convert_joints
from vlplugins.utils.cli import load_config

pytest.importorskip('mmaction')
DEMO = ROOT / 'configs/afe_cnn/afe-cnn_demo.py'
UTKINECT = ROOT / 'configs/afe_cnn/afe-cnn-s_1xb16-100e_utkinect-loso.py'


def checkpoint(path, config):
    init_default_scope('vlplugins')
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(load_config(str(config)).model).state_dict(), meta={}), path)
    return str(path)


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory):
    weights = checkpoint(tmp_path_factory.mktemp('weights') / 'demo.pth', DEMO)
    return SkeletonActionInferencer(str(DEMO), weights, show_progress=False)


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp('files') / 'S001C001P001R001A001.skeleton'
    path.write_text(format_skeleton_file([person(30)]))
    return str(path)


def predict(inferencer, item, **kwargs):
    return inferencer(item, **kwargs)['predictions']


def test_file_array_record_and_npy_give_the_same(inferencer, file, tmp_path):
    (of_file,) = predict(inferencer, file)
    points = person(30)[None]
    np.save(tmp_path / 'clip.npy', points)
    others = predict(inferencer, [points, dict(keypoint=points, frame_dir='x', label=3), str(tmp_path / 'clip.npy')])
    assert of_file['input'] == 'S001C001P001R001A001'
    for other in others:
        assert other['label'] == of_file['label'] and other['score'] == pytest.approx(of_file['score'], abs=1e-4)
    assert of_file['name'] == inferencer.classes[of_file['label']] and len(of_file['top5']) == 5
    assert [each['score'] for each in of_file['top5']] == sorted((e['score'] for e in of_file['top5']), reverse=True)
    assert np.shape(of_file['key_times']) == (1, 16) and len(of_file['frame_energy']) == 30
    assert len(predict(inferencer, str(tmp_path))) == 1


def test_faster_form_of_the_network_says_the_same(inferencer, tmp_path):
    weights = checkpoint(tmp_path / 'demo.pth', DEMO)
    plain = SkeletonActionInferencer(str(DEMO), weights, show_progress=False, deploy=False)
    assert inferencer.model.backbone.merged is not None and plain.model.backbone.merged is None
    points = person(50)[None]
    (fast,), (slow,) = predict(inferencer, points), predict(plain, points)
    assert [each['score'] for each in fast['top5']] == pytest.approx([each['score'] for each in slow['top5']], abs=1e-6)
    np.testing.assert_allclose(inferencer.joint_attention(points), plain.joint_attention(points), atol=1e-5)


def test_stream_equals_the_same_windows_as_arrays(inferencer):
    points = person(60)[None]
    points[:, 20:23] = 0
    found = list(inferencer.stream(iter(frames_of(points)), window=32, stride=8))
    assert [each['frame'] for each in found] == [31, 39, 47, 55]
    for each in found:
        end = each['frame'] + 1
        (offline,) = predict(inferencer, points[:, end - 32 : end])
        assert each['label'] == offline['label'] and each['score'] == offline['score']
        assert each['top5'] == offline['top5']


def test_stream_is_lazy_and_says_when_nobody_is_there(inferencer):
    def endless():
        while True:
            yield np.zeros((25, 3))

    stream = inferencer.stream(endless(), window=8, stride=4)
    assert [next(stream) for _ in range(2)] == [
        dict(frame=7, label=None, score=0.0),
        dict(frame=11, label=None, score=0.0),
    ]
    with pytest.raises(ValueError, match='frame 1 has the shape'):
        list(inferencer.stream([np.ones((25, 3)), np.ones((20, 3))], window=4))
    with pytest.raises(ValueError, match='window'):
        next(inferencer.stream([], window=0))


def test_pictures_and_animations(inferencer, file, tmp_path):
    inferencer.animation = 'gif'
    try:
        inferencer(file, vis_out_dir=str(tmp_path), pred_out_file=str(tmp_path / 'out.json'))
    finally:
        inferencer.animation = None
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ['000000_S001C001P001R001A001.gif', '000000_S001C001P001R001A001.png', 'out.json']
    assert json.loads((tmp_path / 'out.json').read_text())[0]['label'] in range(8)


def test_attention_is_in_the_order_of_the_joints(inferencer):
    attention = inferencer.joint_attention(person(70)[None])
    assert attention.shape == (25,) and 0 < attention.min() < attention.max() < 1
    order = list(inferencer.layout.order)
    inputs = inferencer.pipeline(person(70)[None])['inputs'][None].float()
    columns = [
        pair[1]
        for layers in inferencer.model.backbone.attention_maps(inputs[0])
        for pair in layers
        if pair[1].size(3) == 25
    ]
    by_column = torch.stack([each[0].mean(dim=(0, 1)) for each in columns]).mean(dim=0).numpy()
    np.testing.assert_allclose(attention[order], by_column, rtol=1e-5)


@pytest.mark.parametrize(
    'bad, text',
    [
        (person(9), r'keypoint\[None\]'),
        (np.ones((1, 0, 25, 3)), 'a person and a frame'),
        (np.zeros((1, 9, 25, 3)), 'nobody'),
        (person(9)[None, :, :17], '17 joints'),
        (np.where(np.arange(25)[:, None] == 4, np.nan, person(9))[None], 'joint 4'),
        (1000 * person(9)[None], 'millimetres'),
        (np.ones((1, 9, 25, 3)), 'no length'),
    ],
)
def test_bad_sequences_are_told(inferencer, bad, text):
    with refused(text):
        predict(inferencer, bad)


def test_one_frame_and_one_person_too_many_work(inferencer):
    assert predict(inferencer, person(1)[None])[0]['label'] in range(8)
    two = np.stack([person(40, turn=(0.05, 0, 0)) + [1.0, 0, 0], person(40, turn=(1.5, 0, 0))])
    (both,), (alone,) = predict(inferencer, two), predict(inferencer, two[1:])
    assert both['score'] == alone['score'], 'the model has one person: the one who moves most'


def test_file_without_bodies_and_unknown_endings(inferencer, tmp_path):
    empty = tmp_path / 'empty.skeleton'
    empty.write_text('2\n0\n0\n')
    with refused('nobody in any of 2 frames'):
        predict(inferencer, str(empty))
    (tmp_path / 'clip.csv').write_text('')
    with refused("'.csv'"):
        predict(inferencer, str(tmp_path / 'clip.csv'))
    with pytest.raises(FileNotFoundError):
        predict(inferencer, 'none.skeleton')
    with pytest.raises(ValueError, match='animation'):
        SkeletonActionInferencer(str(DEMO), animation='avi')


def test_utkinect_by_frame_numbers_and_from_the_command_line(tmp_path):
    weights = checkpoint(tmp_path / 'ut.pth', UTKINECT)
    joints = convert_joints(person(20), 'ntu25', 'kinect20')
    path = tmp_path / 'joints_s01_e01.txt'
    path.write_text(format_utkinect_joints(np.arange(100, 140, 2), joints))
    out = tmp_path / 'out'
    infer.main([str(UTKINECT), weights, f'{path}:110-130', str(path), '--out-dir', str(out), '--animation', 'mp4'])
    part, whole = json.loads((out / 'predictions.json').read_text())
    assert len(part['frame_energy']) == 11 and len(whole['frame_energy']) == 20
    assert part['name'] in (
        'walk',
        'sitDown',
        'standUp',
        'pickUp',
        'carry',
        'throw',
        'push',
        'pull',
        'waveHands',
        'clapHands',
    )
    assert sorted(each.suffix for each in (out / 'pictures').iterdir()) == ['.mp4', '.mp4', '.png', '.png']
    inferencer = SkeletonActionInferencer(str(UTKINECT), weights, show_progress=False)
    with refused('no frame 10 to 20'):
        predict(inferencer, f'{path}:10-20')
