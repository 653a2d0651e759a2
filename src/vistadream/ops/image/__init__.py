"""Pixels: resampling, masks, color maps."""
