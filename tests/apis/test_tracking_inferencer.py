import itertools
import json

import cv2
import numpy as np
import pytest
from mmengine.config import Config

pytest.importorskip('mmdet')

from tests.helpers.records import refused  # noqa: E402
from tests.helpers.trackers import make_tracker, tracker_cfg  # noqa: E402
from tools import infer  # noqa: E402
from vlplugins.apis import TrackingInferencer  # noqa: E402
from vlplugins.datasets.formats.tracking_files import read_mot_table  # noqa: E402

BOX = [10, 12, 20, 16]


def config(**changes):
    return dict(
        default_scope='vlplugins',
        model=tracker_cfg(**changes).to_dict(),
        test_dataloader=dict(dataset=dict(type='LaSOTDataset', pipeline=[dict(type='PackSOTInputs')])),
        visualizer=dict(type='TrackingVisualizer'),
        inferencer=dict(type='TrackingInferencer'),
    )


def pictures(count=5, size=(60, 80)):
    return list(np.random.default_rng(0).integers(0, 255, (count, *size, 3), dtype=np.uint8))


@pytest.fixture(scope='module')
def inferencer():
    return TrackingInferencer(Config(config(detections='public')), device='cpu', show_progress=False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'clip').mkdir()
    for number, image in enumerate(pictures()):
        cv2.imwrite(str(tmp_path / f'clip/{number:06d}.png'), image)
    return tmp_path / 'clip'


