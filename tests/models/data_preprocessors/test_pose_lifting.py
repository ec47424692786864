import torch

from vlplugins.registry import MODELS
from vlplugins.structures.pose_lifting_data_sample import PoseLiftingDataSample


def sample(index):
    return PoseLiftingDataSample(
        gt_keypoints_3d=torch.full((16, 3), float(index)),
        weight=torch.tensor(1.0 + index),
        is_generated=torch.tensor(index == 1),
    )


def preprocess(**data):
    return MODELS.build(dict(type='PoseLiftingDataPreprocessor'))(data, True)


def test_a_batch_is_stacked_and_samples_stay_as_they_are():
    inputs = [torch.arange(32.0).reshape(16, 2), torch.zeros(16, 2, dtype=torch.float64)]
    samples = [sample(0), sample(1)]
    batch = preprocess(inputs=inputs, data_samples=samples)
    # Joints one after the other, x before y, as the channels of a temporal network.
    assert batch['inputs'].shape == (2, 32, 1) and batch['inputs'].dtype == torch.float32
    assert batch['inputs'][0, :, 0].tolist() == list(range(32))
    assert batch['targets']['keypoints_3d'][:, 3, 1].tolist() == [0, 1]
    assert batch['targets']['weight'].tolist() == [1, 2] and batch['targets']['is_generated'].tolist() == [False, True]
    assert batch['data_samples'] is samples


def test_there_are_no_targets_where_a_pose_in_space_is_missing():
    inputs = torch.zeros(2, 16, 2)
    assert preprocess(inputs=inputs)['targets'] is None
    unknown = [sample(0), PoseLiftingDataSample()]
    assert preprocess(inputs=inputs, data_samples=unknown)['targets'] is None
