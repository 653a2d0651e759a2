"""One photograph becomes an explorable scene of 3D Gaussians."""
