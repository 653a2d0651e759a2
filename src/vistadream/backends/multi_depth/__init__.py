"""Depth of several photos together, from their known cameras."""
