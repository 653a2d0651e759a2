"""Holes of a rendering: which pose shows one, what fills it, what must stay hidden."""