@pytest.fixture
def video(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / 'film.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 10, (80, 60))
    for image in pictures():
        writer.write(image)
    writer.release()
    return tmp_path / 'film.mp4'


def boxes_of(frames):
    return np.array([[each['box'] for each in frame['objects']] for frame in frames])


def test_frames_come_as_they_are_followed_and_no_more_are_read(inferencer):
    read = []

    def endless():
        for number in itertools.count():
            read.append(number)
            yield pictures(1)[0]

    stream = inferencer.stream(endless(), init_boxes=[BOX])
    first = next(stream)
    assert first == dict(frame=0, objects=[dict(id=1, box=BOX, score=1.0, label=-1)])
    assert [next(stream)['frame'] for _ in range(3)] == [1, 2, 3] and read == [0, 1, 2, 3]


def test_streams_know_nothing_of_each_other(inferencer):
    alone = list(inferencer.stream(pictures(), init_boxes=[BOX]))
    together = zip(*(inferencer.stream(pictures(), init_boxes=[box]) for box in (BOX, [40, 20, 12, 12])))
    assert [frames[0] for frames in together] == alone


def test_several_targets_are_followed_at_once(inferencer):
    found = boxes_of(inferencer.stream(pictures(), init_boxes=[BOX, [40, 20, 12, 12]]))
    assert found.shape == (5, 2, 4) and found[0].tolist() == [BOX, [40, 20, 12, 12]]


@pytest.mark.parametrize('kind', ['folder', 'video', 'frames'])
def test_every_kind_of_input_gives_plain_data_and_files(inferencer, tmp_path, folder, video, kind):
    source = dict(folder=folder, video=video, frames=pictures())[kind]
    inferencer.init_boxes = [BOX]
    out = dict(vis_out_dir=str(tmp_path / 'out'), pred_out_file=str(tmp_path / 'out/predictions.json'))
    try:
        found = inferencer([source] if kind == 'frames' else str(source), **out)
    finally:
        inferencer.init_boxes = None
    (prediction,) = found['predictions']
    assert prediction['mode'] == 'sot' and [frame['frame'] for frame in prediction['frames']] == list(range(5))
    assert json.loads((tmp_path / 'out/predictions.json').read_text()) == found['predictions']
    name = dict(folder='clip', video='film', frames='frames')[kind]
    table = read_mot_table(tmp_path / f'out/{name}.txt')
    assert table.frame.tolist() == [1, 2, 3, 4, 5] and table.boxes[0].tolist() == BOX
    capture = cv2.VideoCapture(found['visualization'][0])
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 5


def test_a_folder_of_videos_stands_for_these(inferencer, video):
    assert inferencer._inputs_to_list(str(video.parent)) == [str(video)]
    assert inferencer._inputs_to_list(['0', str(video)]) == [0, str(video)]


def test_objects_come_from_given_detections_and_are_numbered_from_1(tmp_path):
    inferencer = TrackingInferencer(
        Config(config(detections='public', follow=False)), device='cpu', show_progress=False, max_frames=3
    )
    lines = [
        f'{frame},-1,{10 + frame},12,20,16,0.9,-1,-1,-1\n{frame},-1,50,4,10,26,0.8,-1,-1,-1' for frame in (1, 2, 3)
    ]
    (tmp_path / 'det.txt').write_text('\n'.join(lines) + '\n')
    inferencer.public = str(tmp_path / 'det.txt')
    found = inferencer([pictures()], pred_out_file=str(tmp_path / 'predictions.json'))['predictions'][0]
    assert found['mode'] == 'mot' and len(found['frames']) == 3
    assert [[each['id'] for each in frame['objects']] for frame in found['frames']] == [[1, 2]] * 3
    assert found['frames'][1]['objects'][0]['box'] == pytest.approx([12, 12, 20, 16])
    assert read_mot_table(tmp_path / 'frames.txt').track.tolist() == [1, 2] * 3
    both = list(inferencer.stream(pictures(2), init_boxes=[BOX], mode='unified'))
    assert [[each['id'] for each in frame['objects']] for frame in both] == [[1, 2, 3]] * 2


def test_frames_of_objects_are_resized_and_boxes_scaled_back(tmp_path):
    inferencer = TrackingInferencer(
        Config(config(detections='public', follow=False)), device='cpu', show_progress=False, scale=(160, 120)
    )
    (tmp_path / 'det.txt').write_text('1,-1,10,12,20,16,0.9,-1,-1,-1\n')
    inferencer.public, seen = str(tmp_path / 'det.txt'), []
    inferencer.model.detector.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    (frame,) = inferencer.stream(pictures(1))
    assert tuple(seen[0]) == (1, 3, 128, 160) and frame['objects'][0]['box'] == pytest.approx(BOX)


def test_what_cannot_be_followed_is_told(inferencer, tmp_path):
    for options, match in (
        (dict(mode='sot'), "mode 'sot' needs init_boxes"),
        (dict(mode='mot', init_boxes=[BOX]), "mode 'mot' takes no init_boxes"),
        (dict(mode='vot'), "mode 'vot' is unknown"),
        (dict(init_boxes=[[10, 10, 0, 4]]), 'has no area'),
    ):
        with pytest.raises(ValueError, match=match):
            next(inferencer.stream(pictures(), **options))
    with pytest.raises(ValueError, match='frame 0 is float64'):
        next(inferencer.stream([np.zeros((8, 8, 3))], init_boxes=[BOX]))
    with pytest.raises(ValueError, match='unknown arguments'):
        inferencer(pictures(), wait=3)
    with refused('no such file'):
        next(inferencer.stream(str(tmp_path / 'none.mp4'), init_boxes=[BOX]))
    (tmp_path / 'text.mp4').write_text('no film')
    with refused('no video stream'):
        next(inferencer.stream(str(tmp_path / 'text.mp4'), init_boxes=[BOX]))
    (tmp_path / 'empty').mkdir()
    with refused('no image'):
        next(inferencer.stream(str(tmp_path / 'empty'), init_boxes=[BOX]))
    with refused('no camera of that number'):
        inferencer.stream(987).__next__()


def test_command_line(tmp_path, folder, capsys):
    path = tmp_path / 'config.py'
    path.write_text('\n'.join(f'{key} = {value!r}' for key, value in config().items()))
    out = tmp_path / 'out'
    infer.main(f'{path} none {folder} --init-boxes 10,12,20,16 40,20,12,12 --max-frames 3 --out-dir {out}'.split())
    (prediction,) = json.loads((out / 'predictions.json').read_text())
    assert len(prediction['frames']) == 3 and len(prediction['frames'][2]['objects']) == 2
    assert (out / 'pictures/clip.mp4').is_file() and (out / 'clip.txt').is_file()
    with pytest.raises(SystemExit):
        infer.main(f'{path} none {folder} --init-boxes 10,12,20'.split())
    assert "'10,12,20' is not X,Y,W,H" in capsys.readouterr().err


def test_trained_weights_are_loaded(tmp_path):
    import torch

    tracker = make_tracker(seed=3)
    torch.save(dict(state_dict=tracker.state_dict()), tmp_path / 'weights.pth')
    inferencer = TrackingInferencer(Config(config()), str(tmp_path / 'weights.pth'), device='cpu', show_progress=False)
    assert torch.equal(inferencer.model.target_encoder.project.weight, tracker.target_encoder.project.weight)
