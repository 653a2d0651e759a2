"""Floor 2, for human eyes."""
