import json
import os
import pickle
import shutil
import stat

import decord
import pytest

from tools.dataset_converters import compress_videos, text_video_to_json
from vlplugins.datasets import MSRVTTRetrievalDataset, MSVDRetrievalDataset, TextVideoDataset
from vlplugins.datasets.synthetic.flash_videos import SyntheticFlashVideos


@pytest.fixture
def flash(tmp_path):
    return SyntheticFlashVideos(str(tmp_path / 'set'), num_train=3, num_test=4, captions_per_video=2).prepare()


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def test_common_file_gives_the_records_of_the_native_files(flash, tmp_path, capsys):
    arguments = ['--ann-file', str(flash / 'MSRVTT_data.json'), '--split-file', str(flash / 'MSRVTT_train.9k.csv')]
    out = tmp_path / 'deep/train.json'
    text_video_to_json.main(['msrvtt', str(out), '--videos', str(flash / 'videos'), *arguments])
    report = capsys.readouterr().out
    assert '3 videos read, 3 kept; no videos skipped' in report and '6 captions, 0 of them blank' in report
    assert json.loads(out.read_text())['metainfo'] == dict(dataset='MSR-VTT', split='MSRVTT_train.9k')
    prefix = dict(data_prefix=dict(video=str(flash / 'videos')))
    native = MSRVTTRetrievalDataset(ann_file=arguments[1], split_file=arguments[3], **prefix)
    for cls in (TextVideoDataset, MSRVTTRetrievalDataset):
        assert infos(cls(ann_file=str(out), **prefix)) == infos(native)
    before = out.stat().st_mtime_ns
    text_video_to_json.main(['msrvtt', str(out), '--videos', str(flash / 'videos'), *arguments])
    assert 'is up to date' in capsys.readouterr().out and out.stat().st_mtime_ns == before
    assert [path.name for path in out.parent.iterdir()] == ['train.json']


def test_report_says_what_was_dropped_and_why(flash, tmp_path, capsys):
    (flash / 'videos/video4.mp4').unlink()
    arguments = ['msrvtt', str(tmp_path / 'x.json'), '--split-file', str(flash / 'MSRVTT_JSFUSION_test.csv')]
    text_video_to_json.main([*arguments, '--videos', str(flash / 'videos'), '--skip-missing'])
    assert '4 videos read, 3 kept; 1 videos skipped: 1 without a file' in capsys.readouterr().out
    text_video_to_json.main(arguments)
    assert '4 videos read, 4 kept' in capsys.readouterr().out
    assert json.loads((tmp_path / 'x.json').read_text())['data_list'][1]['video'] == 'video4.mp4'


def test_other_formats(tmp_path, capsys):
    (tmp_path / 'c.pkl').write_bytes(pickle.dumps({'a_0_1': [['a', 'dog'], []], 'b_0_1': []}))
    text_video_to_json.main(['msvd', str(tmp_path / 'x.json'), '--ann-file', str(tmp_path / 'c.pkl')])
    assert '2 captions, 1 of them blank' in capsys.readouterr().out
    dataset = MSVDRetrievalDataset(ann_file=str(tmp_path / 'x.json'), test_mode=True)
    assert [r['text'] for r in infos(dataset)] == [['a dog', '']]
    (tmp_path / 'l.csv').write_text('\t'.join(['1_A_0.1-0.2', '', '', '', '', '"x"']))
    text_video_to_json.main(['lsmdc', str(tmp_path / 'x.json'), '--ann-file', str(tmp_path / 'l.csv')])
    assert json.loads((tmp_path / 'x.json').read_text())['data_list'][0]['captions'] == ['"x"']
    (tmp_path / 'a.json').write_text(json.dumps(dict(v_a=dict(duration=2.5, timestamps=[], sentences=['x', ' y']))))
    (tmp_path / 'p.json').write_text(json.dumps(dict(a='a.mkv')))
    paths = ['--ann-file', str(tmp_path / 'a.json'), '--video-paths-file', str(tmp_path / 'p.json')]
    text_video_to_json.main(['activitynet', str(tmp_path / 'x.json'), *paths])
    entry = json.loads((tmp_path / 'x.json').read_text())['data_list'][0]
    assert entry == dict(video='a.mkv', video_id='v_a', captions=['x  y'], start=0, end=3)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['msrvtt', 'x.json'], 'give --ann-file'),
        (['msrvtt', 'x.json', '--ann-file', 'absent.json'], 'absent.json.*No such file'),
        (['msrvtt', 'x.json', '--ann-file', 'y', '--video-paths-file', 'z'], 'not for msrvtt'),
        (['lsmdc', 'x.json', '--ann-file', 'y', '--skip-missing'], 'needs --videos'),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        text_video_to_json.main(arguments)
    import re

    assert re.search(message, capsys.readouterr().err) and not list(tmp_path.iterdir())


