"""A small network for the depth of one picture, trained on generated worlds only (tools/train_embedded_depth)."""
