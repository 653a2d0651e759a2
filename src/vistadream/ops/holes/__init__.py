"""Holes of a rendering: which pose shows one, how it is filled, and which surfaces must stay hidden."""
