"""Figures of merit of pictures, depth maps and scenes."""
