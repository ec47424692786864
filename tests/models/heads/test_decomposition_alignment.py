import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vlplugins.models.heads import DecompositionAlignment
from vlplugins.models.necks import DecomposedFeature
from vlplugins.registry import MODELS

IMAGE = dict(type='vlplugins.ImageDomainClassifier', in_channels=6, channels=(5, 4), dropout=0.0)
PIXEL = dict(type='vlplugins.PixelDomainClassifier', in_channels=6, channels=(5, 4), init_std=0.5)
ALL = dict(domain_base=0.5, domain_specific=0.25, domain_pixel=2.0, orthogonality=3.0)


def make_alignment(**options):
    torch.manual_seed(0)
    cfg = dict(base_classifier=IMAGE, specific_classifier=IMAGE, pixel_classifier=PIXEL, levels=(0, 2), grid=2)
    # Evaluation: the reference calls the classifiers again, and batch statistics would count both.
    return DecompositionAlignment(**{**cfg, **options}).eval()


def make_parts(sizes=((8, 12), (6, 6), (4, 6))):
    torch.manual_seed(1)
    parts = []
    for size in sizes:
        base, invariant = torch.randn(2, 6, *size, requires_grad=True), torch.randn(2, 6, *size, requires_grad=True)
        parts.append(DecomposedFeature(base, invariant, base - invariant))
    return parts


@pytest.mark.parametrize('domain', [0, 1])
def test_terms_equal_a_slow_reference(domain):
    alignment, parts = make_alignment(), make_parts()
    found = alignment(parts, domain, ALL)
    expected = dict(loss_domain_base=0.0, loss_domain_specific=0.0, loss_orth=0.0)
    for level in (0, 2):
        for name in ('base', 'specific'):
            logits = getattr(alignment, f'{name}_classifier')(getattr(parts[level], name))[0]
            for row in logits.softmax(dim=1):
                expected[f'loss_domain_{name}'] -= ((1 - row[domain]) ** 5 * row[domain].log()).item() / 4
        _, invariant, specific = parts[level]
        height, width = (size // 2 for size in invariant.shape[2:])
        for image in range(2):
            for top in (0, height):
                for left in (0, width):
                    cells = [
                        each[image, :, top : top + height, left : left + width].mean(dim=(1, 2))
                        for each in (invariant, specific)
                    ]
                    expected['loss_orth'] += abs(F.cosine_similarity(*cells, dim=0).item()) / 16
    places = alignment.pixel_classifier(parts[0].base)[0].flatten().tolist()
    expected['loss_domain_pixel'] = sum((place - domain) ** 2 for place in places) / len(places)
    weights = {f'loss_{key}'.replace('orthogonality', 'orth'): value for key, value in ALL.items()}
    assert {key for key in found if key.startswith('loss')} == set(expected)
    for key, value in expected.items():
        assert found[key].item() == pytest.approx(weights[key] * value, rel=1e-4), key
    assert found['acc_domain_pixel'].item() == pytest.approx(
        sum((place > 0.5) == bool(domain) for place in places) / len(places)
    )


@pytest.mark.parametrize('reverse', [True, False])
def test_reversal_turns_the_gradient_of_the_maps_and_not_of_the_classifier(reverse):
    alignment, parts = make_alignment(reverse_specific=reverse, levels=(0,)), make_parts()
    alignment(parts, 0, dict(domain_specific=1.0))['loss_domain_specific'].backward()
    reversed_gradient = parts[0].base.grad.clone()
    of_classifier = alignment.specific_classifier.fc.weight.grad.clone()
    alignment.zero_grad()
    parts[0].base.grad = None
    logits = alignment.specific_classifier(parts[0].base - parts[0].invariant)[0]
    alignment.image_domain_loss(logits, 0).backward()
    assert torch.allclose(reversed_gradient, (-1 if reverse else 1) * parts[0].base.grad, atol=1e-7)
    assert reversed_gradient.abs().sum() > 0
    assert torch.allclose(of_classifier, alignment.specific_classifier.fc.weight.grad, atol=1e-7)


def test_what_has_no_weight_is_not_computed():
    alignment = make_alignment()
    alignment.base_classifier.forward = None
    assert set(alignment(make_parts(), 1, dict(orthogonality=1.0))) == {'loss_orth'}
    assert alignment(make_parts(), 1, {}) == {}


def test_bad_options_are_refused():
    alignment = make_alignment(base_classifier=None)
    assert alignment.missing(ALL) == ['domain_base']
    with pytest.raises(ValueError, match='domain_base'):
        alignment(make_parts(), 0, ALL)
    with pytest.raises(ValueError, match=r'1 levels.*\[0, 2\]'):
        alignment(make_parts()[:1], 0, dict(orthogonality=1.0))
    for options in (dict(levels=()), dict(grid=0)):
        with pytest.raises(ValueError, match='expected one or more of each'):
            make_alignment(**options)


def test_parts_stand_alone_in_a_plain_network():
    """Nothing of OpenMMLab around them: one backward pass trains the classifier and turns the encoder against it."""
    torch.manual_seed(0)
    encoder, private = (nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU()) for _ in range(2))
    classifier = MODELS.build(IMAGE).eval()
    reverse = MODELS.build(dict(type='vlplugins.GradientReversal', coefficient=0.5))
    domain_loss = MODELS.build(dict(type='vlplugins.DomainFocalLoss', gamma=0.0))
    orthogonality = MODELS.build(dict(type='vlplugins.OrthogonalityLoss'))
    images, gradients = torch.randn(4, 3, 8, 8), []
    for layer in (reverse, nn.Identity()):
        logits = classifier(layer(encoder(images)))[0]
        # Cross-entropy, as gamma is 0.
        assert torch.allclose(domain_loss(logits, 1), F.cross_entropy(logits, torch.ones(4, dtype=torch.long)))
        parameters = [encoder[0].weight, classifier.fc.weight]
        gradients.append(torch.autograd.grad(domain_loss(logits, 1), parameters))
    (turned, trained), (plain, same) = gradients
    assert torch.allclose(turned, -0.5 * plain) and plain.abs().sum() > 0 and torch.allclose(trained, same)
    optimizer = torch.optim.SGD(private.parameters(), lr=0.5)
    values = []
    for _ in range(60):
        loss = orthogonality(encoder(images).detach().mean(dim=(2, 3)), private(images).mean(dim=(2, 3)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.7 * values[0], values
