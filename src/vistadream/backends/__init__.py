"""Floor 2, one foreign model per file, translated to our nouns."""
