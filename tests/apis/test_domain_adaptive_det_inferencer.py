import json

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.config import Config  # noqa: E402
from mmengine.registry import MODELS, init_default_scope  # noqa: E402

from tests.helpers.tiny_configs import ROOT  # noqa: E402
from tools import infer  # noqa: E402
from vlplugins.apis import DomainAdaptiveDetInferencer  # noqa: E402

CONFIG = ROOT / 'configs/vdd/vdd_demo.py'


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('detector')
    init_default_scope('vlplugins')
    cfg = Config.fromfile(CONFIG)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    meta = dict(dataset_meta=dict(classes=('bus', 'car', 'truck')))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), folder / 'weights.pth')
    images = np.random.default_rng(0).integers(0, 255, (2, 72, 96, 3)).astype(np.uint8)
    for index, image in enumerate(images):
        cv2.imwrite(str(folder / f'{index}.png'), image)
    return folder, images


def test_files_and_arrays_give_the_same_boxes_in_their_own_pixels(files):
    folder, images = files
    inferencer = DomainAdaptiveDetInferencer(
        CONFIG, str(folder / 'weights.pth'), score_threshold=0.0, device='cpu', show_progress=False
    )
    by_path = inferencer([str(folder / '0.png'), str(folder / '1.png')], batch_size=2)['predictions']
    by_array = inferencer(list(images), batch_size=2)['predictions']
    assert [each['boxes'] for each in by_path] == [each['boxes'] for each in by_array]
    boxes = by_path[0]['boxes']
    assert boxes and by_path[0]['img_path'].endswith('0.png')
    # The image was resized to a short side of 64; the boxes are in its 72 x 96 pixels, up to rounding.
    assert all(0 <= box['bbox'][2] <= 96 + 1e-3 and 0 <= box['bbox'][3] <= 72 + 1e-3 for box in boxes)
    assert boxes[0]['score'] == max(box['score'] for box in boxes)
    assert boxes[0]['class_name'] == ('bus', 'car', 'truck')[boxes[0]['label']]
    inferencer.score_threshold = 1.0
    assert inferencer(str(folder / '0.png'))['predictions'][0]['boxes'] == []


def test_command_line_draws_boxes_and_parts(files, tmp_path):
    folder, _ = files
    arguments = [CONFIG, folder / 'weights.pth', folder / '0.png', '--device', 'cpu', '--out-dir', tmp_path, '--parts']
    infer.main([str(each) for each in [*arguments, '--score-threshold', 0.2]])
    assert len(json.loads((tmp_path / 'predictions.json').read_text())) == 1
    (picture,) = (tmp_path / 'pictures').glob('*.png')
    height, width = cv2.imread(str(picture)).shape[:2]
    assert width > 2 * height


def test_mmdets_own_inferencer_takes_the_model(files, tmp_path):
    from mmdet.apis import DetInferencer

    folder, images = files
    cfg = Config.fromfile(CONFIG)
    # It looks for the pipeline of one set.
    cfg.test_dataloader.dataset = cfg.test_dataloader.dataset.datasets[0]
    try:
        theirs = DetInferencer(cfg, str(folder / 'weights.pth'), device='cpu', scope='vlplugins', show_progress=False)
        found = theirs(images[0], pred_score_thr=0.0)['predictions'][0]
    finally:
        init_default_scope('vlplugins')
    ours = DomainAdaptiveDetInferencer(
        CONFIG, str(folder / 'weights.pth'), score_threshold=0.0, device='cpu', show_progress=False
    )
    boxes = ours(images[0])['predictions'][0]['boxes']
    assert np.allclose([box['score'] for box in boxes], found['scores'], atol=1e-5)
    assert np.allclose([box['bbox'] for box in boxes], found['bboxes'], atol=1e-3)
