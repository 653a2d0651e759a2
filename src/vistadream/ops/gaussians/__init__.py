"""Operations on Gaussians: lifting pixels, rotations, the 3D filter, shape."""
