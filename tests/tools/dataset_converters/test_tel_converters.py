import json

import numpy as np
import pytest

from tests.helpers.tel import boundary_content, train_content, write
from tests.helpers.tools import mistake
from tools.dataset_converters import extract_tel_text, extract_tel_video, tel
from vlplugins.datasets import TELDataset
from vlplugins.datasets.formats.tel_annotations import TELFile

CLIP = 'scene-001.ss-0001.es-0002'


@pytest.fixture
def files(tmp_path):
    return dict(
        train=write(tmp_path / 'train.json', train_content()), test=write(tmp_path / 'test.json', boundary_content())
    )


def test_converted_files_give_the_records_of_the_released_ones(files, tmp_path, capsys):
    arguments = ['--train', files['train'], '--test', files['test'], '--out', str(tmp_path / 'out'), '--validate']
    tel.main(arguments)
    printed = capsys.readouterr().out
    assert '1 clips, 4 lines' in printed and 'note: the released train.json has' in printed and 'written' in printed
    for split, test_mode in (('train', False), ('test', True)):
        options = dict(modalities=(), test_mode=test_mode)
        one = TELDataset(ann_file=files[split], **options).get_data_info(0)
        two = TELDataset(ann_file=str(tmp_path / f'out/tel_{split}.json'), **options).get_data_info(0)
        assert one.keys() == two.keys()
        for key, value in one.items():
            np.testing.assert_array_equal(value, two[key], err_msg=key)
    content = json.loads((tmp_path / 'out/tel_test.json').read_text())
    assert content['data_list'][0]['clean_subtitles'] == ['Hi.', 'No!', '', 'Go.']
    assert content['data_list'][0]['segments'] == dict(aversion=[1, 3])
    tel.main(arguments)
    assert capsys.readouterr().out.count('is up to date') == 2


def test_mistakes_of_the_converter_are_told(files, tmp_path, capsys):
    assert 'give --train, --test' in mistake(capsys, tel, '--out', tmp_path)
    assert 'no such annotations' in mistake(capsys, tel, '--train', tmp_path / 'none.json', '--out', tmp_path)
    wrong = boundary_content()
    wrong['tt02'][CLIP]['emo']['aversion ']['time'] = ['00:00:00.000-->00:00:01.500'] * 2
    write(tmp_path / 'wrong.json', wrong)
    message = mistake(capsys, tel, '--test', tmp_path / 'wrong.json', '--out', tmp_path, '--validate')
    assert f'tt02/{CLIP}' in message and 'the times of its lines' in message


def test_text_features_are_one_file_for_each_film(files, tmp_path, capsys):
    arguments = ['--ann-file', *files.values(), '--out', str(tmp_path / 'f'), '--cache', str(tmp_path / 'c.npz')]
    extract_tel_text.main([*arguments, '--encoder', 'hash', '--dim', '32'])
    printed = capsys.readouterr().out
    assert '2 films, 2 clips, 8 lines, 4 sentences, 2 blank' in printed
    for film in ('tt01', 'tt02'):
        with np.load(tmp_path / f'f/{film}.npz') as arrays:
            assert arrays[CLIP].shape == (4, 32) and arrays[CLIP].dtype == np.float16
            assert not arrays[CLIP][2].any()


def test_snippets_are_averaged_over_lines_by_a_loop():
    rng = np.random.default_rng(0)
    snippets, centres = rng.random((20, 3)), np.arange(20) + 0.5
    times = np.array([[0.0, 3.0], [2.6, 2.9], [4.5, 4.5], [18.0, 40.0]])
    found = extract_tel_video.average_over_lines(snippets, centres, times)
    for (start, end), row in zip(times, found):
        inside = [s for s, c in zip(snippets, centres) if start <= c <= end]
        nearest = snippets[np.abs(centres - (start + end) / 2).argmin()]
        np.testing.assert_allclose(row, np.mean(inside, axis=0) if inside else nearest, atol=1e-6)


def test_video_features_follow_the_offset_of_a_clip(files, tmp_path, capsys):
    (tmp_path / 'films').mkdir()
    snippets = np.arange(100, dtype=np.float32)[:, None].repeat(2, axis=1)
    np.save(tmp_path / 'films/tt01.npy', snippets)
    write(tmp_path / 'offsets.json', {f'tt01/{CLIP}': 50.0})
    common = ['--ann-file', *files.values(), '--features', str(tmp_path / 'films')]
    common += ['--offsets', str(tmp_path / 'offsets.json'), '--out', str(tmp_path / 'f'), '--fps', '25']
    extract_tel_video.main([*common, '--stride', '25'])
    assert '2 clips read, 1 written' in capsys.readouterr().out
    with np.load(tmp_path / 'f/tt01.npz') as arrays:
        # Lines begin at 50, 52, ... and take 1.5 s; snippet k has its centre at k + 0.5.
        assert arrays[CLIP][:, 0].tolist() == [50.5, 52.5, 54.5, 56.5]
    assert 'must be positive' in mistake(capsys, extract_tel_video, *common, '--stride', '0')
    write(tmp_path / 'offsets.json', {f'tt01/{CLIP}': 5000.0})
    message = mistake(capsys, extract_tel_video, *common, '--stride', '25')
    assert 'tt01.npy' in message and 'a clip at 5000 s' in message


def test_converted_files_keep_everything_that_the_report_counts(files, tmp_path):
    tel.main(['--test', files['test'], '--out', str(tmp_path / 'out')])
    one, two = TELFile(files['test'], True), TELFile(tmp_path / 'out/tel_test.json', True)
    assert one.report['lines'] == two.report['lines'] == 4 and two.metainfo['split'] == 'test'
