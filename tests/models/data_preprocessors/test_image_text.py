import pytest
import torch

from vlplugins.registry import MODELS


def build(**options):
    return MODELS.build(dict(type='ImageTextDataPreprocessor', mean=[10.0, 20.0, 30.0], std=[1.0, 2.0, 5.0], **options))


def test_images_are_turned_to_rgb_and_normalised_and_phrases_padded():
    image = torch.tensor([30, 22, 11], dtype=torch.uint8)[:, None, None].expand(3, 4, 6)
    ids = [torch.tensor([2, 5, 3, 0]), torch.tensor([2, 3, 0, 0])]
    spans = [torch.tensor([[1, 2]]), torch.zeros(0, 2, dtype=torch.long)]
    found = build()(dict(inputs=dict(image=[image, image], text_ids=ids, phrase_spans=spans)))['inputs']
    # Blue, green, red of the file: 30, 22, 11.
    assert found['image'][0, :, 0, 0].tolist() == [1, 1, 0]
    assert found['text_mask'].tolist() == [[True, True, True, False], [True, True, False, False]]
    assert found['phrase_spans'].tolist() == [[[1, 2]], [[0, 0]]]
    found = build(bgr_to_rgb=False)(dict(inputs=[image]))['inputs']
    assert set(found) == {'image'}
    torch.testing.assert_close(found['image'][0, :, 0, 0], torch.tensor([20, 1, -3.8]))


def test_a_batch_without_a_phrase_has_an_empty_one():
    spans = [torch.zeros(0, 2, dtype=torch.long)] * 2
    found = build()(dict(inputs=dict(text_ids=[torch.ones(3)] * 2, phrase_spans=spans)))['inputs']
    assert found['phrase_spans'].shape == (2, 1, 2) and (found['phrase_spans'] == 0).all()


def test_several_texts_of_an_item_are_counted_and_prompts_are_shared():
    texts = [torch.ones(2, 4, dtype=torch.long), torch.ones(3, 4, dtype=torch.long)]
    prompts = torch.tensor([[[2, 3, 0]]])
    found = build()(dict(inputs=dict(text_ids=texts, class_prompts=[prompts, prompts])))['inputs']
    assert found['text_ids'].shape == (5, 4) and found['captions_per_image'] == [2, 3]
    assert found['class_prompts'].shape == (1, 1, 3) and found['class_prompt_mask'].sum() == 2


def test_images_of_several_shapes_are_refused():
    images = [torch.zeros(3, 4, 4, dtype=torch.uint8), torch.zeros(3, 4, 6, dtype=torch.uint8)]
    with pytest.raises(ValueError, match='images of one batch differ in shape'):
        build()(dict(inputs=dict(image=images)))
    with pytest.raises(ValueError, match='std be positive'):
        MODELS.build(dict(type='ImageTextDataPreprocessor', std=[0.0, 1.0, 1.0]))
