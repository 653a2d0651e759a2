"""Several Views together."""
