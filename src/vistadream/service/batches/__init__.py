"""Batches: many pictures in one request, each of which becomes a job of the queue."""
