"""The operations under /v1, one file for each subject."""
