import pickle

import numpy as np
import pytest

from tests.helpers.records import refused
from tests.helpers.skeletons import person
from vlplugins.datasets import SkeletonActionDataset
from vlplugins.utils.safe_pickle import UnsafePickleError


def annotation(name, label=0, keypoint=None, **items):
    keypoint = person(6)[None].astype(np.float16) if keypoint is None else keypoint
    return dict(frame_dir=name, label=label, total_frames=6, keypoint=keypoint, **items)


def content(*annotations, **splits):
    annotations = list(annotations) or [annotation(f'c{i}', i % 3) for i in range(6)]
    return dict(split=splits or dict(train=['c0', 'c1', 'c2'], val=['c3']), annotations=annotations)


def load(tmp_path, data, **kwargs):
    path = tmp_path / 'set.pkl'
    path.write_bytes(pickle.dumps(data))
    return SkeletonActionDataset(ann_file=str(path), **kwargs)


def test_reads_a_split_as_pose_dataset_does(tmp_path):
    pytest.importorskip('mmaction')
    from mmaction.datasets import PoseDataset

    ours = load(tmp_path, content(), split='train')
    theirs = PoseDataset(str(tmp_path / 'set.pkl'), pipeline=[], split='train')
    assert len(ours) == len(theirs) == 3
    one, other = ours.get_data_info(1), theirs.get_data_info(1)
    assert set(other) <= set(one) | {'sample_idx'} and one['modality'] == other['modality'] == 'Pose'
    np.testing.assert_array_equal(one['keypoint'], other['keypoint'])
    assert len(load(tmp_path, content())) == 6 and len(load(tmp_path, content()['annotations'])) == 6


def test_the_pickle_of_mmaction2_is_trained_on_by_both_sides(tmp_path):
    """Its transforms read our dataset, ours read its dataset."""
    pytest.importorskip('mmaction')
    from mmaction.datasets import PoseDataset
    from mmengine.registry import init_default_scope

    init_default_scope('vlplugins')
    theirs = [
        dict(type='mmaction.PreNormalize3D'),
        dict(type='mmaction.GenSkeFeat', dataset='nturgb+d', feats=['j']),
        dict(type='mmaction.UniformSampleFrames', clip_len=4),
        dict(type='mmaction.PoseDecode'),
        dict(type='mmaction.FormatGCNInput', num_person=2),
        dict(type='mmaction.PackActionInputs'),
    ]
    ours = [
        dict(type='SanitizeSkeleton'),
        dict(type='BodyFrameNormalize'),
        dict(type='KeyFrameEnhance', length=4),
        dict(type='KeyJointEnhance'),
        dict(type='SkeletonImageEncode', streams=('key',)),
        dict(type='mmaction.PackActionInputs', meta_keys=('frame_dir',)),
    ]
    item = load(tmp_path, content(), split='train', pipeline=theirs)[0]
    assert item['inputs'].shape == (1, 2, 4, 25, 3)
    item = PoseDataset(str(tmp_path / 'set.pkl'), pipeline=ours, split='train')[0]
    assert item['inputs'].shape == (1, 1, 15, 4, 25) and item['data_samples'].frame_dir == 'c0'


def test_named_steps_are_a_pipeline(tmp_path):
    steps = dict(clean=dict(type='SanitizeSkeleton'), nothing=None, pad=dict(type='PadPersons', num_person=3))
    assert load(tmp_path, content(), pipeline=steps)[0]['keypoint'].shape == (3, 6, 25, 3)


def test_missing_and_empty_records_are_counted(tmp_path):
    data = content(*[annotation(f'c{i}') for i in range(4)], annotation('empty', keypoint=np.zeros((1, 6, 25, 3))))
    data['split'] = dict(train=['c0', 'c1', 'c2', 'c3', 'empty', 'gone'])
    dataset = load(tmp_path, data, split='train', max_drop=0.5)
    assert len(dataset) == 4 and dataset.left_out.total == 2
    with refused(r'4 usable records, 2 skeleton records skipped.*gone.*at most 1%'):
        load(tmp_path, data, split='train')


@pytest.mark.parametrize(
    'bad, text',
    [
        (annotation('c0', 7), 'label 7; expected a whole number below 5'),
        (annotation('c0', keypoint=person(6)), r'add the axis of persons'),
        (annotation('c0', keypoint=np.ones((1, 6, 17, 3))), '17 joints.*25 joints'),
        (annotation('c0', keypoint=np.ones((1, 6, 25, 2))), '2 coordinates'),
        (annotation('c0', keypoint=np.ones((1, 0, 25, 3))[:, :0]), None),
    ],
)
def test_bad_records_are_told_by_name(tmp_path, bad, text):
    if text is None:
        # mmaction2's converter writes such clips: (0, T, 25, 3) or no frame.
        with refused('without anybody'):
            load(tmp_path, content(bad, train=['c0']), split='train', num_classes=5)
        return
    with refused(f'record c0.*{text}'):
        load(tmp_path, content(bad, train=['c0']), split='train', num_classes=5)


def test_other_bad_files_are_told(tmp_path):
    with refused(r"no split 'test'; expected one of 2: train, val"):
        load(tmp_path, content(), split='test')
    with refused('second annotation'):
        load(tmp_path, content(annotation('c0'), annotation('c0'), train=['c0']), split='train')
    with refused('no such file'):
        SkeletonActionDataset(ann_file=str(tmp_path / 'none.pkl'))
    with refused('dict'):
        load(tmp_path, [1], split='train')


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ('run',)

    with pytest.raises(UnsafePickleError):
        load(tmp_path, Evil())
