import pytest
import torch

from vlplugins.models.heads import ImageDomainClassifier, PixelDomainClassifier


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_sizes_are_those_of_the_release():
    assert count(ImageDomainClassifier()) == 5_457_666
    assert count(PixelDomainClassifier()) == 98_432


@pytest.mark.parametrize('size', [(9, 13), (1, 1), (2, 3), (7, 8)])
def test_image_classifier_takes_maps_of_any_size(size):
    classifier = ImageDomainClassifier(6, channels=(8, 4, 5), dropout=0.0)
    logits, context = classifier(torch.randn(3, 6, *size))
    assert logits.shape == (3, 2) and context.shape == (3, 5) == (3, classifier.context_channels)
    # The context is what the logits are made of.
    assert torch.allclose(logits, classifier.fc(context)) and (context >= 0).all()


def test_one_value_per_channel_has_no_statistics():
    classifier = ImageDomainClassifier(6, channels=(8, 4, 5))
    with pytest.raises(ValueError, match=r'feature map too small for batch statistics: \(1, 6, 2, 2\).*block 1'):
        classifier(torch.randn(1, 6, 2, 2))
    assert classifier.eval()(torch.randn(1, 6, 2, 2))[0].isfinite().all()


def test_pixel_classifier_equals_a_loop_over_places():
    torch.manual_seed(0)
    classifier = PixelDomainClassifier(3, channels=(5, 4), init_std=1.0)
    maps = torch.randn(2, 3, 4, 6)
    found, context = classifier(maps)
    weights = [getattr(classifier, f'conv{index}').weight[:, :, 0, 0] for index in (1, 2, 3)]
    hidden_sum = torch.zeros(2, 4)
    for image in range(2):
        for row in range(4):
            for column in range(6):
                hidden = maps[image, :, row, column]
                for weight in weights[:2]:
                    hidden = (weight @ hidden).clamp(min=0)
                hidden_sum[image] += hidden
                expected = 1 / (1 + torch.exp(-(weights[2] @ hidden)))
                assert torch.allclose(found[image, :, row, column], expected, atol=1e-6)
    assert found.shape == (2, 1, 4, 6) and torch.allclose(context, hidden_sum / 24, atol=1e-5)


@pytest.mark.parametrize('kind', [ImageDomainClassifier, PixelDomainClassifier])
def test_gradients_reach_every_parameter_and_state_round_trips(kind):
    torch.manual_seed(0)
    one, other = (kind(6, channels=(8, 4)) for _ in range(2))
    other.load_state_dict(one.state_dict())
    maps = torch.randn(2, 6, 9, 9)
    scores, context = one(maps)
    (scores.square().sum() + context.sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in one.parameters())
    assert torch.equal(one.eval()(maps)[1], other.load_state_dict(one.state_dict()) and other.eval()(maps)[1])


def test_dropout_follows_the_training_flag():
    torch.manual_seed(0)
    classifier = ImageDomainClassifier(6, channels=(16, 16))
    maps = torch.randn(2, 6, 9, 9)
    assert not torch.equal(classifier(maps)[1], classifier(maps)[1])
    classifier.eval()
    assert torch.equal(classifier(maps)[1], classifier(maps)[1])
