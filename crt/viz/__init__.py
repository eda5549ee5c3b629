"""Figures: maps laid over images, charts, and sheets of images with text."""
