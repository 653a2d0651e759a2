"""A small network for the depth of one picture, trained on generated worlds only (docs/embedded_depth.md)."""
