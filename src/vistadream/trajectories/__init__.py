"""The named camera paths."""
