"""SHARP (Mescheder et al. 2025, arXiv 2512.10685): 3D Gaussians from one photo by one pass of a network.

The network is written here from the paper and from the names and shapes of the published tensors. Data flow:

- `network.py`: the picture -> depth of two layers (`pyramid.py`, `vision_transformer.py`, `decoder.py`), and from both
  what the Gaussians differ by from their base (`splat_features.py`);
- `composition.py`: base and differences -> Gaussians in normalized device coordinates;
- `predict.py`: the backend, around that: the camera, meters, sRGB; `load.py`: the published file.
"""
