"""Depth of one photo from its neighbors with known cameras: plane sweep, semi-global matching, agreement of maps."""
