"""The cache of results: a job whose result is known takes its files from there and is not run."""
