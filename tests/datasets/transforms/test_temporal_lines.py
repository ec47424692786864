import numpy as np
import pytest

from vlplugins.datasets.transforms import AddFeatureNoise, PackTemporalInputs, RandomLineDropout, TemporalCrop


def results(lines):
    """Row i of everything says i."""
    numbers = np.arange(lines)
    return dict(
        video_id='v',
        times=np.stack([numbers, numbers + 1], axis=1).astype(np.float32),
        subtitles=[str(number) for number in numbers],
        gt_labels=np.ones(2, np.float32),
        gt_segments=np.stack([numbers % 2 == 0, numbers % 3 == 0], axis=1),
        features=dict(video=np.tile(numbers[:, None], 3), text=np.tile(numbers[:, None], 2)),
        present=dict(video=True, text=True),
    )


def kept_lines(found):
    """The lines that are left, after everything has been seen to tell the same ones."""
    lines = [int(each) for each in found['subtitles']]
    for values in (found['times'][:, 0], found['features']['video'][:, 2], found['features']['text'][:, 0]):
        assert values.astype(int).tolist() == lines
    assert found['gt_segments'].tolist() == [[line % 2 == 0, line % 3 == 0] for line in lines]
    assert found['gt_labels'].sum() == 2
    return lines


def test_crop_cuts_one_window_out_of_everything():
    rng = np.random.default_rng(0)
    begins = set()
    for _ in range(200):
        lines = kept_lines(TemporalCrop(8, rng).transform(results(11)))
        assert lines == list(range(lines[0], lines[0] + 8))
        begins.add(lines[0])
    assert begins == {0, 1, 2, 3}
    assert kept_lines(TemporalCrop(8).transform(results(8))) == list(range(8))
    with pytest.raises(ValueError, match='max_lines 0'):
        TemporalCrop(0)


def test_dropout_drops_the_same_lines_of_everything():
    rng = np.random.default_rng(0)
    counts = [len(kept_lines(RandomLineDropout(0.25, 3, rng).transform(results(20)))) for _ in range(300)]
    assert np.mean(counts) == pytest.approx(15, abs=0.4) and max(counts) <= 20
    few = [len(kept_lines(RandomLineDropout(0.9, 3, rng).transform(results(5)))) for _ in range(100)]
    assert min(few) == 3
    assert len(kept_lines(RandomLineDropout(0.9, 3, rng).transform(results(2)))) == 2
    assert len(kept_lines(RandomLineDropout(0.0, 3, rng).transform(results(9)))) == 9
    with pytest.raises(ValueError, match='p 1'):
        RandomLineDropout(1)


def test_noise_leaves_absent_modalities_alone():
    clip = results(50)
    clip['present']['text'] = False
    found = AddFeatureNoise(0.1, np.random.default_rng(0)).transform(clip)
    difference = found['features']['video'] - np.arange(50)[:, None]
    assert difference.std() == pytest.approx(0.1, rel=0.2)
    assert (found['features']['text'] == np.arange(50)[:, None]).all()


def test_packing_checks_what_is_there():
    item = PackTemporalInputs().transform(results(4))
    assert item['inputs']['video'].shape == (4, 3) and bool(item['inputs']['present']['text'])
    assert item['data_samples'].gt_segments.shape == (4, 2) and item['data_samples'].video_id == 'v'
    with pytest.raises(ValueError, match="loaded \\['text', 'video'\\], not 'audio', of v"):
        PackTemporalInputs(feature_keys=('audio',)).transform(results(4))
    wrong = results(4)
    wrong['features']['text'] = np.zeros((3, 2))
    with pytest.raises(ValueError, match='text has 3 rows, times 4'):
        PackTemporalInputs().transform(wrong)
