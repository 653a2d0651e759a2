"""Trains the embedded depth network on worlds that this package generates."""
