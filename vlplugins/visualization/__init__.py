"""Visualizers; importing the package registers them."""
