"""A small network for the depth of one picture, trained on generated worlds only (research/train_embedded_depth)."""
