"""What makes the parts of a decomposition invariant and specific: domain classifiers and orthogonality."""

from typing import Dict, List, Mapping, Optional, Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.necks.vector_decomposition import DecomposedFeature
from vlplugins.registry import MODELS

CLASSIFIERS = ('base', 'specific', 'pixel')


@MODELS.register_module()
class DecompositionAlignment(BaseModule):
    """Adversarial and orthogonality losses of VDD (Wu et al., ICCV 2021) for the levels of any decomposition.

    Classifiers behind a gradient reversal tell the domain from whole maps and from their specific parts; pooled cells
    of the invariant and of the specific part are made orthogonal. VDD pools the regions of proposals; the cells of a
    grid need no proposals, so detectors without them, and networks that detect nothing, can be aligned as well. Terms
    are means over the levels. Nothing here reads labels of objects.

    Args:
        base_classifier: Config of the ``ImageDomainClassifier`` of whole maps; ``None`` leaves it out.
        specific_classifier: Config of that of specific parts.
        pixel_classifier: Config of the ``PixelDomainClassifier`` of the whole map of the first of the levels.
        levels: Indices of the levels that the losses are of; one classifier is for all of them.
        image_domain_loss: Config of the loss of image classifiers.
        pixel_domain_loss: Config of the loss of the pixel classifier.
        orthogonality_loss: Config of the loss between pooled cells.
        reversal: Config of the gradient reversal.
        reverse_specific: Put the reversal before the classifier of the specific part, too.
        grid: Cells that a map is pooled to, in each direction.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: no levels, or a grid without cells.
    """

    terms = (*(f'domain_{name}' for name in CLASSIFIERS), 'orthogonality')

    def __init__(
        self,
        base_classifier: Optional[dict] = None,
        specific_classifier: Optional[dict] = None,
        pixel_classifier: Optional[dict] = None,
        levels: Sequence[int] = (0,),
        image_domain_loss: dict = dict(type='vlplugins.DomainFocalLoss'),  # noqa: B006  (a config, never changed)
        pixel_domain_loss: dict = dict(type='vlplugins.DomainLeastSquaresLoss'),  # noqa: B006
        orthogonality_loss: dict = dict(type='vlplugins.OrthogonalityLoss'),  # noqa: B006
        reversal: dict = dict(type='vlplugins.GradientReversal'),  # noqa: B006
        reverse_specific: bool = True,
        grid: int = 4,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if not levels or grid < 1:
            raise ValueError(f'found levels {list(levels)} and grid {grid}; expected one or more of each')
        for name, cfg in zip(CLASSIFIERS, (base_classifier, specific_classifier, pixel_classifier)):
            setattr(self, f'{name}_classifier', MODELS.build(cfg) if cfg else None)
        self.image_domain_loss = MODELS.build(image_domain_loss)
        self.pixel_domain_loss = MODELS.build(pixel_domain_loss)
        self.orthogonality_loss, self.reversal = MODELS.build(orthogonality_loss), MODELS.build(reversal)
        self.levels, self.reverse_specific, self.grid = tuple(levels), reverse_specific, grid

    def forward(
        self, parts: Sequence[DecomposedFeature], domain: int, weights: Mapping[str, float]
    ) -> Dict[str, Tensor]:
        """Losses of a batch of one domain, already weighted, and accuracies of the classifiers.

        Args:
            parts: Parts ``[B, C, h, w]`` of each level.
            domain: Index of the domain, the source 0 and the target 1.
            weights: Weight of each of ``terms``; one without weight is not computed.

        Raises:
            ValueError: weight for a classifier that there is not, or a level that there is not.
        """
        missing = self.missing(weights)
        if missing or max(self.levels) >= len(parts):
            raise ValueError(
                f'found weights {dict(weights)} and {len(parts)} levels; expected classifiers for {missing} and the '
                f'levels {list(self.levels)}'
            )
        chosen = [parts[level] for level in self.levels]
        losses: Dict[str, Tensor] = {}
        for name in CLASSIFIERS:
            weight = weights.get(f'domain_{name}', 0.0)
            if weight:
                loss, accuracy = self._adversarial(name, chosen, domain)
                losses[f'loss_domain_{name}'], losses[f'acc_domain_{name}'] = weight * loss, accuracy
        weight = weights.get('orthogonality', 0.0)
        if weight:
            losses['loss_orth'] = weight * _mean([self._orthogonality(part) for part in chosen])
        return losses

    def missing(self, weights: Mapping[str, float]) -> List[str]:
        """Weighted terms whose classifier is left out."""
        return [
            f'domain_{name}'
            for name in CLASSIFIERS
            if weights.get(f'domain_{name}') and getattr(self, f'{name}_classifier') is None
        ]

    def _adversarial(self, name: str, parts: Sequence[DecomposedFeature], domain: int) -> List[Tensor]:
        classifier: nn.Module = getattr(self, f'{name}_classifier')
        loss = self.pixel_domain_loss if name == 'pixel' else self.image_domain_loss
        maps = [part.specific if name == 'specific' else part.base for part in parts]
        if name != 'specific' or self.reverse_specific:
            maps = [self.reversal(each) for each in maps]
        scores = [classifier(each)[0] for each in (maps[:1] if name == 'pixel' else maps)]
        found = ([loss(each, domain) for each in scores], [classifier.accuracy(each, domain) for each in scores])
        return [_mean(values) for values in found]

    def _orthogonality(self, part: DecomposedFeature) -> Tensor:
        """Of mean vectors ``[B * grid * grid, C]``."""
        cells = [F.adaptive_avg_pool2d(each, self.grid) for each in (part.invariant, part.specific)]
        return self.orthogonality_loss(*(each.permute(0, 2, 3, 1).flatten(0, 2) for each in cells))


def _mean(values: Sequence[Tensor]) -> Tensor:
    return sum(values[1:], values[0]) / len(values)
