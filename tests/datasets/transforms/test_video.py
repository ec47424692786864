import decord
import numpy as np
import pytest
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope

from tests.helpers.records import refused
from tests.helpers.videos import frame_numbers, write_video
from vlplugins.datasets.transforms.video import LoadVideoFrames, OpenVideo, SegmentFrameSample
from vlplugins.registry import TRANSFORMS

pytestmark = pytest.mark.filterwarnings('error::RuntimeWarning')


def sample(total, frames=12, seed=0, test_mode=False, **results):
    rng = np.random.default_rng(seed)
    results = dict(results, total_frames=total, video_path='x.mp4', video_id='x')
    results = SegmentFrameSample(frames, test_mode, rng)(results)
    return results['frame_inds'].tolist(), results['frame_mask'].tolist()


def load(path, frames=4, **results):
    results = OpenVideo()(dict(results, video_path=str(path), video_id='the_id'))
    return LoadVideoFrames()(SegmentFrameSample(frames, test_mode=True)(results))


@pytest.mark.parametrize(
    'total, expected',
    [(12, [1, 4, 7, 10]), (10, [1, 3, 6, 8]), (5, [0, 1, 3, 4]), (4, [0, 1, 2, 3]), (2, [0, 1, 1, 1]), (1, [0] * 4)],
)
def test_frames_in_tests_are_those_worked_out_by_hand(total, expected):
    indices, mask = sample(total, 4, test_mode=True)
    assert indices == expected
    assert mask == [i < total for i in range(4)]


@pytest.mark.parametrize('total', [13, 24, 25, 100])
def test_frames_in_training_come_one_from_each_part_and_never_from_the_tail(total):
    width = total // 12
    drawn = np.array([sample(total, 12, seed)[0] for seed in range(200)])
    parts = drawn - np.arange(12) * width
    assert parts.min() == 0 and parts.max() == width - 1
    assert drawn.max() < 12 * width
    # every place of every part is drawn
    assert all(len(set(column)) == width for column in parts.T)


def test_short_videos_repeat_their_last_frame_in_training_too():
    assert sample(3, 5) == ([0, 1, 2, 2, 2], [True] * 3 + [False] * 2)


def test_parts_in_seconds_limit_the_frames():
    assert sample(100, 4, test_mode=True, avg_fps=10.0, start=2.0, end=4.0)[0] == [22, 27, 32, 37]
    # the end may lie behind the last frame, as a rounded-up duration does
    assert sample(25, 5, test_mode=True, avg_fps=10.0, start=0, end=3)[0] == sample(25, 5, test_mode=True)[0]
    with refused('x.mp4, record x.*part'):
        sample(20, 4, avg_fps=10.0, start=2.0, end=4.0)
    with refused('without frames'):
        sample(0)
    with pytest.raises(ValueError, match='num_frames 0'):
        SegmentFrameSample(0)


@pytest.mark.parametrize('name', ['x.mp4', 'x.avi', 'x'])
def test_the_chosen_frames_of_files_and_folders_are_decoded(tmp_path, name):
    results = load(write_video(tmp_path / name, 40), frames=10)
    assert frame_numbers(results['imgs']) == results['frame_inds'].tolist() == list(range(2, 40, 4))
    assert results['total_frames'] == 40 and results['img_shape'] == (64, 64)
    assert 'video_reader' not in results


def test_channels_are_rgb(tmp_path):
    import cv2

    (tmp_path / 'x').mkdir()
    cv2.imwrite(str(tmp_path / 'x/0.png'), np.full((4, 4, 3), (255, 128, 0), np.uint8))
    assert load(tmp_path / 'x', 1)['imgs'][0][0, 0].tolist() == [0, 128, 255]


def test_only_sampled_frames_are_decoded_and_each_once():
    asked = []

    class Reader:
        def __len__(self):
            return 3

        def get_batch(self, indices):
            asked.append(list(indices))
            return decord.nd.array(np.zeros((len(indices), 2, 2, 3), np.uint8))

    results = LoadVideoFrames()(dict(video_reader=Reader(), frame_inds=np.array([0, 2, 2, 2])))
    assert asked == [[0, 2]] and len(results['imgs']) == 4


