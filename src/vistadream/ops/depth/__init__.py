"""Depth maps: edges, normals, alignment, sky."""
