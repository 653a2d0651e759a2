"""The named camera paths, each a function of a scene and of its own knobs."""
