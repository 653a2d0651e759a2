"""Thousands of photographs, each a scene, on whatever there is: the disk is the truth, engines hand out who works."""
