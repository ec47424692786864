import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from vlplugins.datasets import MSRVTTRetrievalDataset, MSVDRetrievalDataset
from vlplugins.datasets.synthetic.flash_videos import FLASH_COLORS, SyntheticFlashVideos
from vlplugins.datasets.transforms.video import LoadVideoFrames, OpenVideo, SegmentFrameSample

COLORS = np.array(list(FLASH_COLORS.values()), dtype=float)
NAMES = list(FLASH_COLORS)


def records(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def frames_of(record):
    results = LoadVideoFrames()(SegmentFrameSample(6, test_mode=True)(OpenVideo()(dict(record))))
    assert results['total_frames'] == 6
    return np.stack(results['imgs']).astype(float)


def read_flashes(frames, grid=4):
    """Flashes found without the truth: cells whose middle is far from the grey of the background."""
    cell = frames.shape[1] // grid
    found = []
    for frame, row, column in np.ndindex(len(frames), grid, grid):
        y, x = row * cell + cell // 4, column * cell + cell // 4
        color = frames[frame, y : y + cell // 2, x : x + cell // 2].mean(axis=(0, 1))
        if np.abs(color - 128).max() > 50:
            found.append([frame, row, column, NAMES[int(np.square(COLORS - color).sum(axis=1).argmin())]])
    return found


@pytest.fixture(scope='module', params=['msrvtt', 'msvd', 'frames'])
def flash(request, tmp_path_factory):
    init_default_scope('vlplugins')
    layout = 'msvd' if request.param == 'msvd' else 'msrvtt'
    root = tmp_path_factory.mktemp('flash') / 'set'
    generator = SyntheticFlashVideos(
        str(root),
        layout,
        num_train=12,
        num_test=20,
        num_val=4,
        captions_per_video=3,
        as_frames=request.param == 'frames',
    )
    return generator.prepare(), layout


def load(root, layout, split):
    arguments = dict(data_root=str(root), data_prefix=dict(video='videos'), test_mode=split == 'test')
    if layout == 'msvd':
        return MSVDRetrievalDataset(ann_file='raw-captions.pkl', split_file=f'{split}_list.txt', **arguments)
    if split == 'test':
        return MSRVTTRetrievalDataset(split_file='MSRVTT_JSFUSION_test.csv', **arguments)
    return MSRVTTRetrievalDataset(ann_file='MSRVTT_data.json', split_file='MSRVTT_train.9k.csv', **arguments)


def test_flashes_survive_the_codec_and_stand_in_the_caption(flash):
    root, layout = flash
    truth = json.loads((root / 'flashes.json').read_text())
    for record in records(load(root, layout, 'test')):
        flashes = read_flashes(frames_of(record))
        assert flashes == truth[record['video_id']]
        assert [frame // 2 for frame, *_ in flashes] == [0, 1, 2]
        for text in record['text']:
            named = [name for name in NAMES if f'a {name} light' in text]
            assert sorted(named) == sorted(color for *_, color in flashes) and text.count(' light') == 3


def test_splits_have_their_sizes_and_test_videos_their_own_colours(flash):
    root, layout = flash
    train, test = records(load(root, layout, 'train')), records(load(root, layout, 'test'))
    assert len(train) == 12 * 3 and len(test) == 20
    assert {len(record['text']) for record in test} == ({3} if layout == 'msvd' else {1})
    assert not {r['video_id'] for r in train} & {r['video_id'] for r in test}
    triples = {tuple(sorted(name for name in NAMES if name in record['text'][0])) for record in test}
    assert len(triples) == 20


def test_nothing_but_the_flashes_tells_the_colours():
    # Order of the words against order of the flashes: the first word is the first flash in a third of the videos.
    rng = np.random.default_rng(0)
    generator = SyntheticFlashVideos('unused')
    agree, cells, moments = 0, [], []
    for triple in generator._draw_triples(600, rng):
        flashes = generator._draw_flashes(triple, rng)
        agree += generator._caption(triple, rng).split()[1] == flashes[0][3]
        cells += [row * 4 + column for _, row, column, _ in flashes]
        moments += [frame for frame, *_ in flashes]
    # 5 standard deviations around 200, and counts near the uniform ones
    assert abs(agree - 200) < 58
    assert np.bincount(cells, minlength=16).min() > 70 and np.bincount(moments, minlength=6).min() > 240


def test_seed_and_arguments_decide(tmp_path):
    def digest(name, **arguments):
        root = SyntheticFlashVideos(
            str(tmp_path / name), num_train=2, num_test=3, as_frames=True, **arguments
        ).prepare()
        return [path.read_bytes() for path in sorted(Path(root).rglob('*.png'))]

    assert digest('a') == digest('b') != digest('c', seed=1)


@pytest.mark.parametrize(
    'arguments', [dict(layout='x'), dict(num_frames=5), dict(size=63), dict(num_test=221), dict(num_test=0)]
)
def test_sizes_that_do_not_fit_are_refused(arguments):
    with pytest.raises(ValueError):
        SyntheticFlashVideos('unused', **arguments)


def test_labels_name_the_color_in_the_middle(flash):
    root, layout = flash
    if layout == 'msvd':
        assert not list(Path(root).glob('middle_color_*'))
        return
    truth = json.loads((Path(root) / 'flashes.json').read_text())
    lines = [line for split in ('train', 'test') for line in (Path(root) / f'middle_color_{split}.txt').open()]
    assert len(lines) == 32
    for line in lines:
        name, label = line.split()
        middle = [color for frame, _, _, color in truth[Path(name).stem] if frame in (2, 3)]
        assert [NAMES[int(label)]] == middle
