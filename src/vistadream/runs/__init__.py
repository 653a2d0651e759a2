"""One run, on disk and in the process: its folder, checkpoints, inputs, provenance, durations and memory."""
