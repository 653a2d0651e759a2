"""Compiled kernels, threads, and sums whose bits do not depend on the number of threads."""
