import pytest
import torch

from vlplugins.models.data_preprocessors import SelfSupDataPreprocessor


def test_images_are_stacked_reversed_and_normalised_by_hand():
    image = torch.tensor([10, 20, 30], dtype=torch.uint8)[:, None, None].expand(3, 1, 1)
    preprocessor = SelfSupDataPreprocessor(mean=[30.0, 10.0, 0.0], std=[1.0, 2.0, 5.0], bgr_to_rgb=True)
    prepared = preprocessor(dict(inputs=[image, image]))
    assert prepared['inputs'].flatten(1).tolist() == [[0.0, 5.0, 2.0]] * 2 and prepared['data_samples'] is None


def test_views_are_prepared_one_by_one():
    views = [torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.ones(2, 1, 4, 4, dtype=torch.uint8)]
    first, second = SelfSupDataPreprocessor(mean=[1.0], std=[2.0])(dict(inputs=views))['inputs']
    assert first.unique().tolist() == [-0.5] and second.unique().tolist() == [0.0]
    lists = [[view[0], view[1]] for view in views]
    assert torch.equal(SelfSupDataPreprocessor()(dict(inputs=lists))['inputs'][1], views[1].float())


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match='differ in shape'):
        SelfSupDataPreprocessor()(dict(inputs=[torch.zeros(1, 2, 2), torch.zeros(1, 3, 3)]))
    with pytest.raises(ValueError, match='must be given together'):
        SelfSupDataPreprocessor(mean=[1.0])
