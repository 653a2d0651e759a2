"""Processes that carry out jobs: one job from words to results, a process, and a pool of them.

This room knows no queue: whoever starts a worker gives it one (`Queue`).
"""
