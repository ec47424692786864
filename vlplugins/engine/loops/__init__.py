"""Loops; importing the package registers them."""

from vlplugins.engine.loops.multi_width_loops import MultiWidthTestLoop, MultiWidthTrainLoop, MultiWidthValLoop

__all__ = ['MultiWidthTestLoop', 'MultiWidthTrainLoop', 'MultiWidthValLoop']
