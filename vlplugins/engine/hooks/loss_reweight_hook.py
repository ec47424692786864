"""Re-weighting of losses by the size of the sub-network."""

from vlplugins.engine.hooks.scheduled_value_hook import ScheduledValueHook
from vlplugins.registry import HOOKS


@HOOKS.register_module()
class LossReweightHook(ScheduledValueHook):
    """Chooses the re-weighting scheme of the loss, from an epoch on (SlimCLR, IJCV 2024, sec. 3).

    Args:
        scheme: Scheme from ``switch_epoch`` on, as in :func:`vlplugins.models.losses.reweight_widths`.
        switch_epoch: Epoch, from 0; by default the scheme holds from the start.
        scheme_before: Scheme before it.
        path: Dotted path of the scheme below the model.
    """

    def __init__(
        self,
        scheme: str,
        switch_epoch: float = 0,
        scheme_before: str = 'none',
        path: str = 'loss_module.reweight',
    ) -> None:
        super().__init__(path, 'step', scheme_before, scheme, begin=switch_epoch, by='epoch')
