"""Floor 1, the verbs: pure functions on core types; no files, models or viewers."""
