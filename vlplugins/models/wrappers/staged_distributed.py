"""Several processes for models that train in stages."""

from typing import Any, Dict

from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor

from vlplugins.models.algorithms.stages import train_stages
from vlplugins.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class StagedDistributedDataParallel(MMDistributedDataParallel):
    """MMEngine's wrapper, whose training step goes through the stages of the model.

    Each stage is one call of the wrapped model and one backward pass, as the averaging of gradients needs it. A stage
    leaves the parameters of other groups without gradient::

        model_wrapper_cfg = dict(type='StagedDistributedDataParallel', find_unused_parameters=True)

    Args:
        module: A model with ``stages``, whose ``forward`` takes ``stage``.
        kwargs: Arguments of MMEngine's ``MMDistributedDataParallel``.
    """

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> Dict[str, Tensor]:
        """All stages in turn; a single stage may have an ordinary optimizer for all parameters."""
        if len(self.module.stages) == 1 and not isinstance(optim_wrapper, OptimWrapperDict):
            return super().train_step(data, optim_wrapper)
        return train_stages(self.module, self, data, optim_wrapper)
