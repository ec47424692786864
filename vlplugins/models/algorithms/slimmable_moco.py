"""SlimCLR on MoCo v2: a queue of keys made by a momentum copy of the full network."""

from typing import Dict, Optional

import torch
import torch.nn.functional as F
from mmengine.dist import get_world_size
from torch import Tensor, nn

from vlplugins.models.algorithms.slimmable_contrastive import SlimmableContrastiveModel
from vlplugins.models.layers.batch_shuffle import run_in_splits, shuffle_batch
from vlplugins.models.layers.momentum_encoder import MomentumEncoder
from vlplugins.registry import MODELS
from vlplugins.utils.distributed import gather


@MODELS.register_module()
class SlimmableMoCo(SlimmableContrastiveModel):
    """MoCo v2 (Chen et al., 2020) with a slimmable query encoder (SlimCLR, Zhao et al., IJCV 2024, sec. 3).

    In a step the key encoder moves towards the query encoder, the full-width key encoder makes the keys of the second
    view, every width makes queries of the first view, each is contrasted with its key and the one queue that all
    widths share, and the keys replace the oldest of the queue.

    Args:
        backbone: Config of a slimmable backbone.
        neck: Config of the projector.
        loss: Config of :class:`SlimmableContrastiveLoss`.
        queue_len: Keys in the queue; a multiple of the joined batch size.
        feat_dim: Size of the embedding.
        momentum: Momentum of the key encoder.
        shuffle_bn: Make the keys from a batch shuffled over processes, so that statistics do not give them away.
        bn_splits: Parts of a batch with statistics of their own, to imitate several processes on one.
        data_preprocessor: Config of :class:`SelfSupDataPreprocessor`.
        init_cfg: MMEngine initialisation.
    """

    several_teachers = True

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        loss: dict,
        queue_len: int = 65536,
        feat_dim: int = 128,
        momentum: float = 0.999,
        shuffle_bn: bool = True,
        bn_splits: int = 1,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(backbone, neck, loss, data_preprocessor, init_cfg)
        self.key_encoder = MomentumEncoder(self._query_encoder(), momentum)
        self.shuffle_bn, self.bn_splits = shuffle_bn, bn_splits
        self.register_buffer('queue', F.normalize(torch.randn(feat_dim, queue_len), dim=0))
        self.register_buffer('queue_ptr', torch.zeros(1, dtype=torch.long))

    def _query_encoder(self) -> nn.ModuleDict:
        return nn.ModuleDict(dict(backbone=self.backbone, neck=self.neck))

    def init_weights(self) -> None:
        """Initialise the query encoder, and start the key encoder equal to it."""
        super().init_weights()
        self.key_encoder.copy_from(self._query_encoder())

    def loss(self, first: Tensor, second: Tensor) -> Dict[str, Tensor]:
        """Losses of two views ``[N, C, H, W]``: queries of the first, keys of the second."""
        self.key_encoder.update(self._query_encoder())
        keys = self.make_keys(second)
        negatives = self.queue.clone().T
        queries = {
            width: run_in_splits(lambda part, width=width: self.embed(part, width), first, self.bn_splits)
            for width in self.training_widths
        }
        similarities = {
            width: torch.cat([(query * keys).sum(dim=1, keepdim=True), self.cosines(query, negatives)], dim=1)
            for width, query in queries.items()
        }
        labels = torch.zeros(first.size(0), dtype=torch.long, device=first.device)
        losses = self.loss_module(similarities, labels, self.widths, queries)
        self.enqueue(keys)
        return losses

    @torch.no_grad()
    def make_keys(self, images: Tensor) -> Tensor:
        """Unit keys ``[N, D]`` of ``images [N, C, H, W]`` from the full-width key encoder."""
        encoder = self.key_encoder.module

        def encode(part: Tensor) -> Tensor:
            return F.normalize(encoder['neck'](encoder['backbone'](part, 1.0), 1.0).float(), dim=1)

        if not self.shuffle_bn:
            return run_in_splits(encode, images, self.bn_splits)
        shuffled, restore = shuffle_batch(images)
        return restore(run_in_splits(encode, shuffled, self.bn_splits))

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Replace the oldest keys of the queue by the ``keys [N, D]`` of all processes.

        Raises:
            ValueError: the joined batch does not divide the queue.
        """
        length, size = self.queue.size(1), keys.size(0) * get_world_size()
        if length % size:
            nearest = max(1, round(length / size)) * size
            raise ValueError(
                f'queue_len {length} is not a multiple of the joined batch {size}; nearest: {nearest} '
                '(an incomplete last batch is left out by drop_last=True)'
            )
        joined = gather(keys, equal_sizes=True)
        # The pointer stays on the device: reading it would make the step wait.
        columns = (self.queue_ptr + torch.arange(size, device=keys.device)) % length
        self.queue.index_copy_(1, columns, joined.T.to(self.queue.dtype))
        self.queue_ptr.add_(size).remainder_(length)
