"""Inferencers; importing the package registers them."""
