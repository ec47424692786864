import numpy as np
import pytest

from tests.helpers.videos import frame_numbers, write_video
from tools.dataset_converters import videos_to_lmdb
from vlplugins.datasets import TextVideoDataset
from vlplugins.datasets.formats.video_files import video_exists
from vlplugins.datasets.transforms.video import LoadVideoFrames, OpenVideo, SegmentFrameSample

pytest.importorskip('lmdb')


def load(path, frames):
    results = OpenVideo()(dict(video_path=str(path), video_id='the_id'))
    return LoadVideoFrames()(SegmentFrameSample(frames, test_mode=True)(results))


def test_packed_videos_are_read_as_the_files_are(tmp_path, capsys):
    for name, count in (('a.mp4', 20), ('film/b.avi', 9)):
        write_video(tmp_path / 'videos' / name, count)
    arguments = [str(tmp_path / 'videos'), str(tmp_path / 'videos.lmdb')]
    videos_to_lmdb.main(arguments)
    assert '2 videos read, 2 kept, 2 of them new; no videos skipped' in capsys.readouterr().out
    videos_to_lmdb.main(arguments)
    assert '2 kept, 0 of them new' in capsys.readouterr().out
    for name in ('a.mp4', 'film/b.avi'):
        file, packed = (load(tmp_path / folder / name, 8) for folder in ('videos', 'videos.lmdb'))
        assert np.array_equal(np.stack(file['imgs']), np.stack(packed['imgs']))
        assert file['total_frames'] == packed['total_frames']
    assert video_exists(str(tmp_path / 'videos.lmdb/a.webm')) and not video_exists(str(tmp_path / 'videos.lmdb/c.mp4'))


def test_missing_keys_are_named_and_left_out_of_data_sets_on_demand(tmp_path):
    write_video(tmp_path / 'videos/a.mp4', 4)
    videos_to_lmdb.main([str(tmp_path / 'videos'), str(tmp_path / 'videos.lmdb')])
    with pytest.raises(ValueError, match='videos.lmdb/c.mp4, record the_id: found no such file'):
        load(tmp_path / 'videos.lmdb/c.mp4', 2)
    entries = ', '.join(f'{{"video": "{n}.mp4", "video_id": "{n}", "captions": ["x"]}}' for n in 'ac')
    (tmp_path / 'x.json').write_text(f'{{"metainfo": {{}}, "data_list": [{entries}]}}')
    arguments = dict(ann_file='x.json', data_root=str(tmp_path), data_prefix=dict(video='videos.lmdb'))
    assert len(TextVideoDataset(**arguments, skip_missing=True)) == 1


def test_damaged_videos_stop_the_conversion_or_are_counted(tmp_path, capsys):
    write_video(tmp_path / 'videos/a.mp4', 4)
    (tmp_path / 'videos/b.mp4').write_bytes(b'no video')
    arguments = [str(tmp_path / 'videos'), str(tmp_path / 'videos.lmdb')]
    with pytest.raises(SystemExit):
        videos_to_lmdb.main(arguments)
    assert 'b.mp4: found 8 bytes that decord cannot open' in capsys.readouterr().err
    videos_to_lmdb.main([*arguments, '--skip-bad'])
    # what came before the damaged one was kept by the first run
    assert '2 videos read, 1 kept, 0 of them new; 1 videos skipped' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        videos_to_lmdb.main([arguments[0], str(tmp_path / 'videos.db')])
    assert 'must end in .lmdb' in capsys.readouterr().err


def test_a_cut_video_in_a_database_gives_the_frames_before_the_cut(tmp_path, capsys):
    path = write_video(tmp_path / 'videos/x.avi', 40)
    path.write_bytes(path.read_bytes()[: int(0.77 * path.stat().st_size)])
    videos_to_lmdb.main([str(tmp_path / 'videos'), str(tmp_path / 'videos.lmdb')])
    file, packed = (load(tmp_path / folder / 'x.avi', 40) for folder in ('videos', 'videos.lmdb'))
    assert frame_numbers(packed['imgs']) == frame_numbers(file['imgs'])
    assert packed['frame_mask'].tolist() == file['frame_mask'].tolist()
