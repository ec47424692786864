import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from tests.helpers.records import refused
from tests.helpers.tiny_configs import ROOT
from tools import infer
from vlplugins.apis import TextVideoRetrievalInferencer
from vlplugins.datasets.synthetic.flash_videos import SyntheticFlashVideos
from vlplugins.registry import MODELS
from vlplugins.utils.cli import load_config

CONFIG = f"""
_base_ = [{str(ROOT / 'configs/_base_/datasets/flash_videos.py')!r}]
default_scope = 'vlplugins'
model = dict(
    type='TextVideoRetriever',
    data_preprocessor={{{{_base_.data_preprocessor}}}},
    video_encoder=dict(
        type='CLIPVisionTransformer',
        img_size=32,
        patch_size=8,
        width=32,
        layers=1,
        heads=2,
        out_dim=16,
        num_frames=6,
        token_reducers=[dict(type='TokenClustering', after_block=0, num_segments=3, num_centers=8)],
    ),
    text_encoder=dict(type='CLIPTextTransformer', width=32, layers=1, heads=2, out_dim=16),
)
visualizer = dict(type='TokenClusterVisualizer')
inferencer = dict(type='TextVideoRetrievalInferencer', show_progress=False)
"""


@pytest.fixture(scope='module')
def setup(tmp_path_factory):
    """Config, checkpoint, and a folder with five videos."""
    init_default_scope('vlplugins')
    folder = tmp_path_factory.mktemp('retrieval')
    (folder / 'config.py').write_text(CONFIG)
    cfg = Config.fromfile(folder / 'config.py')
    torch.manual_seed(0)
    torch.save(MODELS.build(cfg.model).state_dict(), folder / 'weights.pth')
    SyntheticFlashVideos(str(folder / 'set'), num_train=4, num_test=1).prepare()
    return str(folder / 'config.py'), str(folder / 'weights.pth'), folder / 'set/videos'


@pytest.fixture
def videos(setup, tmp_path):
    return shutil.copytree(setup[2], tmp_path / 'videos')


@pytest.fixture
def inferencer(setup):
    return TextVideoRetrievalInferencer(*setup[:2], show_progress=False, device='cpu')


def counted(inferencer, monkeypatch):
    encoded, encode = [], inferencer.model.encode_videos
    monkeypatch.setattr(inferencer.model, 'encode_videos', lambda i, m: encoded.append(len(i)) or encode(i, m))
    return encoded


def test_scores_are_the_cosines_of_the_model(inferencer, videos):
    gallery = inferencer.index(str(videos), batch_size=2)
    assert len(gallery) == 5 and [name.rsplit('/')[-1] for name in gallery.names][0] == 'video0.mp4'
    found = inferencer.search('a red light', topk=3)
    assert len(found) == 3 and [each['score'] for each in found] == sorted((e['score'] for e in found), reverse=True)
    text = inferencer.pipeline('a red light')['inputs']['text_ids'][None]
    expected = []
    for path in sorted(map(str, videos.iterdir())):
        item = inferencer.video_pipeline(dict(video_path=path))['inputs']
        imgs = inferencer.model.data_preprocessor(dict(inputs=dict(imgs=item['imgs'][None])))['inputs']['imgs']
        with torch.no_grad():
            score = inferencer.model.encode_texts(text) @ inferencer.model.encode_videos(imgs).T
        expected.append((float(score), path))
    for each, (score, path) in zip(found, sorted(expected, reverse=True)):
        assert each['video'] == path and each['score'] == pytest.approx(score, abs=1e-5)
    json.dumps(found)
    several = inferencer.search(['a red light', 'a blue light'], topk=50)
    assert [len(each) for each in several] == [5, 5]
    assert [each['video'] for each in several[0]][:3] == [each['video'] for each in found]


@pytest.mark.parametrize('kind', ['flat', 'ivf'])
def test_faiss_finds_what_is_found_without_it(setup, videos, kind):
    results = []
    for index in ('exact', kind):
        inferencer = TextVideoRetrievalInferencer(*setup[:2], gallery=str(videos), index=index, show_progress=False)
        results.append(inferencer.search('a red light'))
    assert [each['video'] for each in results[0]] == [each['video'] for each in results[1]]
    assert np.allclose(*[[each['score'] for each in found] for found in results], atol=1e-6)


def test_a_gallery_is_kept_and_only_new_or_changed_videos_are_encoded(inferencer, videos, tmp_path, monkeypatch):
    out, encoded = str(tmp_path / 'gallery.npz'), counted(inferencer, monkeypatch)
    inferencer.index(str(videos), out=out)
    before = inferencer.search('a red light')
    assert sum(encoded) == 5
    inferencer.index(str(videos), out=out)
    assert sum(encoded) == 5 and inferencer.search('a red light') == before
    shutil.copy(videos / 'video0.mp4', videos / 'video9.mp4')
    (videos / 'video1.mp4').unlink()
    shutil.copyfile(videos / 'video3.mp4', videos / 'video2.mp4')
    gallery = inferencer.index(str(videos), out=out)
    assert sum(encoded) == 7 and [name[-10:-4] for name in gallery.names] == [f'video{i}' for i in (0, 2, 3, 4, 9)]
    features = dict(zip(gallery.names, gallery.features))
    assert np.allclose(features[str(videos / 'video0.mp4')], features[str(videos / 'video9.mp4')], atol=1e-6)
    assert np.allclose(features[str(videos / 'video2.mp4')], features[str(videos / 'video3.mp4')], atol=1e-6)


