"""The READMEs: their Python runs, their commands name files and arguments that exist, the metafiles name configs."""

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from tests.helpers.skeletons import person
from vlplugins.datasets.synthetic.skeleton_files import format_skeleton_file
from vlplugins.utils.word_vectors import write_word_vectors

ROOT = Path(__file__).resolve().parents[1]
READMES = sorted(ROOT.glob('configs/*/README.md'))
IDS = [path.parent.name for path in READMES]
METHODS = [path for path in READMES if (path.parent / 'metafile.yml').is_file()]


def code_blocks(path, language):
    return re.findall(rf'```{language}\n(.*?)```', path.read_text(), re.DOTALL)


def make_checkpoint(path, block):
    """A checkpoint of the config that the block names, as its initialisation leaves it."""
    cfg = Config.fromfile(re.search(r"'(configs/\S+\.py)'", block).group(1))
    init_default_scope('vlplugins')
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict(), meta=dict()), path)


def make_image(path, block):
    cv2.imwrite(str(path), np.arange(64, dtype=np.uint8).reshape(8, 8))


def make_video(path, block):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 5, (64, 64))
    for value in range(0, 240, 20):
        writer.write(np.full((64, 64, 3), value, np.uint8))
    writer.release()


def make_skeletons(path, block):
    path.write_text(format_skeleton_file([person(40)]))


def make_subtitles(path, block):
    path.write_text(
        '1\n00:00:01,000 --> 00:00:02,500\nWhere are they?\n\n2\n00:00:03,000 --> 00:00:04,000\nI am so glad!\n'
    )


def make_features(path, block):
    np.save(path, np.random.default_rng(0).standard_normal((40, 1024)).astype(np.float32))


def make_words(path, block):
    """Only what the text calls the words; other .npz files are what it writes."""
    if path.name == 'words.npz':
        write_word_vectors(path, ['person', 'opens', 'the', 'door'], np.eye(4, 300))


def make_vocabulary(path, block):
    path.write_text('\n'.join('[PAD] [UNK] [CLS] [SEP] a red plain striped block'.split()) + '\n')


MAKERS = {
    '.txt': make_vocabulary,
    '.npy': make_features,
    '.npz': make_words,
    '.srt': make_subtitles,
    '.skeleton': make_skeletons,
    '.pth': make_checkpoint,
    '.png': make_image,
    '.jpg': make_image,
    '.mp4': make_video,
}


@pytest.mark.parametrize('path', METHODS, ids=[path.parent.name for path in METHODS])
def test_python_of_a_readme_runs(path, tmp_path, monkeypatch):
    """In a folder that has the configs and small files under the names that the text uses."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    blocks = code_blocks(path, 'python')
    assert blocks
    for block in blocks:
        for name in re.findall(r"'([^']+\.\w+)'", block):
            maker = MAKERS.get(Path(name).suffix)
            if maker and not (tmp_path / name).exists():
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                maker(tmp_path / name, block)
        exec(compile(block, str(path), 'exec'), {'__name__': 'readme'})


def commands(path):
    for block in code_blocks(path, 'bash'):
        for line in block.replace('\\\n', ' ').splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] in ('python', 'bash'):
                yield words


@pytest.mark.parametrize('path', [ROOT / 'README.md', *READMES], ids=['main', *IDS])
def test_commands_name_files_and_arguments_that_exist(path):
    for _, tool, *arguments in commands(path):
        assert (ROOT / tool).is_file(), f'{path}: {tool}'
        text = (ROOT / tool).read_text() + (ROOT / 'vlplugins/utils/cli.py').read_text()
        text += (ROOT / 'tools/train.py').read_text() if tool.endswith('.sh') else ''
        text += (ROOT / 'vlplugins/utils/timing.py').read_text() if 'benchmark' in tool else ''
        if '.add_arguments(parser)' in text:  # those of an inferencer
            text += ''.join(each.read_text() for each in (ROOT / 'vlplugins/apis').glob('*.py'))
        for argument in arguments:
            if argument.startswith('configs/'):
                assert (ROOT / argument).exists(), f'{path}: {argument}'
            if argument.startswith('--'):
                assert f"'{argument}'" in text, f'{path}: {tool} has no {argument}'


@pytest.mark.parametrize('path', [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *READMES], ids=['main', 'c', *IDS])
def test_links_lead_somewhere(path):
    for target in re.findall(r'\]\(([^)#]+)\)', path.read_text()):
        assert target.startswith('http') or (path.parent / target).exists(), f'{path}: {target}'


def test_metafiles_name_configs_and_are_in_the_index():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    metafiles = sorted(ROOT.glob('configs/*/metafile.yml'))
    assert sorted(index) == [str(path.relative_to(ROOT)) for path in metafiles]
    for path in metafiles:
        content = yaml.safe_load(path.read_text())
        collections = {each['Name'] for each in content['Collections']}
        assert all((ROOT / each['README']).is_file() for each in content['Collections'])
        for model in content['Models']:
            assert (ROOT / model['Config']).is_file(), model['Config']
            assert Path(model['Config']).stem == model['Name'] and model['In Collection'] in collections


def test_the_ten_lines_of_the_first_screen_are_a_config_that_builds(tmp_path):
    pytest.importorskip('mmdet')
    (block,) = code_blocks(ROOT / 'README.md', 'python')
    (tmp_path / 'config.py').write_text(block)
    cfg = Config.fromfile(tmp_path / 'config.py')
    init_default_scope(cfg.default_scope)
    detector = MODELS.build(cfg.model)
    shapes = [tuple(feature.shape[1:]) for feature in detector.extract_feat(torch.zeros(1, 3, 64, 64))]
    assert shapes == [(256, side, side) for side in (16, 8, 4, 2, 1)]
    assert detector.backbone.conv1.weight.size(0) == 64 and detector.neck.lateral_convs[0].conv.in_channels == 128
