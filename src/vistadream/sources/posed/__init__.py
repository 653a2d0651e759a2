"""Pictures whose cameras another program has found: transforms.json, COLMAP's models, our own datasets."""