@pytest.mark.parametrize('share, message', [(0.0, '0 bytes'), (0.5, 'cannot open')])
def test_truncated_files_are_named(tmp_path, share, message):
    path = write_video(tmp_path / 'x.mp4', 20)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with refused(f'x.mp4, record the_id.*{message}'):
        load(path)


def test_missing_files_and_videos_without_frames_are_named(tmp_path):
    with refused('absent.mp4, record the_id.*no such file'):
        load(tmp_path / 'absent.mp4')
    with refused('zero.mp4, record the_id'):
        load(write_video(tmp_path / 'zero.mp4', 0))
    (tmp_path / 'empty').mkdir()
    with refused('empty, record the_id.*without frames'):
        load(tmp_path / 'empty')


@pytest.mark.parametrize('share', [0.5, 0.77])
def test_frames_that_cannot_be_decoded_are_not_counted(tmp_path, share):
    path = write_video(tmp_path / 'x.avi', 40)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    results = load(path, 40)
    last = results['total_frames'] - 1
    # index and headers are a good part of so small a file
    assert 4 < last < share * 40
    assert results['frame_inds'].tolist() == [min(i, last) for i in range(40)]
    assert results['frame_mask'].tolist() == [i <= last for i in range(40)]
    # the last frame may be cut off itself
    assert frame_numbers(results['imgs'])[:last] == list(range(last))
    assert results['imgs'][-1].shape == (64, 64, 3)


def test_the_log_names_each_damaged_file_once_with_the_count(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr('vlplugins.datasets.transforms.video.print_log', lambda text, *_, **__: lines.append(text))
    loading = LoadVideoFrames()
    for name in ('x.avi', 'x.avi', 'y.avi'):
        path = tmp_path / name
        if not path.exists():
            path.write_bytes((content := write_video(path, 40).read_bytes())[: int(0.77 * len(content))])
        results = OpenVideo()(dict(video_path=str(path), video_id=name))
        loading(SegmentFrameSample(40, test_mode=True)(results))
    assert [line.split(': damaged after frame ')[0] for line in lines] == [
        str(tmp_path / 'x.avi'),
        str(tmp_path / 'y.avi'),
    ]
    assert lines[1].endswith('(damaged videos so far: 2)')


def test_a_video_of_which_nothing_can_be_decoded_is_named(tmp_path, monkeypatch):
    class Reader:
        def __len__(self):
            return 3

        def get_avg_fps(self):
            return 3.0

        def get_batch(self, indices):
            raise decord.DECORDError('broken')

    monkeypatch.setattr(decord, 'VideoReader', lambda *_, **__: Reader())
    (tmp_path / 'x.mp4').write_bytes(b'x')
    with refused('x.mp4, record the_id: found no frame that can be decoded'):
        load(tmp_path / 'x.mp4')


def test_damaged_images_of_a_folder_are_named(tmp_path):
    path = write_video(tmp_path / 'x', 3)
    (path / 'frame_1.png').write_bytes(b'')
    with refused('frame_1.png'):
        load(path)
    import cv2

    cv2.imwrite(str(path / 'frame_1.png'), np.zeros((3, 3, 3), np.uint8))
    with refused('x, record the_id.*several sizes'):
        load(path)


def test_mmaction_decodes_resizes_and_crops_what_is_sampled_here(tmp_path):
    init_default_scope('vlplugins')
    path = write_video(tmp_path / 'x.mp4', 20, size=80)
    tail = [
        dict(type='mmaction.Resize', scale=(-1, 48), interpolation='bicubic'),
        dict(type='mmaction.CenterCrop', crop_size=32),
    ]
    middle = dict(type='SegmentFrameSample', num_frames=5, test_mode=True)
    pipelines = [
        [dict(type='mmaction.DecordInit'), middle, dict(type='mmaction.DecordDecode'), *tail],
        [dict(type='OpenVideo'), middle, dict(type='LoadVideoFrames'), *tail],
    ]
    theirs, ours = (
        Compose([TRANSFORMS.build(each) for each in pipeline])(dict(filename=str(path), video_path=str(path)))
        for pipeline in pipelines
    )
    assert np.array_equal(np.stack(theirs['imgs']), np.stack(ours['imgs']))
    assert np.stack(ours['imgs']).shape == (5, 32, 32, 3)
