"""Metrics on plain arrays; nothing here knows of models or data samples."""
