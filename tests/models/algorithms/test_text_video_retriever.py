import pytest
import torch
from mmengine.structures import BaseDataElement

from tests.helpers.processes import run_distributed
from vlplugins.registry import MODELS

VISION = dict(type='CLIPVisionTransformer', img_size=16, patch_size=8, width=32, layers=2, heads=2, out_dim=16)
REDUCER = dict(type='TokenClustering', after_block=1, num_segments=2, num_centers=3)
MODEL = dict(
    type='TextVideoRetriever',
    video_encoder=dict(VISION, num_frames=4, token_reducers=[REDUCER]),
    text_encoder=dict(
        type='CLIPTextTransformer', vocab_size=40, context_length=8, width=32, layers=1, heads=2, out_dim=16
    ),
)


def build(**options):
    torch.manual_seed(0)
    return MODELS.build({**MODEL, **options})


def inputs_of(batch, texts=None):
    generator = torch.Generator().manual_seed(1)
    imgs = torch.randn(batch, 4, 3, 16, 16, generator=generator)
    text_ids = torch.randint(1, 40, (texts or batch, 8), generator=generator)
    frame_mask = torch.arange(4) < torch.tensor([[4], [1], [3], [4], [2], [4]])[:batch]
    return dict(imgs=imgs, text_ids=text_ids, frame_mask=frame_mask)


def test_tensor_mode_and_the_two_encoders():
    model, inputs = build(), inputs_of(3)
    videos, mask, texts = model(inputs)
    assert videos.shape == (3, 2, 16) and texts.shape == (3, 16)
    assert mask.tolist() == [[True, True], [True, False], [True, False]]
    torch.testing.assert_close(
        model.encode_videos(inputs['imgs'], inputs['frame_mask']), model.head.video_vectors(videos, mask)
    )
    torch.testing.assert_close(model.encode_texts(inputs['text_ids']), model.head.text_vectors(texts))
    whole = model.head.video_vectors(videos, None)
    torch.testing.assert_close(model.encode_videos(inputs['imgs']), whole)


def test_loss_and_gradients():
    model = build()
    losses = model(inputs_of(6), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.equal(total, losses['loss_contrastive'])
    without = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert not without


def test_predict_shares_the_captions_out_and_encodes_each_video_once():
    model, inputs = build().eval(), inputs_of(3, texts=6)
    calls = []
    model.video_encoder.register_forward_hook(lambda module, args, output: calls.append(len(args[0])))
    inputs['captions_per_video'] = [2, 1, 3]
    samples = model(inputs, [BaseDataElement() for _ in range(3)], mode='predict')
    assert calls == [3]
    assert [len(sample.text_features) for sample in samples] == [2, 1, 3]
    texts = model.encode_texts(inputs['text_ids'])
    torch.testing.assert_close(torch.cat([sample.text_features for sample in samples]), texts)
    videos = model.encode_videos(inputs['imgs'], inputs['frame_mask'])
    torch.testing.assert_close(torch.stack([sample.video_feature for sample in samples]), videos)
    assert samples[0].logit_scale.item() == pytest.approx(2.6593, abs=1e-3)
    inputs['captions_per_video'] = [2, 1, 2]
    with pytest.raises(ValueError, match='share out'):
        model(inputs, samples, mode='predict')


def test_texts_or_videos_alone():
    model, inputs = build().eval(), inputs_of(3)
    samples = model(dict(text_ids=inputs['text_ids']), [BaseDataElement() for _ in range(3)], mode='predict')
    assert 'video_feature' not in samples[0] and samples[0].text_features.shape == (1, 16)
    samples = model(dict(imgs=inputs['imgs']), [BaseDataElement() for _ in range(3)], mode='predict')
    assert 'text_features' not in samples[0] and samples[0].video_feature.shape == (16,)
    assert model(dict(imgs=inputs['imgs']))[2] is None
    with pytest.raises(ValueError, match='text_ids'):
        model(dict(imgs=inputs['imgs']), mode='loss')
    with pytest.raises(ValueError, match='neither'):
        model(dict(frame_mask=inputs['frame_mask']))
    with pytest.raises(ValueError, match='mode'):
        model(inputs, mode='train')


def test_very_short_videos_have_finite_features():
    model, inputs = build().eval(), inputs_of(3)
    inputs['frame_mask'][:] = False
    inputs['frame_mask'][:, 0] = True
    videos, mask, _ = model(inputs)
    vectors = model.encode_videos(inputs['imgs'], inputs['frame_mask'])
    torch.testing.assert_close(vectors, torch.nn.functional.normalize(videos[:, 0], dim=1))


def test_state_round_trip():
    one, other = build(), MODELS.build(MODEL)
    assert {'head.logit_scale', 'video_encoder.class_embedding', 'text_encoder.text_projection'} <= set(
        one.state_dict()
    )
    other.load_state_dict(one.state_dict())
    inputs = inputs_of(3)
    assert torch.equal(one(inputs, mode='loss')['loss_contrastive'], other(inputs, mode='loss')['loss_contrastive'])


def train_part(rank, world_size):
    results = []
    for parts in ((3, 3), (2, 4)):
        model = build()
        begin = sum(parts[:rank])
        inputs = {key: value[begin : begin + parts[rank]] for key, value in inputs_of(6).items()}
        wrapped = torch.nn.parallel.DistributedDataParallel(model)
        loss = wrapped(inputs, mode='loss')['loss_contrastive']
        loss.backward()
        results.append((loss.item(), {name: parameter.grad for name, parameter in model.named_parameters()}))
    return results


def test_two_processes_equal_one_on_the_joined_batch_also_with_uneven_parts():
    model = build()
    loss = model(inputs_of(6), mode='loss')['loss_contrastive']
    loss.backward()
    for case in zip(*run_distributed(train_part, 2)):
        assert sum(value for value, _ in case) / 2 == pytest.approx(loss.item(), rel=1e-5)
        for _, gradients in case:
            for name, parameter in model.named_parameters():
                # Sums in another order.
                torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-3, atol=1e-6)
