"""File formats: one file for each format, reading and writing, without policy."""
