"""Worlds that are photographed once and then seen from many other places, with true pictures and depth of each."""
