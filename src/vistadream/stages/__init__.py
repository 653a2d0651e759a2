"""Floor 2, one step of the pipeline per file."""
