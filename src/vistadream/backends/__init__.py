"""The backends: each fills one protocol of `core.protocols`, often with a model of other authors."""
