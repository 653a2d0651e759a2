"""A Ray cluster for workers: how it is joined, with which token, and where workers run on it. It imports no Ray."""