def test_an_interrupted_gallery_goes_on(inferencer, videos, tmp_path, monkeypatch):
    out, encode = str(tmp_path / 'gallery.npz'), inferencer.model.encode_videos
    calls = []

    def fail(imgs, mask):
        calls.append(len(imgs))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return encode(imgs, mask)

    monkeypatch.setattr(inferencer.model, 'encode_videos', fail)
    with pytest.raises(KeyboardInterrupt):
        inferencer.index(str(videos), out=out, batch_size=1)
    calls.clear()
    monkeypatch.setattr(inferencer.model, 'encode_videos', lambda i, m: calls.append(len(i)) or encode(i, m))
    assert len(inferencer.index(str(videos), out=out, batch_size=1)) == 5 and sum(calls) == 3


def test_a_gallery_of_another_model_is_refused(setup, inferencer, videos, tmp_path):
    out = str(tmp_path / 'gallery.npz')
    inferencer.index(str(videos), out=out)
    same = TextVideoRetrievalInferencer(*setup[:2], gallery=out, show_progress=False)
    assert same.search('a red light') == inferencer.search('a red light')
    state = torch.load(setup[1])
    state['video_encoder.proj'] += 1e-3
    torch.save(state, tmp_path / 'other.pth')
    with refused('gallery.npz: found features of another model'):
        TextVideoRetrievalInferencer(setup[0], str(tmp_path / 'other.pth'), gallery=out)
    cfg = load_config(setup[0])
    cfg.num_frames = 3
    for transform in cfg.test_dataloader.dataset.pipeline:
        if transform.type == 'mmaction.Resize':
            transform.interpolation = 'bilinear'
    with refused('another model'):
        TextVideoRetrievalInferencer(cfg, setup[1], gallery=out)


def test_corrupt_videos_stop_or_are_named_and_counted(inferencer, videos):
    broken = videos / 'video1.mp4'
    broken.write_bytes(broken.read_bytes()[:300])
    with refused('video1.mp4.*300 bytes'):
        inferencer.index(str(videos))
    with pytest.warns(UserWarning, match='video1.mp4.*300 bytes'):
        gallery = inferencer.index(str(videos), skip_bad=True)
    assert len(gallery) == 4 and inferencer.skipped.total == 1 and 'video1.mp4' in inferencer.skipped.summary()
    with pytest.warns(UserWarning), pytest.raises(ValueError, match='no video that can be read among 1'):
        inferencer.index([str(broken)], skip_bad=True)


def test_mistakes_of_a_user_are_named(inferencer, videos, tmp_path):
    with pytest.raises(ValueError, match='no gallery'):
        inferencer.search('x')
    with pytest.raises(FileNotFoundError, match='absent'):
        inferencer.index(str(tmp_path / 'absent'))
    with pytest.raises(FileNotFoundError, match='no such gallery'):
        inferencer.open_gallery(str(tmp_path / 'absent.npz'))
    inferencer.index(str(videos))
    for texts in (3, [], ['a', None]):
        with pytest.raises((ValueError, TypeError)):
            inferencer.search(texts)
    with pytest.raises(ValueError, match='topk 0'):
        inferencer.search('x', topk=0)


def test_kept_patches_are_those_of_the_first_clustering(inferencer, videos, tmp_path):
    frames, kept = inferencer.kept_patches(videos / 'video0.mp4')
    assert frames.shape == (6, 32, 32, 3) and frames.dtype == np.uint8 and kept.shape == (6, 4, 4)
    # 8 centres in each segment of two frames
    assert kept.reshape(3, -1).sum(axis=1).tolist() == [8, 8, 8]
    layer = inferencer.model.video_encoder.token_reducers[0]
    places = [np.flatnonzero(segment).tolist() for segment in kept.reshape(3, -1)]
    assert places == layer.last_medoids.tolist() and not layer.record
    picture = inferencer.draw_kept_patches(videos / 'video0.mp4', str(tmp_path / 'kept.png'))
    assert np.array_equal(cv2.imread(str(tmp_path / 'kept.png'))[..., ::-1], picture)


def test_the_command_line_indexes_searches_and_draws(setup, videos, tmp_path, capsys):
    arguments = [setup[0], setup[1], 'a red light', 'two, lights', '--gallery', str(videos), '--topk', '2']
    infer.main([*arguments, '--kept-patches', '--out-dir', str(tmp_path / 'out'), '--device', 'cpu'])
    predictions = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert [each['text'] for each in predictions] == ['a red light', 'two, lights']
    assert all(len(each['results']) == 2 for each in predictions)
    assert len(list((tmp_path / 'out/pictures').glob('*.png'))) == 2
    found = {Path(result['video']).stem for each in predictions for result in each['results']}
    kept = sorted((tmp_path / 'out/pictures/kept').glob('*.png'))
    assert {path.stem[7:] for path in kept} == found and cv2.imread(str(kept[0])).std() > 10
    infer.main([*arguments[:3], '--gallery', str(tmp_path / 'out/gallery.npz'), '--device', 'cpu'])
    assert predictions[0]['results'][0]['video'] in capsys.readouterr().out.replace('\n', '')
    with pytest.raises(SystemExit):
        infer.main([*arguments[:3], '--device', 'cpu'])
    assert 'give --gallery' in capsys.readouterr().err
    with pytest.raises(SystemExit) as error:
        infer.main([setup[0], '--help'])
    assert error.value.code == 0 and '--gallery-out' in capsys.readouterr().out
