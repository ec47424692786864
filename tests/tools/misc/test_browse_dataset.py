import cv2
import numpy as np
import pytest

from tests.helpers.tiny_configs import ROOT, write_probe_config, write_slimclr_config
from tests.helpers.tools import mistake
from tools.misc import browse_dataset


def pictures(folder):
    return [cv2.imread(str(path)) for path in sorted(folder.glob('*.png'))]


def browse(config, out, *arguments):
    browse_dataset.main([str(config), '--out-dir', str(out), *arguments])
    return pictures(out)


def test_views_are_drawn_side_by_side_and_follow_the_seed(tmp_path, capsys):
    config = write_slimclr_config(tmp_path)
    first, again, other = (
        browse(config, tmp_path / name, '--number', '2', '--start', '3', '--seed', seed)
        for name, seed in (('a', '0'), ('b', '0'), ('c', '1'))
    )
    assert [path.name for path in sorted((tmp_path / 'a').iterdir())] == ['train_000003.png', 'train_000004.png']
    assert '2 pictures' in capsys.readouterr().out
    # Two views: about twice as wide as high.
    assert first[0].shape[1] > 1.5 * first[0].shape[0]
    assert all(np.array_equal(one, two) for one, two in zip(first, again))
    assert not np.array_equal(first[0], other[0])


def test_labels_are_drawn_by_the_visualizer_of_the_config(tmp_path):
    config = write_probe_config(tmp_path)
    drawn = browse(config, tmp_path / 'out', '--split', 'val', '--number', '99')
    assert len(drawn) == 6 and all(np.ptp(picture) > 100 for picture in drawn)


def test_boxes_are_drawn_by_mmdets_visualizer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = ROOT / 'configs/examples/mmdet-scope_custom-imports.py'
    (drawn,) = browse(config, tmp_path / 'out', '--number', '1')
    plain = cv2.imread(str(tmp_path / 'data/synthetic/coco_shapes/train2017/000000000001.jpg'))
    # The shape of the picture is that of the image, and boxes and names are on it (flipped or not).
    assert drawn.shape == plain.shape
    assert min(np.abs(drawn.astype(int) - side).mean() for side in (plain, plain[:, ::-1])) > 1


def test_samples_of_both_domains_are_drawn_and_named(tmp_path, monkeypatch):
    pytest.importorskip('mmdet')
    monkeypatch.chdir(tmp_path)
    config = ROOT / 'configs/vdd/vdd_demo.py'
    sizes = ['synthetic_data.num_source=2', 'synthetic_data.num_target=2', 'synthetic_data.num_test=2']
    drawn = browse(config, tmp_path / 'out', '--number', '4', '--cfg-options', *sizes)
    names = [path.name for path in sorted((tmp_path / 'out').iterdir())]
    assert names == [f'train_00000{index}_{"source" if index < 2 else "target"}.png' for index in range(4)]
    assert all(picture.shape == (64, 96, 3) for picture in drawn)


def test_captions_stand_above_images_of_the_scenes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sizes = ['synthetic_data.num_train=2', 'synthetic_data.num_test=3']
    for split, expected in (('train', ['train_000000']), ('val', ['val_grounding_000000', 'val_retrieval_000000'])):
        arguments = ['--split', split, '--number', '1', '--cfg-options', *sizes]
        drawn = browse(ROOT / 'configs/loupe/loupe_demo.py', tmp_path / split, *arguments)
        assert [path.stem for path in sorted((tmp_path / split).iterdir())] == expected
        # Above the image there is room, and dark letters in it.
        assert all(each.shape[0] > each.shape[1] and each[:15].min() < 100 for each in drawn)


def test_moments_of_sentences_are_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sizes = ['synthetic_data.num_train=3', 'synthetic_data.num_test=1']
    for split, count in (('train', 2), ('test', 3)):
        arguments = ['--split', split, '--number', str(count), '--cfg-options', *sizes]
        drawn = browse(ROOT / 'configs/visa/visa_demo.py', tmp_path / split, *arguments)
        assert len(drawn) == count and all(np.ptp(picture) > 100 for picture in drawn)


def test_statements_about_clips_are_drawn(tmp_path, monkeypatch):
    pytest.importorskip('mmdet')
    monkeypatch.chdir(tmp_path)
    sizes = [f'synthetic_data.num_{split}=1' for split in ('train', 'val', 'test')]
    (drawn,) = browse(ROOT / 'configs/ahgn/ahgn_demo.py', tmp_path / 'out', '--number', '1', '--cfg-options', *sizes)
    assert np.ptp(drawn) > 100


def test_clips_and_pairs_of_a_tracker_are_drawn(tmp_path, monkeypatch, capsys):
    pytest.importorskip('mmdet')
    monkeypatch.chdir(tmp_path)
    config = tmp_path / 'config.py'
    bases = [str(ROOT / f'configs/_base_/{name}.py') for name in ('datasets/tracking_videos', 'default_runtime')]
    config.write_text(f"_base_ = {bases}\nvisualizer = dict(type='TrackingVisualizer')\n")
    sizes = [f'synthetic_data.{name}=2' for name in ('num_train', 'num_test', 'num_mot_train', 'num_mot_test')]
    drawn = browse(config, tmp_path / 'out', '--number', '2', '--cfg-options', *sizes)
    names = [path.name for path in sorted((tmp_path / 'out').iterdir())]
    assert names == ['train_mot_000000.png', 'train_mot_000001.png', 'train_sot_000000.png', 'train_sot_000001.png']
    # Two frames beside each other, with boxes on them.
    assert all(picture.shape[1] > 1.5 * picture.shape[0] and np.ptp(picture) > 100 for picture in drawn)
    assert len(browse(config, tmp_path / 'one', '--loader', 'mot', '--number', '1', '--cfg-options', *sizes)) == 1
    assert len(browse(config, tmp_path / 'val', '--split', 'val', '--cfg-options', *sizes)) == 2
    arguments = [config, '--out-dir', tmp_path / 'x', '--loader', 'sott', '--cfg-options', *sizes]
    assert 'the loaders are sot, mot' in mistake(capsys, browse_dataset, *arguments)


def test_mistakes_are_told(tmp_path, capsys):
    config = write_slimclr_config(tmp_path)
    assert 'no such config: x.py' in mistake(capsys, browse_dataset, 'x.py')
    assert '497 samples' in mistake(capsys, browse_dataset, config, '--start', '9999', '--out-dir', tmp_path)
    assert '--start -1' in mistake(capsys, browse_dataset, config, '--start', '-1', '--out-dir', tmp_path)
    no_loader = write_slimclr_config(tmp_path, extra='val_dataloader = None\nval_cfg = None\nval_evaluator = None')
    assert 'no val_dataloader' in mistake(capsys, browse_dataset, no_loader, '--split', 'val')


def test_inputs_that_are_no_images_are_told(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = ROOT / 'configs/examples/pose-lifter_human36m.py'
    assert 'no images' in mistake(capsys, browse_dataset, config, '--out-dir', tmp_path / 'out')


@pytest.mark.parametrize('number', ['0', '-2'])
def test_no_picture_is_a_mistake(tmp_path, capsys, number):
    message = mistake(capsys, browse_dataset, write_slimclr_config(tmp_path), '--number', number)
    assert f'--number {number}' in message
