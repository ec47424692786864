"""SlimCLR on SimCLR: contrast of two views within the joined batch, without momentum encoder."""

from typing import Dict, Tuple

import torch
from torch import Tensor

from vlplugins.models.algorithms.slimmable_contrastive import SlimmableContrastiveModel
from vlplugins.registry import MODELS
from vlplugins.utils.distributed import gather_with_grad, offset_of_rank


@MODELS.register_module()
class SlimmableSimCLR(SlimmableContrastiveModel):
    """SimCLR (Chen et al., ICML 2020) at several widths; each width contrasts its own embeddings.

    Arguments as in :class:`SlimmableContrastiveModel`. Gradients flow through the embeddings of all processes, so that
    N processes have the loss and gradient of one on the joined batch.
    """

    def loss(self, first: Tensor, second: Tensor) -> Dict[str, Tensor]:
        """NT-Xent losses of two views ``[N, C, H, W]``."""
        images = torch.cat([first, second])
        embeddings = {width: self.embed(images, width) for width in self.training_widths}
        similarities = {}
        for width, embedding in embeddings.items():
            similarities[width], labels = self._similarities(embedding)
        return self.loss_module(similarities, labels, self.widths, embeddings)

    def _similarities(self, embeddings: Tensor) -> Tuple[Tensor, Tensor]:
        """Cosines of ``[2N, D]`` (first views, then second) with all others of all processes.

        Returns:
            ``[2N, 2 N_all - 1]``, each row without its own column, and the column ``[2N]`` of the other view.
        """
        rows = embeddings.size(0)
        joined = gather_with_grad(embeddings, equal_sizes=True)
        own = torch.arange(rows, device=embeddings.device) + offset_of_rank(embeddings, equal_sizes=True)
        partner = own + torch.where(torch.arange(rows, device=own.device) < rows // 2, rows // 2, -(rows // 2))
        cosines = self.cosines(embeddings, joined)
        others = torch.arange(joined.size(0) - 1, device=own.device).expand(rows, -1)
        # Columns from the own one on move one to the left.
        others = others + (others >= own[:, None])
        return cosines.gather(1, others), partner - (partner > own).long()
