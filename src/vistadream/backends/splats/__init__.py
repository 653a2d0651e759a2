"""The first Gaussians of a scene: lifted from its depth map, or predicted by a network."""
