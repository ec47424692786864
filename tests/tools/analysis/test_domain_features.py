import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.config import Config  # noqa: E402
from mmengine.registry import MODELS, init_default_scope  # noqa: E402

from tests.helpers.tiny_configs import ROOT  # noqa: E402
from tests.helpers.tools import mistake  # noqa: E402
from tools.analysis import domain_features  # noqa: E402

CONFIG = ROOT / 'configs/vdd/vdd_demo.py'


@pytest.fixture
def domains(tmp_path):
    """Noise on a dark and on a bright ground."""
    generator = np.random.default_rng(0)
    for name, ground in (('sun', 160), ('night', 30)):
        (tmp_path / name).mkdir()
        for index in range(6):
            image = (ground + generator.normal(0, 20, (64, 96, 3))).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / name / f'{index}.png'), image)
    return [f'--domain={name}={tmp_path / name}' for name in ('sun', 'night')]


def test_draws_random_and_trained_weights(domains, tmp_path, capsys):
    init_default_scope('vlplugins')
    torch.manual_seed(5)
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(CONFIG).model).state_dict()), tmp_path / 'epoch_9.pth')
    arguments = [str(CONFIG), '--checkpoints', 'none', str(tmp_path / 'epoch_9.pth'), *domains]
    arguments += ['--number', '5', '--device', 'cpu', '--out', str(tmp_path / 'figure.png')]
    domain_features.main([*arguments, '--method', 'pca', '--part', 'base'])
    printed = capsys.readouterr().out
    # What differs in brightness is told apart, whatever the weights.
    assert 'none: base, domains told apart 1.000' in printed and '10 images' in printed
    height, width = cv2.imread(str(tmp_path / 'figure.png')).shape[:2]
    assert width > 1.5 * height


def test_features_are_the_means_of_the_part(domains):
    init_default_scope('vlplugins')
    detector = domain_features.DomainAdaptiveDetInferencer(str(CONFIG), device='cpu', show_progress=False)
    paths, names = domain_features.images_of([each.partition('=')[2] for each in domains], 5)
    assert names == ['sun'] * 5 + ['night'] * 5
    found = {part: domain_features.pooled_features(detector, paths, part, size=4) for part in domain_features.PARTS}
    assert np.allclose(found['invariant'] + found['specific'], found['base'], atol=1e-5)
    alone = domain_features.pooled_features(detector, paths[7:8], 'base')
    assert np.allclose(alone[0], found['base'][7], atol=1e-5)


def test_separability_of_known_features():
    generator = np.random.default_rng(0)
    names = ['a'] * 50 + ['b'] * 50
    noise = generator.normal(size=(100, 4))
    assert 0.3 < domain_features.separability(noise, names) < 0.7
    noise[:50, 2] += 20
    assert domain_features.separability(noise, names) == 1.0


def test_mistakes_are_told(domains, tmp_path, capsys):
    base = [CONFIG, '--checkpoints', 'none']
    assert 'expected two domains or more' in mistake(capsys, domain_features, *base, domains[0])
    assert 'expected NAME=FOLDER' in mistake(capsys, domain_features, *base, '--domain=x', domains[0])
    assert 'found 0 images' in mistake(capsys, domain_features, *base, f'--domain=x={tmp_path}', domains[0])
    missing = [CONFIG, '--checkpoints', 'x.pth', *domains]
    assert 'no such checkpoint: x.pth' in mistake(capsys, domain_features, *missing)
    plain = ROOT / 'configs/examples/mmdet-scope_custom-imports.py'
    assert 'divides no map' in mistake(capsys, domain_features, plain, '--checkpoints', 'none', *domains)