@pytest.fixture
def fake_ffmpeg(tmp_path):
    """A program that copies its input, logs its arguments, and fails on names with "bad"."""
    path = tmp_path / 'ffmpeg'
    path.write_text(
        f"""#!/bin/sh
echo "$@" >> {tmp_path}/log
for last; do :; done
while [ "$1" != -i ]; do shift; done
case "$2" in *bad*) echo x > "$last"; echo 'Invalid data found' >&2; exit 3;; esac
cp "$2" "$last"
"""
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_compression_keeps_folders_goes_on_and_names_failures(fake_ffmpeg, tmp_path, capsys):
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    for name in ('a.avi', 'deep/b.mp4', 'bad.mp4', 'deep/note.txt'):
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_text(name)
    with pytest.raises(SystemExit) as error:
        compress_videos.main([str(raw), str(out), '--ffmpeg', fake_ffmpeg])
    printed = capsys.readouterr().out
    assert error.value.code == 1 and '3 videos read, 2 written' in printed and '1 failed' in printed
    assert 'bad.mp4: Invalid data found' in printed
    # a failed one leaves nothing behind
    written = sorted(str(path.relative_to(out)) for path in out.rglob('*') if path.is_file())
    assert written == ['a.mp4', 'deep/b.mp4'] and (out / 'a.mp4').read_text() == 'a.avi'
    log = (tmp_path / 'log').read_text()
    assert "fps=3,scale='if(gt(iw,ih),-2,224)':'if(gt(iw,ih),224,-2)'" in log and '-an' in log
    (raw / 'bad.mp4').unlink()
    (tmp_path / 'log').unlink()
    (raw / 'c.mp4').write_text('c')
    compress_videos.main([str(raw), str(out), '--ffmpeg', fake_ffmpeg])
    assert '3 videos read, 1 written' in (printed := capsys.readouterr().out) and '2 already there' in printed
    assert (tmp_path / 'log').read_text().count('-i ') == 1


@pytest.mark.parametrize(
    'names, arguments, message',
    [
        (['a.mp4'], ['--ffmpeg', 'no-such-program'], "no program 'no-such-program'.*imageio-ffmpeg"),
        (['a.txt'], [], 'holds no file'),
        (['a.mp4', 'a.avi'], [], 'would both become'),
        (['a.mp4'], ['--size', '225'], 'must be even'),
    ],
)
def test_compression_that_cannot_work_is_refused(fake_ffmpeg, tmp_path, capsys, names, arguments, message):
    import re

    (tmp_path / 'raw').mkdir()
    for name in names:
        (tmp_path / 'raw' / name).write_text('x')
    with pytest.raises(SystemExit):
        compress_videos.main([str(tmp_path / 'raw'), str(tmp_path / 'out'), '--ffmpeg', fake_ffmpeg, *arguments])
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('width, height', [(320, 240), (240, 320)])
def test_ffmpeg_itself_makes_the_copies(tmp_path, width, height):
    program = shutil.which('ffmpeg')
    if program is None:
        imageio_ffmpeg = pytest.importorskip('imageio_ffmpeg')
        program = imageio_ffmpeg.get_ffmpeg_exe()
    import cv2
    import numpy as np

    os.makedirs(tmp_path / 'raw')
    writer = cv2.VideoWriter(str(tmp_path / 'raw/x.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 12, (width, height))
    for index in range(24):
        writer.write(np.full((height, width, 3), 10 * index, np.uint8))
    writer.release()
    compress_videos.main([str(tmp_path / 'raw'), str(tmp_path / 'out'), '--ffmpeg', program])
    reader = decord.VideoReader(str(tmp_path / 'out/x.mp4'))
    assert reader.get_avg_fps() == pytest.approx(3) and len(reader) == 6
    assert sorted(reader[0].shape[:2]) == [224, 298] and (reader[0].shape[0] > 224) == (height > width)
