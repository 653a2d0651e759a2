"""Functions that all camera paths use: poses, splines, and clearance from surfaces."""
