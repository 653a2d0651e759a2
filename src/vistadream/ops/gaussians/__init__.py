"""Sets of Gaussians: lifting pixels, rotations, the 3D filter, shape."""
