"""Loops; importing the package registers them."""

from vlplugins.engine.loops.alternating_train_loop import AlternatingLoader, AlternatingTrainLoop
from vlplugins.engine.loops.multi_set_loops import MultiSetTestLoop, MultiSetValLoop
from vlplugins.engine.loops.multi_width_loops import MultiWidthTestLoop, MultiWidthTrainLoop, MultiWidthValLoop

__all__ = [
    'AlternatingLoader',
    'AlternatingTrainLoop',
    'MultiSetTestLoop',
    'MultiSetValLoop',
    'MultiWidthTestLoop',
    'MultiWidthTrainLoop',
    'MultiWidthValLoop',
]
