"""Floor 3, one stage of the pipeline per file."""
