"""Compiled kernels, threads, and sums that do not depend on the number of threads."""
