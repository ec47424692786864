"""The mechanism of VDD without a detector: both steps on small maps of two domains, with and without orthogonality."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vlplugins.models.heads.domain_classifier import ImageDomainClassifier
from vlplugins.models.layers.gradient_reversal import reverse_gradient
from vlplugins.models.losses.domain_adversarial import DomainFocalLoss
from vlplugins.models.losses.orthogonality import OrthogonalityLoss
from vlplugins.models.necks.vector_decomposition import VectorDecomposition

CLASSES, CHANNELS, ITERATIONS = 4, 32, 40


class Toy(nn.Module):
    """A map, its decomposition, two domain classifiers, and a linear head on one fixed region of each branch."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(8, CHANNELS, 3, padding=1), nn.ReLU())
        self.decomposer = VectorDecomposition(CHANNELS, mid_channels=16, kernel_size=3, dropout=0.5)
        self.base_classifier = ImageDomainClassifier(CHANNELS, channels=(16, 8), dropout=0.5)
        self.specific_classifier = ImageDomainClassifier(CHANNELS, channels=(16, 8), dropout=0.5)
        self.base_head, self.invariant_head = nn.Linear(CHANNELS, CLASSES), nn.Linear(CHANNELS, CLASSES)

    def forward(self, images):
        return self.decomposer(self.backbone(images))


def region(maps):
    return maps[:, :, 2:6, 2:6].mean(dim=(2, 3))


class Domains:
    """Images of a class in the middle; the source has a second cue of the class, each domain a vector everywhere."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.contents, self.cues = (torch.randn(CLASSES, 8, generator=self.generator) for _ in range(2))
        self.domains = torch.randn(2, 8, generator=self.generator)

    def draw(self, domain, count):
        labels = torch.randint(CLASSES, (count,), generator=self.generator)
        images = 0.5 * torch.randn(count, 8, 8, 8, generator=self.generator) + self.domains[domain][:, None, None]
        content = self.contents[labels] + (self.cues[labels] if domain == 0 else 0)
        images[:, :, 2:6, 2:6] += content[:, :, None, None]
        return images, labels


def domain_loss(classifier, maps, domain):
    return 0.25 * DomainFocalLoss()(classifier(reverse_gradient(maps))[0], domain)


def train(seed, orthogonality):
    torch.manual_seed(seed)
    toy, data, orthogonal = Toy().train(), Domains(seed), OrthogonalityLoss(loss_weight=orthogonality)
    invariant = [toy.decomposer, toy.specific_classifier, toy.invariant_head]
    groups = [
        [p for module in modules for p in module.parameters()]
        for modules in (invariant, [toy.backbone, toy.base_classifier, toy.base_head])
    ]
    steps = [torch.optim.SGD(group, lr=0.02, momentum=0.9) for group in groups]
    for _ in range(ITERATIONS):
        (source, labels), (target, _) = data.draw(0, 8), data.draw(1, 8)
        toy.zero_grad()
        loss = 0.0
        for domain, images in enumerate((source, target)):
            parts = toy(images)
            loss = loss + domain_loss(toy.base_classifier, parts.base, domain)
            loss = loss + domain_loss(toy.specific_classifier, parts.specific, domain)
            if domain == 0:
                loss = loss + 0.5 * F.cross_entropy(toy.base_head(region(parts.base)), labels)
                loss = loss + 0.5 * F.cross_entropy(toy.invariant_head(region(parts.invariant)), labels)
        loss.backward()
        for step in steps:
            step.step()
        toy.zero_grad()
        loss = 0.0
        for domain, images in enumerate((source, target)):
            parts = toy(images)
            loss = loss + domain_loss(toy.specific_classifier, parts.specific, domain)
            loss = loss + orthogonal(region(parts.invariant), region(parts.specific))
            if domain == 0:
                loss = loss + F.cross_entropy(toy.invariant_head(region(parts.invariant)), labels)
        loss.backward()
        steps[0].step()
    return toy.eval(), data


@pytest.fixture(scope='module')
def cosines():
    """Mean absolute cosine of the parts of unseen target images, for each seed without and with orthogonality."""
    found = []
    for seed in range(3):
        pair = []
        for weight in (0.0, 0.5):
            toy, data = train(seed, weight)
            with torch.no_grad():
                parts = toy(data.draw(1, 64)[0])
            assert (parts.invariant + parts.specific - parts.base).abs().max() < 1e-5
            pair.append(F.cosine_similarity(region(parts.invariant), region(parts.specific)).abs().mean().item())
        found.append(pair)
    return found


def test_orthogonality_turns_the_parts_of_the_target_apart(cosines):
    assert all(with_loss < without for without, with_loss in cosines), cosines
    assert sum(with_loss / without for without, with_loss in cosines) / len(cosines) <= 0.85, cosines
